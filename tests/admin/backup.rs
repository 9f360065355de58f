//! Backups of the store of a running gate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::House;
use super::package_keys::Shop;
use crate::support::{Config, Finished, Origin, Tollgate, tollgate};

/// Runs a command with a configuration.
pub(super) fn run(command: &[&str], config: &Path, input: &str) -> Finished {
    let config = config.to_str().unwrap();
    tollgate(&[command, &["--config", config]].concat(), input)
}

/// Backs the store of a gate up.
pub(super) fn back_up(gate: &Tollgate) -> PathBuf {
    let to = gate.folder().join("backup.db");
    let finished = run(&["backup", to.to_str().unwrap()], gate.config(), "");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    to
}

#[test]
fn a_backup_is_made_beside_the_process_is_private_and_takes_no_others_place() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    let gate = &shop.house.gate;
    let to = back_up(gate);
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let made = fs::read(&to).unwrap();
    let names = |folder: &Path| fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    assert!(!names(gate.folder()).any(|name| name.to_str().unwrap().starts_with("backup.db.")));
    shop.call(&key).admitted();
    let again = run(&["backup", to.to_str().unwrap()], gate.config(), "");
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("backup.db is there already"), "{again:?}");
    assert_eq!(fs::read(&to).unwrap(), made);
    // It is a store by itself, with every entry that the present one had then.
    let file = gate.folder().join("other.toml");
    let config = fs::read_to_string(gate.config()).unwrap();
    fs::write(&file, config.replace("[control]", "[control]\nstore = \"backup.db\"")).unwrap();
    let whole = run(&["audit", "verify"], &file, "");
    assert_eq!(whole.code, Some(0), "{whole:?}");
}

#[test]
fn a_log_that_was_forged_is_found_where_it_was_and_is_no_backup() {
    let house = House::start();
    house.member("kim", &json!([]));
    let to = back_up(&house.gate);
    let mut forged = fs::read(&to).unwrap();
    let truth = b"member.create";
    let at = forged.windows(truth.len()).rposition(|bytes| bytes == truth).unwrap();
    forged[at..at + truth.len()].copy_from_slice(b"member.delete");
    fs::write(&to, forged).unwrap();
    let file = house.gate.folder().join("other.toml");
    let config = fs::read_to_string(house.gate.config()).unwrap();
    fs::write(&file, config.replace("[control]", "[control]\nstore = \"backup.db\"")).unwrap();
    let broken = run(&["audit", "verify"], &file, "");
    assert_eq!(broken.code, Some(5), "{broken:?}");
    assert!(broken.stderr.contains("entry "), "{broken:?}");
    let copy = house.gate.folder().join("copy.db");
    let refused = run(&["backup", copy.to_str().unwrap()], &file, "");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("audit log that is broken from entry"), "{refused:?}");
    assert!(!copy.exists());
}

#[test]
fn what_has_no_store_in_a_file_is_told_what_to_do() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tollgate.toml");
    for (config, says) in [
        (Config::new(&origin), "control: missing"),
        (
            Config::new(&origin)
                .section("control", "store = \"postgresql://jo@localhost/tollgate\""),
            "pg_dump",
        ),
    ] {
        fs::write(&file, config.to_string()).unwrap();
        let finished = run(&["backup", "backup.db"], &file, "");
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(says), "{finished:?}");
    }
}
