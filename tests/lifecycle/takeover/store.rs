use serde_json::json;

use super::replaceable;
use crate::support::{Admin, Origin, Tollgate};

#[test]
fn the_store_and_the_admin_api_go_over_too() {
    let origin = Origin::start();
    let mut old = Tollgate::start(&replaceable(&origin).control());
    let mut admin = Admin::first(&old);
    let address = old.admin();
    let member = |name: &str| json!({ "username": name, "email": "", "roles": [] });
    admin.make("/members", &member("before"));
    let new = old.taken_over();
    assert_eq!(new.admin(), address);
    admin.move_to(new.admin());
    admin.make("/members", &member("after"));
    let members = admin.read("/members?fields=username").to_string();
    assert!(members.contains("before") && members.contains("after"), "{members}");
    new.get("/orders").key("demo").send().admitted();
    assert_eq!(old.exit_code(), 0);
}

#[test]
fn a_call_that_comes_meanwhile_is_answered() {
    let origin = Origin::start();
    let mut old = Tollgate::start(&replaceable(&origin).control());
    let admin = Admin::first(&old);
    let calls = std::thread::spawn(move || {
        let made = |number: usize| {
            let body = json!({ "username": format!("m{number}"), "email": "", "roles": [] });
            admin.post("/members", &body).status
        };
        (0..20).map(made).collect::<Vec<_>>()
    });
    let new = old.taken_over();
    let statuses = calls.join().unwrap();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(old.exit_code(), 0);
    new.get("/orders").key("demo").send().admitted();
}
