//! The pepper that is made, and rotations of it and of the sealing key.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use serde_json::{Value as Json, json};

use super::House;
use super::backup::run;
use super::package_keys::Shop;
use crate::support::{Admin, Answer, Config, Door, Origin, Request, Tollgate, tollgate, wait_for};

fn progress(gate: &Tollgate) -> Json {
    let finished = run(&["rotation", "--json"], gate.config(), "");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

/// Adds lines to `[control]`.
fn set_control(config: &Path, lines: &str) {
    let text = fs::read_to_string(config).unwrap();
    fs::write(config, text.replace("[control]", &format!("[control]\n{lines}"))).unwrap();
}

/// A file without its one key, whose digest is of another scheme.
fn without_key(file: &str) -> String {
    let (before, key) = file.split_once("[keys.acme-1]").unwrap();
    format!(
        "{before}{}",
        key.split_once("\n[").map_or(String::new(), |(_, rest)| format!("[{rest}"))
    )
}

fn secret_file(folder: &Path, name: &str, content: &str) {
    let file = folder.join(name);
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
}

fn shown(admin: &Admin, gate: &Tollgate, key: &Json) -> Json {
    let mut admin = admin.clone();
    admin.move_to(gate.admin());
    let id = key["id"].as_str().unwrap();
    admin.read(&format!("/packageKeys/{id}?fields=apikey,secret"))
}

fn both(key: &Json) -> Json {
    json!({ "apikey": key["apikey"], "secret": key["secret"] })
}

#[test]
fn keys_of_the_store_are_under_a_pepper_of_its_own_and_those_of_the_file_as_they_say() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    let gate = &shop.house.gate;
    let mode = fs::metadata(gate.folder().join("pepper")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    gate.wait_for_log("made a pepper");
    let pepper = fs::read_to_string(gate.folder().join("pepper")).unwrap();
    assert!(!gate.log().contains(pepper.trim()));
    shop.call(&key).admitted();
    gate.get("/orders").key("demo").send().admitted();
    let progress = progress(gate);
    assert!(progress["presentScheme"].as_str().unwrap().starts_with("hmac-sha256:"), "{progress}");
    assert_eq!(progress["previousScheme"], "sha256");
    assert_eq!(progress["digested"], json!({ "present": 1, "previous": 0, "other": 0 }));
    // What the file says of a key may be under the pepper, too.
    let digest = run(&["digest"], gate.config(), "another").stdout;
    assert!(digest.starts_with("hmac-sha256:"), "{digest}");
    let file = fs::read_to_string(gate.config()).unwrap();
    let more = "application = \"acme\"\npackage = \"basic\"\nplan = \"free\"\n";
    gate.apply(&format!("{file}\n[keys.more]\ndigest = \"{}\"\n{more}", digest.trim()));
    gate.get("/orders").key("another").send().admitted();
    // Who takes the pepper away takes nothing from the running process.
    fs::rename(gate.folder().join("pepper"), gate.folder().join("moved")).unwrap();
    gate.refuses(&format!("{file}\n[members.kim]\n"));
    gate.wait_for_log("pepper_file");
    shop.call(&key).admitted();
}

#[test]
fn a_pepper_that_is_yet_to_be_made_is_no_problem_and_digests_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tollgate.toml");
    fs::write(&file, Config::new(&Origin::start()).control().to_string()).unwrap();
    assert_eq!(run(&["check"], &file, "").code, Some(0));
    let digest = run(&["digest"], &file, "another");
    assert_eq!(digest.code, Some(2), "{digest:?}");
    assert!(digest.stderr.contains("the first `tollgate run` makes it"), "{digest:?}");
    assert!(!folder.path().join("pepper").exists());
    assert_eq!(tollgate(&["digest"], "another").code, Some(0));
}

#[test]
fn the_sealing_key_is_rotated_while_keys_can_be_shown() {
    let shop = Shop::that_sells();
    let keys = [(); 3].map(|()| shop.make(&json!({ "status": "active" })));
    let admin = shop.house.admin.clone();
    let gate = shop.house.gate.restart_after(|config| {
        let rotate = "sealing_key_file = \"new.key\"\nprevious_sealing_key_file = \"sealing.key\"";
        set_control(config, rotate);
    });
    for key in &keys {
        assert_eq!(shown(&admin, &gate, key), both(key));
    }
    let moved = json!({ "present": 6, "previous": 0, "other": 0 });
    wait_for("all to be sealed anew", || (progress(&gate)["sealed"] == moved).then_some(()));
    let said = run(&["rotation"], gate.config(), "").stdout;
    assert!(said.contains("sealed with the previous one: 0; it can be destroyed"), "{said}");
    let gate = gate.restart_after(|config| {
        let text = fs::read_to_string(config).unwrap();
        let without = text.replace("previous_sealing_key_file = \"sealing.key\"", "");
        fs::write(config, without).unwrap();
        fs::remove_file(config.with_file_name("sealing.key")).unwrap();
    });
    for key in &keys {
        assert_eq!(shown(&admin, &gate, key), both(key));
        let apikey = key["apikey"].as_str().unwrap();
        gate.get("/orders").key(apikey).send().admitted();
    }
}

#[test]
fn the_pepper_is_rotated_without_a_call_that_is_refused() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    let gate = &shop.house.gate;
    let file = fs::read_to_string(gate.config()).unwrap();
    let file = without_key(&file);
    secret_file(gate.folder(), "next", "another-pepper-of-28-bytes");
    let stop = Arc::new(AtomicBool::new(false));
    let request: Request = gate.get("/orders").key(key["apikey"].as_str().unwrap());
    let caller = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let mut calls = 0;
            while !stop.load(SeqCst) {
                request.send().admitted();
                calls += 1;
            }
            calls
        })
    };
    let next = "[digest]\nscheme = \"hmac-sha256\"\npepper_file = \"next\"\n";
    let previous = "[digest.previous]\nscheme = \"hmac-sha256\"\npepper_file = \"pepper\"\n";
    // Without the pepper before it every key of the store would be unknown.
    gate.refuses(&format!("{file}\n{next}"));
    gate.wait_for_log("1 keys of the store are digested under hmac-sha256:");
    gate.apply(&format!("{file}\n{next}{previous}"));
    let moved = json!({ "present": 1, "previous": 0, "other": 0 });
    wait_for("all to be digested anew", || (progress(gate)["digested"] == moved).then_some(()));
    gate.apply(&format!("{file}\n{next}"));
    shop.call(&key).admitted();
    stop.store(true, SeqCst);
    assert!(caller.join().unwrap() > 0);
}

#[test]
fn a_request_that_is_open_across_a_rotation_ends_with_its_own_key_alone() {
    let door = Door::shut();
    let behind = door.clone();
    let origin =
        Origin::answering(move |_| Answer::ok("begun").wait(&behind).then(", ended").chunked());
    let house = House::before(origin, |config| config);
    let shop = Shop::sells(Shop::in_house(house, &json!({ "name": "gold" })));
    let gate = &shop.house.gate;
    let keys = [(); 3].map(|()| shop.make(&json!({ "status": "active" })));
    let open = |key: &Json| {
        let mut request = gate.get("/orders").key(key["apikey"].as_str().unwrap()).start();
        request.reads_until("begun");
        request
    };
    let [mut first, mut second, mut third] = [0, 1, 2].map(|number: usize| open(&keys[number]));
    let file = without_key(&fs::read_to_string(gate.config()).unwrap());
    secret_file(gate.folder(), "next", "another-pepper-of-28-bytes");
    let next = "[digest]\nscheme = \"hmac-sha256\"\npepper_file = \"next\"\n";
    let previous = "[digest.previous]\nscheme = \"hmac-sha256\"\npepper_file = \"pepper\"\n";
    let settled = |member: &str| format!("{file}\n{next}{previous}\n[members.zoe]\n{member}");
    let application = "[applications.zoes]\nowner = \"zoe\"\n";
    gate.apply(&settled(application));
    let moved = json!({ "present": 3, "previous": 0, "other": 0 });
    wait_for("all to be digested anew", || (progress(gate)["digested"] == moved).then_some(()));
    // Another's end has every open request looked at, a change of a key those of that key.
    gate.apply(&settled(&format!("status = \"disabled\"\n{application}")));
    gate.enforced_after(|| shop.change(&keys[1], &json!({ "expires": "2126-01-01T00:00:00Z" })));
    gate.enforced_after(|| shop.change(&keys[2], &json!({ "status": "disabled" })));
    assert!(!third.rest().contains("0\r\n\r\n"), "the key is suspended");
    door.open();
    first.reads_until(", ended\r\n0\r\n\r\n");
    second.reads_until(", ended\r\n0\r\n\r\n");
}

#[test]
fn a_key_that_is_shown_once_stays_under_the_pepper_that_it_was_made_under() {
    let shop = Shop::that_sells_once();
    let key = shop.make(&json!({ "status": "active" }));
    let gate = &shop.house.gate;
    let file = fs::read_to_string(gate.config()).unwrap();
    let file = without_key(&file);
    secret_file(gate.folder(), "next", "another-pepper-of-28-bytes");
    let next = "[digest]\nscheme = \"hmac-sha256\"\npepper_file = \"next\"\n";
    let previous = "[digest.previous]\nscheme = \"hmac-sha256\"\npepper_file = \"pepper\"\n";
    gate.apply(&format!("{file}\n{next}{previous}"));
    gate.wait_for_log("keys stay under another sealing key or digest scheme");
    shop.call(&key).admitted();
    let stands = progress(gate);
    assert_eq!(stands["digested"], json!({ "present": 0, "previous": 1, "other": 0 }));
    assert_eq!(stands["unmovable"], 1);
    gate.refuses(&format!("{file}\n{next}"));
    shop.call(&key).admitted();
}
