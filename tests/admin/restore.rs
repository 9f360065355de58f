//! Restoring a backup (design decision 11).

mod database;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::audit::entries;
use super::backup::{back_up, run};
use super::package_keys::Shop;
use crate::support::{Admin, Finished, Tollgate, done, wait_for};

/// Restores a backup over the store of a gate that has ended.
fn restore(config: &Path, backup: &Path, more: &[&str], input: &str) -> Finished {
    run(&[&["restore", backup.to_str().unwrap()], more].concat(), config, input)
}

fn restored(config: &Path, backup: &Path, more: &[&str]) -> Finished {
    let finished = restore(config, backup, &[&["--yes"], more].concat(), "");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished
}

fn call(gate: &Tollgate, key: &Json) -> u16 {
    gate.get("/orders").key(key["apikey"].as_str().unwrap()).send().status
}

fn id(json: &Json) -> &str {
    json["id"].as_str().unwrap()
}

/// The epoch that the newest lines of the access log name.
fn epoch(gate: &Tollgate, key: &Json) -> u64 {
    let file = gate.folder().join("access.log");
    let lines = || fs::read_to_string(&file).unwrap_or_default().lines().count();
    let before = lines();
    call(gate, key);
    wait_for("a line", || (lines() > before).then_some(()));
    let text = fs::read_to_string(&file).unwrap();
    let line: Json = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    line["epoch"].as_u64().unwrap()
}

#[test]
fn what_was_revoked_since_a_backup_does_not_live_again() {
    let shop = Shop::that_sells_and_logs();
    let [stays, deleted, disabled, replaced] =
        [(); 4].map(|()| shop.make(&json!({ "status": "active" })));
    let secret = replaced["secret"].clone();
    let kim = shop.house.member("lee", &json!([{ "name": "Owner" }]));
    let gone = shop.house.member("max", &json!([{ "name": "Owner" }]));
    let members = |admin: &Admin| admin.read("/members");
    let of = |name: &str| {
        let all = members(&shop.house.admin);
        let found = all.as_array().unwrap().iter().find(|member| member["username"] == name);
        format!("/members/{}", id(found.unwrap()))
    };
    let (lee, max) = (of("lee"), of("max"));
    let backup = back_up(&shop.house.gate);
    let before = epoch(&shop.house.gate, &stays);

    done(&shop.house.admin.delete(&shop.key(&deleted)));
    shop.change(&disabled, &json!({ "status": "disabled" }));
    shop.change(&replaced, &json!({ "secret": "another-secret" }));
    let later = shop.make(&json!({ "status": "active" }));
    done(&shop.house.admin.put(&lee, &json!({ "passwdNew": "another battery" })));
    done(&shop.house.admin.put(&max, &json!({ "areaStatus": "disabled" })));
    assert_eq!(call(&shop.house.gate, &later), 200);

    let in_use = restore(shop.house.gate.config(), &backup, &["--yes"], "");
    assert_eq!(in_use.code, Some(1), "{in_use:?}");
    assert!(in_use.stderr.contains("another process has the store"), "{in_use:?}");

    let mut told = String::new();
    let gate = shop.house.gate.restart_after(|config| {
        let unconfirmed = restore(config, &backup, &[], "no\n");
        assert_eq!(unconfirmed.code, Some(1), "{unconfirmed:?}");
        let confirmed = restore(config, &backup, &[], "restore\n");
        assert_eq!(confirmed.code, Some(0), "{confirmed:?}");
        told = confirmed.stdout;
    });
    for (what, who) in [
        ("revoked again", id(&deleted)),
        ("suspended again", id(&disabled)),
        ("member as at present", max.trim_start_matches("/members/")),
    ] {
        assert!(told.contains(&format!("{what}: {who}\n")), "{who}: {told}");
    }
    assert_eq!(call(&gate, &stays), 200);
    for dead in [&deleted, &disabled, &later] {
        assert_eq!(call(&gate, dead), 401, "{dead}");
    }
    assert!(epoch(&gate, &stays) > before, "proxies see the new epoch");

    let mut admin = shop.house.admin.clone();
    admin.move_to(gate.admin());
    let keys = admin.read("/packageKeys?fields=id,status,secret&limit=1000");
    let key = |id: &str| keys.as_array().unwrap().iter().find(|key| key["id"] == id);
    assert_eq!(key(id(&stays)).unwrap()["status"], "active");
    assert_eq!(key(id(&deleted)).unwrap()["status"], "disabled");
    assert_eq!(key(id(&replaced)).unwrap()["secret"], "another-secret", "not {secret} again");
    assert_eq!(key(id(&later)), None, "what was made since is gone");
    let activate = json!({ "status": "active" });
    let revived = admin.put(&format!("/packageKeys/{}", id(&deleted)), &activate);
    assert_eq!(revived.status, 400, "it is revoked for good: {revived:?}");
    for mut logged_out in [kim, gone] {
        logged_out.move_to(gate.admin());
        assert_eq!(logged_out.get("/members").status, 403);
        let refresh = logged_out.tokens["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        assert_eq!(logged_out.token(&form).status, 400);
    }
    let password = "grant_type=password&username=lee&password=correct+horse+battery";
    assert_eq!(admin.token(password).status, 400, "the password of the backup is good no more");

    let told = entries(&gate, &["--action", "store.restore"]);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["details"]["revokedAgain"], json!([id(&deleted)]));
    let deletions = entries(&gate, &["--action", "package_key.delete"]);
    assert_eq!(deletions.len(), 1, "what was written since the backup stays");
    assert_eq!(run(&["audit", "verify"], gate.config(), "").code, Some(0));
    let kept = fs::read_dir(gate.folder()).unwrap();
    let kept = kept.map(|file| file.unwrap().file_name().into_string().unwrap());
    let kept: Vec<_> = kept.filter(|name| name.contains("before-restore")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
}

#[test]
fn what_is_named_lives_again() {
    let shop = Shop::that_sells();
    let [one, other] = [(); 2].map(|()| shop.make(&json!({ "status": "active" })));
    let backup = back_up(&shop.house.gate);
    for key in [&one, &other] {
        done(&shop.house.admin.delete(&shop.key(key)));
    }
    let gate = shop.house.gate.restart_after(|config| {
        let wrong = restore(config, &backup, &["--yes", "--leave-revived", "nobody"], "");
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
        assert!(wrong.stderr.contains("nobody"), "{wrong:?}");
        let finished = restored(config, &backup, &["--leave-revived", id(&one)]);
        assert!(finished.stdout.contains(&format!("LIVES AGAIN, as you wish: {}", id(&one))));
    });
    assert_eq!((call(&gate, &one), call(&gate, &other)), (200, 401));
}

#[test]
fn a_lost_store_is_restored_only_by_who_knows_what_that_means() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    let backup = back_up(&shop.house.gate);
    done(&shop.house.admin.delete(&shop.key(&key)));
    let gate = shop.house.gate.restart_after(|config| {
        let store = config.with_file_name("tollgate.db");
        // Torn, with what belongs to it.
        fs::write(&store, "no database").unwrap();
        let refused = restore(config, &backup, &["--yes"], "");
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("--forget-present"), "{refused:?}");
        for file in ["tollgate.db", "tollgate.db-wal", "tollgate.db-shm"] {
            fs::remove_file(config.with_file_name(file)).ok();
        }
        let refused = restore(config, &backup, &["--yes"], "");
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("--forget-present"), "{refused:?}");
        let finished = restored(config, &backup, &["--forget-present"]);
        assert!(finished.stdout.contains("lives again"), "{finished:?}");
    });
    assert_eq!(call(&gate, &key), 200);
}

#[test]
fn a_backup_of_another_store_is_not_taken_for_ones_own() {
    let [one, other] = [(); 2].map(|()| Shop::that_sells());
    let backup = back_up(&other.house.gate);
    drop(one.house.gate.restart_after(|config| {
        let refused = restore(config, &backup, &["--yes"], "");
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("of another store"), "{refused:?}");
    }));
}

#[test]
fn a_backup_that_is_open_damaged_or_none_is_refused() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    let backup = back_up(&shop.house.gate);
    let gate = shop.house.gate.restart_after(|config| {
        let refuses = |says: &str| {
            let refused = restore(config, &backup, &["--yes"], "");
            assert_eq!(refused.code, Some(1), "{refused:?}");
            assert!(refused.stderr.contains(says), "{says}: {refused:?}");
        };
        let mode = |mode| fs::set_permissions(&backup, Permissions::from_mode(mode)).unwrap();
        mode(0o640);
        refuses("mode 0640");
        mode(0o600);
        let whole = fs::read(&backup).unwrap();
        fs::write(&backup, &whole[..whole.len() / 2]).unwrap();
        refuses("the backup cannot be used");
        fs::write(&backup, "").unwrap();
        refuses("no store");
        fs::remove_file(&backup).unwrap();
        refuses("No such file");
    });
    assert_eq!(call(&gate, &key), 200);
}
