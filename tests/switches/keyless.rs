use super::{EXEMPT, both, house};
use crate::support::{Config, Origin, Tollgate};

const KEYLESS: &str = "keyless_key = \"noapikey\"\nmax_key_length = 20\n\
                       credentials = [{ header = \"X-Api-Key\" }, { query = \"api_key\" }]";

fn keyless(origin: &Origin, key: &str) -> Config {
    house(origin, KEYLESS).key("noapikey", "nobody-brings-this", key)
}

#[test]
fn a_call_without_a_key_is_charged_to_the_named_one() {
    let origin = Origin::start();
    let gate = Tollgate::start(&keyless(&origin, ""));
    for response in both(&gate, &gate.get("/orders?a=1")) {
        response.admitted();
    }
    for request in origin.requests() {
        assert_eq!(request.header("x-tollgate-key"), Some("noapikey"));
        assert_eq!(request.header("x-tollgate-application"), Some("acme"));
        assert_eq!(request.target(), "/orders?a=1");
    }
    gate.get("/orders").key("demo").send().admitted();
    assert_eq!(origin.requests()[2].header("x-tollgate-key"), Some("acme-1"));
}

#[test]
fn a_key_that_fails_is_no_call_without_one() {
    let origin = Origin::start();
    let config = keyless(&origin, "").key("acme-2", "revoked", "status = \"revoked\"");
    let gate = Tollgate::start(&config);
    let request = gate.get("/orders");
    for (request, status, code) in [
        (request.clone().key("unheard-of"), 401, "key_rejected"),
        (request.clone().key("revoked"), 401, "key_rejected"),
        (request.clone().key(""), 401, "key_malformed"),
        (request.clone().key("two words"), 401, "key_malformed"),
        (request.clone().key("one-that-is-much-too-long"), 401, "key_malformed"),
        (gate.get("/orders?api_key="), 401, "key_malformed"),
        (gate.get("/orders?api_key"), 401, "key_malformed"),
        (gate.get("/orders?api_key=%"), 401, "key_malformed"),
        (gate.get("/orders?api_key=one").key("two"), 400, "key_ambiguous"),
        (gate.get("/orders?api_key=").key("demo"), 401, "key_malformed"),
    ] {
        for response in both(&gate, &request) {
            response.refused(status, code);
        }
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn its_limits_are_those_of_the_named_key() {
    let origin = Origin::start();
    let two = "qps_limit_ceiling = 0\n";
    let gate = Tollgate::start(&keyless(&origin, two));
    gate.get("/orders").send().refused(429, "over_qps");
    gate.get("/orders").key("demo").send().admitted();
    // One count, whether the key is brought or not.
    let plan = "qps_limit_exempt = true\nrate_limit_ceiling = 2\nrate_limit_period = \"month\"";
    gate.apply(&keyless(&origin, "").plan(plan));
    gate.get("/orders").send().admitted();
    gate.get("/orders").key("nobody-brings-this").send().admitted();
    gate.get("/orders").send().refused(429, "over_quota");
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn its_state_and_its_plan_decide() {
    let origin = Origin::start();
    let gate = Tollgate::start(&keyless(&origin, "status = \"suspended\""));
    gate.get("/orders").send().refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("key_suspended"), 1.0);
    gate.apply(&keyless(&origin, "expires = 2020-01-01"));
    gate.get("/orders").send().refused(401, "key_rejected");
    let elsewhere = keyless(&origin, "")
        .section("services.other", "path = \"/other\"\nupstream = \"demo\"")
        .section("services.other.endpoints.all", "")
        .section("packages.basic.plans.closed", EXEMPT)
        .section("packages.basic.plans.closed.services.other", "");
    let body = Config::key_body("nobody-brings-this", "").replace("\"free\"", "\"closed\"");
    gate.apply(&elsewhere.section("keys.noapikey", &body));
    gate.get("/orders").send().refused(403, "not_entitled");
    assert!(origin.requests().is_empty());
}

#[test]
fn it_follows_a_changed_digest_and_may_not_go() {
    let origin = Origin::start();
    let gate = Tollgate::start(&keyless(&origin, ""));
    gate.apply(&house(&origin, KEYLESS).key("noapikey", "another-secret", ""));
    gate.get("/orders").send().admitted();
    gate.refuses(&house(&origin, KEYLESS));
    gate.wait_for_log("no key \"noapikey\"");
    gate.get("/orders").send().admitted();
    gate.apply(&house(&origin, "").key("noapikey", "another-secret", ""));
    gate.get("/orders").send().refused(401, "key_missing");
}
