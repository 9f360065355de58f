//! Keys in segments of the path, which are no part of what is matched, sent and logged.

use super::{gate_with, holds_in_both};
use crate::support::{Config, Origin, Tollgate};

/// `/v1/KEY/orders/{id}` and `/v1/KEY/status`, and everything else at another service.
fn house(origin: &Origin) -> Config {
    let service = "path = \"/v1\"\nupstream = \"demo\"\ncredentials = [{ path_segment = 1 }]";
    Config::new(origin)
        .service(service)
        .without("services.orders.endpoints.all")
        .section("services.orders.endpoints.orders", "path = \"/orders/{id}\"")
        .section("services.orders.endpoints.orders.methods.read", "http_methods = [\"GET\"]")
        .section("services.orders.endpoints.status", "path = \"/status\"")
        .section("services.other", "upstream = \"demo\"")
        .section("services.other.endpoints.all", "")
        .section("packages.basic.plans.free.services.other", "")
        .section("access_log", "path = \"access.log\"")
        .section("log", "level = \"debug\"")
}

#[test]
fn a_key_is_no_part_of_what_is_matched_and_sent() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    for (came, goes) in [
        ("/v1/demo/orders/7", "/v1/orders/7"),
        ("/v1/demo/orders/7/", "/v1/orders/7/"),
        ("//v1//demo//orders/7?a=%7e&b", "/v1/orders/7?a=%7e&b"),
        ("/v1/%64em%6F/orders/%37", "/v1/orders/7"),
        ("/v1/demo/status", "/v1/status"),
        ("/v1/demo/orders/demo", "/v1/orders/demo"),
    ] {
        let before = origin.requests().len();
        holds_in_both(&gate, |send| assert_eq!(send(&gate.get(came)), 200, "{came}"));
        assert_eq!(origin.targets()[before..], [goes, goes]);
    }
}

#[test]
fn everything_below_the_path_is_the_services_own() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    // The other service takes any path, and is not asked.
    for path in ["/v1", "/v1/", "/v1/demo", "/v1/demo/", "/v1/demo/nothing", "/v1/orders/7"] {
        gate.get(path).key("demo").send().refused(404, "route_not_found");
    }
    let post = gate.request("POST", "/v1/demo/orders/7").send().refused(405, "method_not_allowed");
    assert_eq!(post.header("allow"), Some("GET"));
    assert!(origin.requests().is_empty());
    gate.get("/v2/demo/orders/7").key("demo").send().admitted();
    assert_eq!(origin.request().target(), "/v2/demo/orders/7");
}

#[test]
fn a_path_without_a_key_or_with_a_wrong_one_is_refused() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ path_segment = 1 }");
    gate.get("/orders").send().refused(401, "key_missing");
    gate.get("/orders/").send().refused(401, "key_missing");
    let refused = gate.get("/orders/wrong/7").send().refused(401, "key_rejected");
    let challenge = "ApiKey realm=\"orders\", path_segment=\"1\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
    for malformed in ["de%20mo", "d%C3%A9mo", "demo%01"] {
        gate.get(&format!("/orders/{malformed}/7")).send().refused(401, "key_malformed");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_key_far_behind_or_at_the_end_is_taken_out() {
    let origin = Origin::start();
    let gate = gate_with(&origin, "{ path_segment = 3 }, { header = \"X-Api-Key\" }");
    gate.get("/orders/a/b/demo/c").send().admitted();
    gate.get("/orders/a/b/demo").send().admitted();
    gate.get("/orders/a/b/demo").key("demo").send().admitted();
    // Too short for a key: it stands elsewhere.
    gate.get("/orders/a/b").key("demo").send().admitted();
    gate.get("/orders/a/b/").key("demo").send().admitted();
    let expected = ["/orders/a/b/c", "/orders/a/b", "/orders/a/b", "/orders/a/b", "/orders/a/b/"];
    assert_eq!(origin.targets(), expected);
    gate.get("/orders/a/b/demo").key("other").send().refused(400, "key_ambiguous");
}

#[test]
fn a_key_may_be_all_of_a_path() {
    let origin = Origin::start();
    let service = "hosts = [\"keyed.example.com\"]\nupstream = \"demo\"\n\
                   upstream_path = \"/api\"\ncredentials = [{ path_segment = 0 }]";
    let config = Config::new(&origin)
        .section("services.keyed", service)
        .section("services.keyed.endpoints.all", "")
        .section("packages.basic.plans.free.services.keyed", "");
    let gate = Tollgate::start(&config);
    for path in ["/demo", "/demo/", "/demo/orders"] {
        gate.get(path).host("keyed.example.com").send().admitted();
    }
    assert_eq!(origin.targets(), ["/api/", "/api/", "/api/orders"]);
    gate.get("/orders/7").key("demo").send().admitted();
}

#[test]
fn no_log_tells_a_key_of_a_path_whatever_is_wrong_with_it() {
    let origin = Origin::start();
    let mut gate = Tollgate::start(&house(&origin));
    let paths = [
        ("/v1/demo/orders/7", 200),
        ("/v1/demo/nothing", 404),
        ("/v1/demo%2Forders", 404),
        ("/v1/./demo/orders/7", 404),
        ("/v1/demo;a/orders/7", 404),
        ("/v1/demo/orders/%zz", 404),
        ("/v1%2Fdemo", 404),
    ];
    for (path, status) in paths {
        assert_eq!(gate.get(path).send().status, status, "{path}");
    }
    assert_eq!(gate.get("/v1/demo/orders/7").host("a,b").send().status, 400);
    assert_eq!(gate.request("TRACE", "/v1/demo/orders/7").send().status, 405);
    let long = format!("/v1/demo/orders/{}", "x".repeat(10_000));
    assert_eq!(gate.get(&long).send().status, 414);
    gate.get("/elsewhere/7").send().refused(401, "key_missing");
    gate.signal(rustix::process::Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
    let lines = std::fs::read_to_string(gate.folder().join("access.log")).unwrap();
    assert_eq!(lines.lines().count(), paths.len() + 4, "{lines}");
    assert!(!lines.contains("demo"), "{lines}");
    assert!(lines.contains("\"path\":\"/v1/orders/7\""), "{lines}");
    assert!(lines.contains("\"path\":\"/v1/nothing\""), "{lines}");
    assert!(lines.contains("\"path\":\"/elsewhere/7\""), "{lines}");
    assert!(!gate.log().contains("demo/"), "{}", gate.log());
}
