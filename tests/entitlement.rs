//! What a plan opens, and that it opens nothing else.

use crate::support::{Config, Http1, Http2, Origin, Request, Response, Tollgate};

/// Two services; `orders` has three endpoints, one of them with methods.
fn house(origin: &Origin) -> Config {
    Config::new(origin)
        .without("services.orders.endpoints.all")
        .section("services.orders.endpoints.items", "path = \"/items/{id}\"")
        .section(
            "services.orders.endpoints.items.methods.read",
            "http_methods = [\"GET\", \"HEAD\"]",
        )
        .section(
            "services.orders.endpoints.items.methods.details",
            "http_methods = [\"GET\"]\npath = \"/{detail}\"",
        )
        .section("services.orders.endpoints.items.methods.change", "http_methods = [\"PUT\"]")
        .section("services.orders.endpoints.returns", "path = \"/returns/**\"")
        .section(
            "services.orders.endpoints.offers",
            "path = \"/offers\"\nundefined_methods_allowed = true",
        )
        .section("services.orders.endpoints.offers.methods.list", "http_methods = [\"GET\"]")
        .section("services.billing", "path = \"/billing\"\nupstream = \"demo\"")
        .section("services.billing.endpoints.all", "")
}

const GRANT: &str = "packages.basic.plans.free.services";

fn outcome(response: &Response) -> (u16, String) {
    if response.status == 200 { (200, String::new()) } else { response.refusal() }
}

/// Holds it in both versions of HTTP.
fn holds(gate: &Tollgate, expected: &[(&str, &str, u16, &str)]) {
    let (mut one, mut two) = (Http1::connect(gate.data()), Http2::connect(gate.data()));
    for (method, target, status, code) in expected {
        let request: Request = gate.request(method, target).key("demo");
        let expected = (*status, (*code).to_owned());
        assert_eq!(outcome(&request.over(&mut one)), expected, "{method} {target}");
        assert_eq!(outcome(&request.over(&mut two)), expected, "{method} {target}");
    }
}

#[test]
fn s0_1_a_plan_opens_its_services_and_no_other() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    holds(
        &gate,
        &[
            ("GET", "/orders/items/7", 200, ""),
            ("PUT", "/orders/items/7", 200, ""),
            ("GET", "/orders/items/7/price", 200, ""),
            ("DELETE", "/orders/returns/7/8", 200, ""),
            ("GET", "/orders/returns", 200, ""),
            ("GET", "/billing/7", 403, "not_entitled"),
            ("GET", "/orders/nothing", 404, "route_not_found"),
        ],
    );
    let reached = origin.targets();
    assert!(!reached.iter().any(|target| target.starts_with("/billing")), "{reached:?}");
}

#[test]
fn s0_1_a_plan_opens_its_endpoints_and_no_other() {
    let origin = Origin::start();
    let config = house(&origin).section(&format!("{GRANT}.orders.endpoints.returns"), "");
    holds(
        &Tollgate::start(&config),
        &[
            ("GET", "/orders/returns/7", 200, ""),
            ("POST", "/orders/returns/7", 200, ""),
            ("GET", "/orders/items/7", 403, "not_entitled"),
            ("GET", "/orders/offers", 403, "not_entitled"),
            ("GET", "/billing", 403, "not_entitled"),
        ],
    );
}

#[test]
fn s0_1_a_plan_opens_its_methods_and_no_other() {
    let origin = Origin::start();
    let granted = format!("{GRANT}.orders.endpoints.items.methods.read");
    holds(
        &Tollgate::start(&house(&origin).section(&granted, "")),
        &[
            ("GET", "/orders/items/7", 200, ""),
            ("HEAD", "/orders/items/7", 200, ""),
            ("PUT", "/orders/items/7", 403, "not_entitled"),
            ("GET", "/orders/items/7/price", 403, "not_entitled"),
            ("GET", "/orders/returns/7", 403, "not_entitled"),
        ],
    );
}

#[test]
fn a_method_that_the_endpoint_does_not_know_is_told_which_ones_it_knows() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let refused = gate.request("PATCH", "/orders/items/7").key("demo").send();
    let refused = refused.refused(405, "method_not_allowed");
    let mut allowed: Vec<_> = refused.header("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PUT"]);
    assert!(origin.requests().is_empty());
}

#[test]
fn undefined_methods_are_plain_calls_of_the_endpoint_where_it_allows_them() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    holds(&gate, &[("GET", "/orders/offers", 200, ""), ("POST", "/orders/offers", 200, "")]);
}

#[test]
fn a_change_of_the_plan_is_a_change_of_what_its_keys_open() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let billing = gate.get("/billing").key("demo");
    billing.send().refused(403, "not_entitled");
    gate.apply(&house(&origin).section(&format!("{GRANT}.billing"), ""));
    billing.send().admitted();
    gate.apply(&house(&origin));
    billing.send().refused(403, "not_entitled");
}
