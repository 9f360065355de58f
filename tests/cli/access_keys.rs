//! Proxy access keys by the command line.

use serde_json::{Value as Json, json};
use tollgate_feed::wire::GoodbyeReason;

use super::{Desk, text};
use crate::support::{Follower, hello, with_pepper};

#[test]
fn s1_6_an_access_key_is_generated_over_the_api_with_the_same_display_as_on_a_terminal() {
    let desk = Desk::logged_in();
    let printed = desk.run(&["proxy", "key", "create", "edge-1", "--capability", "enforce"]);
    let printed = printed.done().to_owned();
    let value = |head: &str| {
        let line = printed.lines().find(|line| line.starts_with(head)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!((value("id"), value("region")), ("edge-1".to_owned(), "default".to_owned()));
    assert!(value("connect URL").ends_with("/feed/v1/edge-1"), "{printed}");
    let over_api =
        desk.admin.ask("POST", "/access-keys", &json!({ "id": "edge-2", "capability": "enforce" }));
    let over_api = over_api.json();
    assert_eq!(over_api["secret"].as_str().unwrap().len(), value("secret").len());
    for arguments in [&["proxy", "key", "list"][..], &["proxy", "key", "list", "--json"]] {
        let listed = desk.run(arguments);
        let listed = listed.done();
        assert!(listed.contains("edge-1") && listed.contains("edge-2"), "{listed}");
        assert!(!listed.contains(&value("secret")) && !listed.contains("secret"), "{listed}");
    }
}

#[test]
fn access_keys_are_revoked_together_and_then_deleted() {
    let desk = Desk::logged_in();
    for id in ["a", "b"] {
        let made = ["proxy", "key", "create", id, "--capability", "observe", "--json"];
        let made: Json = serde_json::from_str(desk.run(&made).done()).unwrap();
        assert_eq!((&made["id"], &made["region"]), (&json!(id), &json!("default")));
    }
    let refused = desk.run(&["proxy", "key", "revoke", "a"]);
    assert!(refused.failed(2).contains("--yes"));
    let revoked = desk.run(&["proxy", "key", "revoke", "a", "x", "b", "--yes"]);
    assert_eq!((revoked.code, &*revoked.stdout), (Some(8), "a: revoked\nb: revoked\n"));
    assert!(revoked.stderr.contains("x: there is no such access key"), "{revoked:?}");
    assert!(desk.run(&["proxy", "key", "revoke", "a", "--yes"]).failed(9).contains("already"));
    assert_eq!(desk.run(&["proxy", "key", "delete", "a", "b"]).done(), "a: deleted\nb: deleted\n");
    assert_eq!(desk.run(&["proxy", "key", "list", "--json"]).done(), "");
    let region = ["proxy", "key", "create", "c", "--capability", "enforce", "--region", "mars"];
    assert!(desk.run(&region).failed(2).contains("region: expected one of default"));
}

#[test]
fn a_revocation_waits_for_proxies_and_tells_who_they_are() {
    let desk = Desk::logged_in();
    let feeder = json!({ "id": "edge", "capability": "enforce" });
    let feeder = desk.admin.ask("POST", "/access-keys", &feeder).json();
    let keys = [(); 2].map(|()| desk.create(&["--status", "active"]));
    let ids = keys.each_ref().map(|key| text(key, "id"));
    let alone = desk.run(&["key", "revoke", ids[0], "--yes", "--wait"]);
    assert!(
        alone.done().contains("revoked and deleted; refused by every proxy after"),
        "{alone:?}"
    );
    let pepper = std::fs::read_to_string(desk.gate.folder().join("pepper")).unwrap();
    let proxy = Follower::follow(desk.gate.admin(), &feeder, with_pepper(&pepper, hello("edge-1")));
    let held = proxy.offer().revision;
    proxy.beats(Some(held));
    let listed = desk.run(&["proxy", "list"]);
    assert!(listed.done().contains("edge-1  connected"), "{listed:?}");
    let status = desk.run(&["proxy", "status", "edge-1"]);
    assert!(status.done().contains("serves for (s)    60\n"), "{status:?}");
    let late = ["key", "revoke", ids[1], "--yes", "--wait", "--timeout", "0s"];
    let late = desk.run(&late);
    assert_eq!(late.code, Some(11), "{late:?}");
    assert!(late.stdout.contains("; not refused yet by edge-1 (stops by 20"), "{late:?}");
    assert!(desk.run(&["proxy", "forget", "edge-1"]).failed(2).contains("--yes"));
    let forgotten = desk.run(&["proxy", "forget", "edge-1", "--yes"]);
    assert_eq!(forgotten.done(), "edge-1: forgotten\n");
    assert_eq!(proxy.goes(), GoodbyeReason::Forgotten);
    assert!(desk.run(&["proxy", "status", "edge-1"]).failed(8).contains("no such proxy"));
}
