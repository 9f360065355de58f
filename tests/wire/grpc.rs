//! Refusals as callers of gRPC read them, whatever the dialect of the service.

use std::io::Read;
use std::net::TcpListener;

use super::gate;
use crate::support::{Answer, Config, Door, Http2, Origin, Request, Response, Tollgate};

/// A call over a connection of its own.
fn call(request: Request) -> Response {
    let request = request.header("content-type", "application/grpc+proto");
    request.over(&mut Http2::connect(request.address))
}

/// Holds a response to be trailers alone, with this status and a message that begins so.
fn ended(request: Request, status: &str, message: &str) -> Response {
    let response = call(request);
    assert_eq!((response.status, response.text()), (200, ""), "{response:?}");
    assert_eq!(response.header("content-type"), Some("application/grpc+proto"), "{response:?}");
    assert_eq!(response.header("grpc-status"), Some(status), "{response:?}");
    let said = response.header("grpc-message").unwrap();
    assert!(said.starts_with(message), "{response:?}");
    response
}

#[test]
fn every_kind_of_refusal_has_its_status_in_every_dialect() {
    let origin = Origin::start();
    for dialect in ["problem", "mashery"] {
        let settings = format!("error_dialect = \"{dialect}\"\nupstream = \"demo\"");
        let config = Config::new(&origin)
            .service(&format!("path = \"/orders\"\n{settings}"))
            .section("services.billing", &format!("path = \"/billing\"\n{settings}"))
            .section("services.billing.endpoints.all", "")
            .key("acme-2", "suspended", "status = \"suspended\"")
            .plan("qps_limit_ceiling = 1\nrate_limit_exempt = true");
        let gate = Tollgate::start(&config);
        let post = |target: &str| gate.request("POST", target);
        ended(post("/orders"), "16", "key_missing: ");
        ended(post("/orders").key("unheard-of"), "16", "key_rejected: ");
        ended(post("/orders").key("suspended"), "16", "key_rejected: ");
        ended(post("/billing").key("demo"), "7", "not_entitled: ");
        ended(post("/nowhere").key("demo"), "12", "route_not_found: ");
        ended(post("/orders").key("demo").header("grpc-timeout", "soon"), "13", "bad_request: ");
        assert_eq!(call(post("/orders").key("demo")).text(), "ok");
        let limited = ended(post("/orders").key("demo"), "8", "over_qps: ");
        assert!(limited.header("retry-after").is_some(), "{limited:?}");
        assert_eq!(gate.metrics().refusals("key_missing"), 1.0);
    }
}

#[test]
fn other_calls_are_refused_as_ever() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for other in ["application/json", "application/grp", "text/application/grpc"] {
        let request = gate.request("POST", "/orders").header("content-type", other);
        request.over(&mut Http2::connect(gate.data())).refused(401, "key_missing");
    }
}

/// The gate of a service whose upstream takes connections and never answers.
fn hanging() -> (TcpListener, Tollgate) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gate = Tollgate::start(&Config::to(listener.local_addr().unwrap()));
    (listener, gate)
}

#[test]
fn an_upstream_that_is_away_is_unavailable() {
    let (listener, gate) = hanging();
    drop(listener);
    ended(gate.request("POST", "/orders").key("demo"), "14", "upstream_unreachable: ");
}

#[test]
fn the_callers_deadline_is_that_of_the_whole_call() {
    let (listener, gate) = hanging();
    let request = gate.request("POST", "/orders").key("demo").header("grpc-timeout", "300m");
    ended(request, "4", "deadline_exceeded: ");
    // The upstream is let go, too.
    let (mut connection, _) = listener.accept().unwrap();
    let mut seen = Vec::new();
    connection.read_to_end(&mut seen).unwrap();
    assert!(seen.starts_with(b"POST /orders "), "{}", String::from_utf8_lossy(&seen));
}

#[test]
fn a_response_that_is_late_ends_with_the_status() {
    let door = Door::shut();
    let answer = Answer::ok("begun").chunked().wait(&door).then("late");
    let origin = Origin::answering(move |_| answer.clone());
    let gate = gate(&origin);
    let response = call(gate.request("POST", "/orders").key("demo").header("grpc-timeout", "500m"));
    assert_eq!((response.text(), response.header("grpc-status")), ("begun", None));
    assert_eq!(response.trailers.get("grpc-status"), Some("4"));
    door.open();
}
