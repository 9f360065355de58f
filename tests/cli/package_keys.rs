//! Package keys by the command line.

use serde_json::{Value as Json, json};

use super::{Desk, text};
use crate::support::{done, finish};

/// A text with each id as `id 1`, `id 2` …, as long as it was, and instants as one.
fn shape(printed: &str, ids: &[&str]) -> String {
    let mut shape = printed.to_owned();
    for (at, id) in ids.iter().enumerate() {
        shape = shape.replace(id, &format!("{:<36}", format!("id {}", at + 1)));
    }
    shape.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_key_is_made_listed_and_shown_as_people_read_it() {
    let desk = Desk::logged_in();
    let made = desk.run(&[
        "key",
        "create",
        "--application",
        "acme",
        "--package",
        "basic",
        "--plan",
        "free",
        "--status",
        "active",
        "--expires",
        "2099-01-31",
        "--qps",
        "5",
        "--quota-exempt",
    ]);
    let made = made.done();
    let value = |head: &str| {
        let line = made.lines().find(|line| line.split_whitespace().next() == Some(head)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    desk.gate.get("/orders").key(&value("key")).send().admitted();
    let other = desk.create(&["--status", "waiting"]);
    let ids = [value("id"), text(&other, "id").to_owned()];
    let ids = [ids[0].as_str(), ids[1].as_str()];

    let listed = shape(desk.run(&["key", "list"]).done(), &ids);
    assert_eq!(
        listed,
        "ID                                    STATUS   APPLICATION  OWNER  PACKAGE/PLAN  EXPIRES\n\
         acme-1                                active   acme         jo     basic/free    never\n\
         id 1                                  active   acme         jo     basic/free    2099-01-31\n\
         id 2                                  waiting  acme         jo     basic/free    never\n"
    );
    let shown = desk.run(&["key", "show", ids[0]]);
    let shown = shape(shown.done(), &ids);
    let (shown, when) = shown.split_once("created").unwrap();
    assert_eq!(
        shown,
        "id           id 1\n\
         status       active\n\
         application  acme\n\
         owner        jo\n\
         package      basic\n\
         plan         free\n\
         qps          5\n\
         quota        exempt\n\
         expires      2099-01-31\n"
    );
    assert!(when.contains("\nupdated "), "{when}");
    assert!(!shown.contains(&value("key")));
    let seen = desk.run(&["key", "show", "--value", ids[0]]);
    assert!(seen.done().contains(&format!("key          {}\n", value("key"))));
    assert!(seen.done().contains(&format!("secret       {}\n", value("secret"))));
}

#[test]
fn only_show_value_retrieves_keys() {
    let desk = Desk::logged_in();
    let made = desk.create(&[]);
    let id = text(&made, "id");
    for arguments in
        [&["key", "list", "--json"][..], &["key", "show", id, "--json"], &["key", "activate", id]]
    {
        let printed = desk.run(arguments);
        for secret in ["apikey", "secret"] {
            assert!(!printed.done().contains(text(&made, secret)), "{printed:?}");
        }
    }
    let shown = desk.run(&["key", "show", "--value", id, "--json"]).json();
    assert_eq!((&shown["apikey"], &shown["secret"]), (&made["apikey"], &made["secret"]));
}

#[test]
fn a_key_of_ones_own_is_read_from_standard_input() {
    let desk = Desk::logged_in();
    let create = [
        "key",
        "create",
        "--json",
        "--application",
        "acme",
        "--package",
        "basic",
        "--plan",
        "free",
        "--custom",
        "--status",
        "active",
    ];
    let made = desk.give(&create, "a-key-of-our-own\na-secret\n").json();
    assert_eq!((made.get("apikey"), made.get("secret")), (None, None), "{made}");
    desk.gate.get("/orders").key("a-key-of-our-own").send().admitted();
    let made = desk.give(&create, "another-key\n").json();
    assert!(made["secret"].is_string(), "{made}");
    assert!(desk.give(&create, "another-key").failed(2).contains("apikey"));
    assert!(desk.give(&create, "not a key\n").failed(2).contains("apikey"));
    assert!(desk.give(&create, "").failed(2).contains("standard input is empty"));
    assert!(desk.give(&create, "a\nb\nc\n").failed(2).contains("more than two lines"));
}

#[test]
fn keys_are_suspended_activated_and_revoked() {
    let desk = Desk::logged_in();
    let made = desk.create(&["--status", "active"]);
    let (id, key) = (text(&made, "id"), text(&made, "apikey"));
    let call = || desk.gate.get("/orders").key(key).send().status;
    assert_eq!(call(), 200);
    let suspended = desk.run(&["key", "suspend", id]);
    assert_eq!(suspended.done(), format!("{id}: disabled (was active)\n"));
    assert_eq!(call(), 401);
    let again = desk.run(&["key", "suspend", id]);
    assert_eq!(again.done(), format!("{id}: disabled (already)\n"));
    let activated = desk.run(&["key", "activate", id, "--json"]).json();
    assert_eq!(activated["status"], "active");
    assert_eq!(call(), 200);
    let unasked = desk.run(&["key", "revoke", id]);
    assert!(unasked.failed(2).contains("expected --yes"), "{unasked:?}");
    assert_eq!(call(), 200);
    let revoked = desk.run(&["key", "revoke", "--yes", id]);
    assert_eq!(revoked.done(), format!("{id}: revoked and deleted\n"));
    assert_eq!(call(), 401);
    assert!(desk.run(&["key", "show", id]).failed(8).contains("there is no such key"));
}

#[test]
fn one_of_several_that_fails_keeps_nobody_from_the_others() {
    let desk = Desk::logged_in();
    let keys: Vec<_> = (0..3).map(|_| desk.create(&["--status", "active"])).collect();
    let ids: Vec<_> = keys.iter().map(|key| text(key, "id")).collect();
    let done = desk.run(&["key", "suspend", ids[0], "a-key-by-mistake", "acme-1", ids[1]]);
    assert_eq!(done.code, Some(8), "{done:?}");
    let expected =
        format!("{}: disabled (was active)\n{}: disabled (was active)\n", ids[0], ids[1]);
    assert_eq!(done.stdout, expected);
    let told: Vec<_> = done.stderr.lines().collect();
    assert_eq!(told[0], "tollgate: key 2: there is no such key");
    assert!(told[1].starts_with("tollgate: key 3: it stands in "), "{told:?}");
    assert_eq!(told.len(), 2);
    assert!(desk.run(&["key", "suspend", "acme-1"]).failed(9).contains("line"));
    let all = desk.run(&["key", "revoke", "--yes", ids[0], ids[1], ids[2]]);
    assert_eq!(all.done().lines().count(), 3);
    assert_eq!(desk.run(&["key", "list"]).done().lines().count(), 2);
}

#[test]
fn what_a_key_is_too_far_gone_for_is_a_conflict() {
    let desk = Desk::logged_in();
    let made = desk.create(&["--status", "active"]);
    let id = text(&made, "id");
    // By the day it was made it ends.
    let ended = json!({ "expires": "2020-01-01" });
    let put = desk.admin.put(&format!("/packageKeys/{id}"), &ended);
    assert_eq!(put.status, 200, "{put:?}");
    crate::support::wait_for("the end of the key", || {
        let key: Json = desk.run(&["key", "show", id, "--json"]).json();
        (key["status"] == "disabled").then_some(())
    });
    let refused = desk.run(&["key", "activate", id]);
    assert!(refused.failed(9).contains("status: "), "{refused:?}");
}

#[test]
fn whoever_may_not_is_told_what_it_takes() {
    let desk = Desk::start();
    let password = "correct horse battery";
    let roles = json!([{ "name": "Consumer" }]);
    let body = json!({ "username": "kim", "email": "", "passwdNew": password, "roles": roles });
    desk.admin.make("/members", &body);
    let kim = desk.admin.as_member("kim", &password.replace(' ', "+"));
    let token = kim.tokens["access_token"].as_str().unwrap();
    let run = |arguments: &[&str]| {
        let command = desk.command(arguments);
        finish(command.env("TOLLGATE_SERVER", desk.server()).env("TOLLGATE_TOKEN", token), "")
    };
    assert_eq!(run(&["key", "list"]).done().lines().count(), 2);
    let refused = run(&["key", "suspend", "acme-1"]);
    assert!(refused.failed(7).contains("key_write"), "{refused:?}");
    let refused =
        run(&["key", "create", "--application", "acme", "--package", "basic", "--plan", "free"]);
    assert!(refused.failed(7).contains("key_write"), "{refused:?}");
}

#[test]
fn lists_are_narrowed_by_every_filter() {
    let desk = Desk::logged_in();
    let organization =
        done(&desk.admin.ask("POST", "/organizations", &json!({ "name": "Acme Inc" })));
    let organization = text(&organization, "id");
    let groups = format!("/organizations/{organization}/groups");
    let group = done(&desk.admin.ask("POST", &groups, &json!({ "name": "Mobile" })));
    let kim = desk.admin.make("/members", &json!({ "username": "kim", "email": "" }));
    let application = json!({
        "name": "shop", "description": "sells things",
        "organization": { "id": organization }, "group": { "id": group["id"] },
    });
    let of_kim = format!("/members/{}/applications", text(&kim, "id"));
    desk.admin.make(&of_kim, &application);
    let create = ["key", "create", "--json", "--package", "basic", "--plan", "free"];
    let with = |more: &[&str]| desk.run(&[&create[..], more].concat()).json();
    let shop = with(&["--application", "shop", "--expires", "2099-05-01", "--status", "active"]);
    let acme = with(&["--application", "acme"]);
    let today = &text(&shop, "created")[..10];
    let ids = |arguments: &[&str]| -> Vec<String> {
        let printed = desk.run(&[&["key", "list", "--json"], arguments].concat());
        let line = |line: &str| {
            let key: Json = serde_json::from_str(line).unwrap();
            text(&key, "id").to_owned()
        };
        printed.done().lines().map(line).collect()
    };
    let (shop, acme) = (text(&shop, "id"), text(&acme, "id"));
    for (filters, expected) in [
        (&[][..], &["acme-1", shop, acme][..]),
        (&["--status", "waiting"], &[acme]),
        (&["--application", "shop"], &[shop]),
        (&["--owner", "kim"], &[shop]),
        (&["--package", "basic", "--plan", "free", "--owner", "jo"], &["acme-1", acme]),
        (&["--text", "SELLS"], &[shop]),
        (&["--expires", "2099-05-01"], &[shop]),
        (&["--created", today, "--status", "active"], &[shop]),
        (&["--created", "2020-01-01"], &[]),
        (&["--organization", "Acme Inc"], &[shop]),
        (&["--organization", organization, "--group", "Mobile"], &[shop]),
        (&["--limit", "2"], &["acme-1", shop]),
    ] {
        assert_eq!(ids(filters), expected, "{filters:?}");
    }
    let missing = desk.run(&["key", "list", "--application", "none"]);
    assert!(missing.failed(8).contains("there is no application"), "{missing:?}");
    let cut = desk.run(&["key", "list", "--limit", "2"]);
    assert_eq!((cut.code, cut.stderr.as_str()), (Some(0), "2 of 3\n"), "{cut:?}");
}

#[test]
fn a_name_that_several_have_is_not_guessed_at() {
    let desk = Desk::logged_in();
    let packages: Vec<_> =
        (0..2).map(|_| desk.admin.make("/packages", &json!({ "name": "twin" }))).collect();
    let refused = desk.run(&["key", "list", "--package", "twin"]);
    for package in &packages {
        assert!(refused.failed(2).contains(text(package, "id")), "{refused:?}");
    }
}
