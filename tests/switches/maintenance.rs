use super::{both, house};
use crate::support::{Config, Connection, Http1, Origin, Tollgate};

#[test]
fn a_closed_service_refuses_every_call_before_it_looks_at_it() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, "maintenance = true"));
    let none = gate.get("/orders");
    for request in [none.clone().key("demo"), none.clone().key("unheard-of"), none] {
        for response in both(&gate, &request) {
            let response = response.refused(503, "maintenance");
            assert_eq!(response.header("retry-after"), None);
        }
    }
    gate.get("/nowhere").send().refused(404, "route_not_found");
    assert_eq!(gate.metrics().refusals("maintenance"), 6.0);
    assert!(origin.requests().is_empty());
}

#[test]
fn callers_are_told_when_it_opens_again() {
    let origin = Origin::start();
    let later = "maintenance = true\nmaintenance_retry_after = \"1500ms\"";
    let gate = Tollgate::start(&house(&origin, later));
    let refused = gate.get("/orders").send().refused(503, "maintenance");
    assert_eq!(refused.header("retry-after"), Some("2"));
}

#[test]
fn it_opens_and_closes_while_a_connection_goes_on() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, ""));
    let mut connection = Http1::connect(gate.data());
    let request = gate.get("/orders").key("demo");
    connection.send(&request).admitted();
    gate.apply(&house(&origin, "maintenance = true"));
    connection.send(&request).refused(503, "maintenance");
    gate.apply(&house(&origin, "maintenance_retry_after = \"1h\""));
    connection.send(&request).admitted();
}

/// One endpoint that is closed, one that is not.
fn halves(origin: &Origin, closed: &str) -> Config {
    house(origin, "")
        .without("services.orders.endpoints.all")
        .section("services.orders.endpoints.items", &format!("path = \"/items\"\n{closed}"))
        .section("services.orders.endpoints.items.methods.read", "http_methods = [\"GET\"]")
        .section("services.orders.endpoints.rest", "")
}

#[test]
fn an_endpoint_may_be_closed_alone() {
    let origin = Origin::start();
    let closed = "maintenance = true\nmaintenance_retry_after = \"1h\"";
    let gate = Tollgate::start(&halves(&origin, closed));
    let refused = gate.get("/orders/items").key("demo").send().refused(503, "maintenance");
    assert_eq!(refused.header("retry-after"), Some("3600"));
    gate.get("/orders/others").key("demo").send().admitted();
}

#[test]
fn it_comes_before_the_http_method() {
    let origin = Origin::start();
    let gate = Tollgate::start(&halves(&origin, ""));
    let delete = gate.request("DELETE", "/orders/items").key("demo");
    delete.send().refused(405, "method_not_allowed");
    gate.apply(&halves(&origin, "maintenance = true"));
    delete.send().refused(503, "maintenance");
}
