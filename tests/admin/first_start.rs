//! How a control plane begins.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use super::House;
use crate::support::{Admin, first_administrator};

#[test]
fn what_it_makes_is_for_its_owner_only() {
    let house = House::start();
    for file in ["tollgate.db", "sealing.key", "first-administrator.toml"] {
        let mode = fs::metadata(house.gate.folder().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    house.gate.wait_for_log("made a sealing key");
    house.gate.wait_for_log("the file holds a first administrator");
    let first = first_administrator(&house.gate);
    for secret in ["password", "client_secret"] {
        assert!(!house.gate.log().contains(first[secret].as_str().unwrap()), "{secret}");
    }
}

#[test]
fn the_first_administrator_is_made_once() {
    let House { gate, admin, origin: _origin } = House::start();
    let file = gate.folder().join("first-administrator.toml");
    let said = fs::read_to_string(&file).unwrap();
    let gate = gate.restart();
    assert_eq!(fs::read_to_string(&file).unwrap(), said);
    let again = Admin::first(&gate);
    assert_eq!(again.read("/members").as_array().unwrap().len(), 2);
    // A token outlives the process.
    let mut old = admin;
    old.move_to(gate.admin());
    assert_eq!(old.get("/members").status, 200);
}

#[test]
fn a_process_that_is_told_to_end_ends_in_good_order() {
    let mut house = House::start();
    house.gate.signal(Signal::TERM);
    assert_eq!(house.gate.exit_code(), 0);
}
