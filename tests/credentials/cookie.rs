//! Keys in cookies, among those of others.

use super::{gate_with, holds_in_both};
use crate::support::Origin;

const KEY: &str = "{ cookie = \"key\" }";

#[test]
fn a_key_is_taken_out_of_the_cookies_and_the_others_go_on() {
    let origin = Origin::start();
    let gate = gate_with(&origin, KEY);
    for (came, goes) in [
        ("key=demo", None),
        ("a=1; key=demo", Some("a=1")),
        ("key=demo; a=1", Some("a=1")),
        ("a=\"1 \";key=demo; b==2;key=demo ;c", Some("a=\"1 \"; b==2;c")),
        ("key=\"demo\"; Key=other; keys=3", Some("Key=other; keys=3")),
    ] {
        let before = origin.requests().len();
        holds_in_both(&gate, |send| {
            assert_eq!(send(&gate.get("/orders").header("Cookie", came)), 200, "{came}");
        });
        for request in &origin.requests()[before..] {
            assert_eq!(request.header("cookie"), goes, "{came}");
        }
    }
}

#[test]
fn a_key_is_taken_out_of_every_field() {
    let origin = Origin::start();
    let gate = gate_with(&origin, KEY);
    holds_in_both(&gate, |send| {
        let request = gate.get("/orders").header("Cookie", "a=1; key=demo").header("Cookie", "b=2");
        assert_eq!(send(&request.header("Cookie", "key=demo").header("Cookie", "c=3")), 200);
    });
    let seen = origin.requests();
    // What HTTP/2 had split is one field towards HTTP/1.1 (RFC 9113 §8.2.3).
    assert_eq!(seen[0].fields.all("cookie"), ["a=1", "b=2", "c=3"]);
    assert_eq!(seen[1].fields.all("cookie"), ["a=1; b=2; c=3"]);
}

#[test]
fn cookies_are_untouched_when_the_key_stands_elsewhere() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ header = \"X-Api-Key\" }, { cookie = \"key\" }");
    for cookies in ["a=1;; b", "keys=1", "a=key=other", ";"] {
        gate.get("/orders").key("demo").header("Cookie", cookies).send().admitted();
        assert_eq!(origin.requests().last().unwrap().header("cookie"), Some(cookies));
    }
}

#[test]
fn cookies_are_refused_that_hold_no_key_or_two() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ header = \"X-Api-Key\" }, { cookie = \"key\" }");
    let cookies = |cookies: &str| gate.get("/orders").header("Cookie", cookies);
    cookies("a=1").send().refused(401, "key_missing");
    cookies("Key=demo").send().refused(401, "key_missing");
    for malformed in ["key", "key=", "key=\"\"", "key=de mo", "key=d\u{e9}mo"] {
        cookies(malformed).send().refused(401, "key_malformed");
    }
    cookies("key=demo; key=other").send().refused(400, "key_ambiguous");
    cookies("key=demo").header("Cookie", "key=other").send().refused(400, "key_ambiguous");
    cookies("key=demo").key("other").send().refused(400, "key_ambiguous");
    assert!(origin.requests().is_empty());
    cookies("key=demo").key("demo").send().admitted();
    assert!(!origin.request().fields.has("cookie") && !origin.request().fields.has("x-api-key"));
}

#[test]
fn a_nomination_of_the_cookies_is_refused_where_the_service_relies_on_them() {
    let origin = Origin::start();
    let gate = gate_with(&origin, KEY);
    let nominated = gate.get("/orders").header("Connection", "Cookie");
    nominated.header("Cookie", "key=demo").send().refused(400, "bad_request");
}

#[test]
fn a_caller_is_told_of_the_cookie() {
    let origin = Origin::start();
    let refused = gate_with(&origin, KEY).get("/orders").send();
    let challenge = "ApiKey realm=\"orders\", cookie=\"key\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
}
