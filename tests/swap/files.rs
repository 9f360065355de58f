//! The ways in which files come to change.

use std::{fs, os::unix::fs::symlink};

use tempfile::TempDir;

use super::suspended;
use crate::support::{Config, Origin, Tollgate, wait_for};

fn refuses_soon(gate: &Tollgate) {
    wait_for("the suspension", || gate.get("/orders").key("demo").is_answered(401).then_some(()));
}

#[test]
fn a_file_that_is_written_over_is_read() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.write(&suspended(&origin));
    refuses_soon(&gate);
}

#[test]
fn a_file_that_is_renamed_over_the_other_is_read() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let next = gate.folder().join("next.toml");
    for _ in 0..3 {
        fs::write(&next, suspended(&origin).to_string()).unwrap();
        gate.enforced_after(|| fs::rename(&next, gate.config()).unwrap());
        gate.get("/orders").key("demo").send().refused(401, "key_rejected");
        fs::write(&next, Config::new(&origin).to_string()).unwrap();
        gate.enforced_after(|| fs::rename(&next, gate.config()).unwrap());
        gate.get("/orders").key("demo").send().admitted();
    }
}

/// As Kubernetes mounts a ConfigMap: the file is a link into `..data`, which is a link to a folder
/// that each change makes anew.
#[test]
fn a_folder_that_is_swapped_by_a_link_is_read() {
    let origin = Origin::start();
    let mount = TempDir::new().unwrap();
    let root = mount.path().to_owned();
    let publish = |version: &str, config: &Config| {
        let folder = root.join(version);
        fs::create_dir_all(folder.join("keys.d")).unwrap();
        fs::write(folder.join("tollgate.toml"), config.to_string()).unwrap();
        symlink(version, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    };
    publish("..2026_1", &Config::new(&origin));
    symlink("..data/tollgate.toml", root.join("tollgate.toml")).unwrap();
    let gate = Tollgate::start_in(mount, "tollgate.toml");
    gate.get("/orders").key("demo").send().admitted();
    for (version, config, status) in [
        ("..2026_2", suspended(&origin), 401),
        ("..2026_3", Config::new(&origin), 200),
        ("..2026_4", suspended(&origin), 401),
    ] {
        gate.enforced_after(|| publish(version, &config));
        assert_eq!(gate.get("/orders").key("demo").send().status, status, "{version}");
    }
}

#[test]
fn a_folder_of_keys_is_read_file_by_file() {
    let origin = Origin::start();
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("keys.d");
    fs::create_dir(&keys).unwrap();
    let config = Config::new(&origin).without("keys").root("keys_folder = \"keys.d\"");
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let key = |id: &str, plaintext| format!("[keys.{id}]\n{}", Config::key_body(plaintext, ""));
    fs::write(keys.join("one.toml"), key("one", "first")).unwrap();
    fs::write(keys.join(".hidden.toml"), "not even TOML").unwrap();
    fs::write(keys.join("notes.txt"), "not even TOML").unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    gate.get("/orders").key("first").send().admitted();

    gate.enforced_after(|| fs::write(keys.join("two.toml"), key("two", "second")).unwrap());
    gate.get("/orders").key("second").send().admitted();
    gate.enforced_after(|| fs::remove_file(keys.join("one.toml")).unwrap());
    gate.get("/orders").key("first").send().refused(401, "key_rejected");
    gate.get("/orders").key("second").send().admitted();
}

#[test]
fn a_hangup_signal_reads_the_files_again() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.reload();
    assert_eq!(gate.metrics().reloads("unchanged"), 1.0);
    gate.write(&suspended(&origin));
    gate.reload();
    refuses_soon(&gate);
}

#[test]
fn a_change_that_says_the_same_is_no_change() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let before = gate.metrics();
    gate.write(&format!("# a remark\n{}", Config::new(&origin)));
    gate.reload();
    let after = gate.metrics();
    assert_eq!(after.revision(), before.revision());
    assert!(after.reloads("unchanged") > before.reloads("unchanged"));
}

/// A change that is made after the file was read and before it is first looked at would else never
/// be seen.
#[test]
fn a_change_made_while_the_gate_starts_is_read() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.wait_for("a second reading", |metrics| metrics.reloads("unchanged") == 1.0);
}
