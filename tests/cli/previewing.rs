//! Whom a change would refuse, by the command line.

use serde_json::{Value as Json, json};

use super::{Desk, text};

/// The call that disables a key.
fn disable(id: &str) -> (String, &'static str) {
    (format!("/v3/rest/packageKeys/{id}"), r#"{"status": "disabled"}"#)
}

#[test]
fn the_exit_code_says_whether_anybody_would_be_refused() {
    let desk = Desk::logged_in();
    let made = desk.create(&["--status", "active"]);
    let (id, key) = (text(&made, "id"), text(&made, "apikey"));
    desk.gate.get("/orders").key(key).send().admitted();
    let (path, body) = disable(id);
    let refusing = desk.run(&["preview", "PUT", &path, body]);
    assert_eq!((refusing.code, refusing.stderr.as_str()), (Some(4), ""), "{refusing:?}");
    let told: Vec<_> = refusing.stdout.lines().collect();
    assert!(told[0].starts_with("newly refused   1 key, 1 of them used since "), "{told:?}");
    assert_eq!(told[1], "newly admitted  0 keys");
    assert_eq!(told[2], "changed in all  1 key, 1 of them used");
    let row: Vec<_> = told[5].split_whitespace().collect();
    assert_eq!([row[0], row[1]], [id, "acme"]);
    assert_eq!(row[3..], ["all", "calls", "admitted", "key_suspended"]);
    assert!(refusing.stdout.contains("\nnot known:\n"), "{refusing:?}");
    assert!(!refusing.stdout.contains(key));
    // Nothing was done by it.
    desk.gate.get("/orders").key(key).send().admitted();
    let harmless = desk.run(&["preview", "PUT", &path, r#"{"status": "active"}"#]);
    assert!(harmless.done().starts_with("newly refused   0 keys, "), "{harmless:?}");
    let json = desk.run(&["preview", "--json", "--used-since", "2999-01-01", "PUT", &path, body]);
    assert_eq!((json.code, json.stdout.lines().count()), (Some(4), 1), "{json:?}");
    let json: Json = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["totals"]["refused"], &json["totals"]["used"]), (&json!(1), &json!(0)));
    assert_eq!(json["keys"][0]["id"], id);
}

#[test]
fn changes_come_from_a_file_or_standard_input_and_pages_are_told() {
    let desk = Desk::logged_in();
    let keys: Vec<_> = (0..2).map(|_| desk.create(&["--status", "active"])).collect();
    let calls = keys.iter().map(|key| {
        let (path, body) = disable(text(key, "id"));
        json!({ "method": "PUT", "path": path, "body": serde_json::from_str::<Json>(body).unwrap() })
    });
    let changes = json!({ "changes": calls.collect::<Vec<_>>() }).to_string();
    let file = desk.home.path().join("changes.json");
    std::fs::write(&file, &changes).unwrap();
    for (source, input) in [(file.to_str().unwrap(), ""), ("-", &*changes)] {
        let both = desk.give(&["preview", "--limit", "1", "--changes", source], input);
        assert_eq!((both.code, both.stderr.as_str()), (Some(4), "1 of 2 keys\n"), "{both:?}");
        assert!(both.stdout.starts_with("newly refused   2 keys, "), "{both:?}");
    }
    let rest = desk.give(&["preview", "--json", "--offset", "2", "--changes", "-"], &changes);
    let rest: Json = serde_json::from_str(&rest.stdout).unwrap();
    assert_eq!((&rest["totals"]["changed"], &rest["keys"]), (&json!(2), &json!([])));
    // The body alone, with something secret in it.
    let body =
        r#"{"apikey": "a-key-of-our-own", "package": {"id": "basic"}, "plan": {"id": "free"}}"#;
    let make = ["preview", "POST", "/v3/rest/applications/acme/packageKeys"];
    let made = desk.give(&[&make[..], &["-"]].concat(), body);
    assert!(made.done().starts_with("newly refused   0 keys"), "{made:?}");
    let told = desk.run(&[&make[..], &[body]].concat());
    assert!(told.failed(2).contains("expected -"), "{told:?}");
    assert!(!told.stderr.contains("a-key-of-our-own"));
}

#[test]
fn a_change_that_would_be_refused_ends_as_it_would() {
    let desk = Desk::logged_in();
    let made = desk.create(&["--status", "active"]);
    let (path, _) = disable(text(&made, "id"));
    for (arguments, code, told) in [
        (&["preview", "DELETE", "/v3/rest/packageKeys/none"][..], 8, ""),
        (&["preview", "PUT", &path, r#"{"status": "gone"}"#], 2, "status: "),
        (&["preview", "GET", &path], 2, "method: expected POST, PUT or DELETE"),
        (&["preview", "PUT", &path, "{"], 2, "the body: line 1, column 1: expected JSON"),
        (&["preview", "PUT", "/v3/rest/packageKeys/acme-1", r#"{"status": "disabled"}"#], 9, ""),
        (&["preview"], 2, "METHOD"),
        (&["preview", "PUT"], 2, "PATH"),
        (&["preview", "--limit", "0", "PUT", &path], 2, "limit"),
        (&["preview", "--changes", "/nowhere"], 2, "--changes: cannot be read"),
        (&["preview", "--used-since", "lately", "DELETE", &path], 2, "usedSince: "),
    ] {
        let refused = desk.run(arguments);
        assert!(refused.failed(code).contains(told), "{arguments:?}: {refused:?}");
    }
    let wrong = desk.give(&["preview", "--changes", "-"], "[1]");
    assert!(wrong.failed(2).contains("expected an object"), "{wrong:?}");
}
