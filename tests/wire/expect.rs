//! `Expect: 100-continue` (RFC 9110 §10.1.1): what is refused is refused before its body is sent, and a
//! body is asked for when somebody wants it.

use super::gate;
use crate::support::{Http1, Origin, Request, Tollgate};

fn upload(gate: &Tollgate, key: &str) -> Request {
    let request = gate.request("POST", "/orders").header("Expect", "100-continue");
    request.header("Content-Length", "5").key(key)
}

#[test]
fn an_admitted_upload_is_asked_for_its_body() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let mut connection = Http1::connect(gate.data());
    for _ in 0..2 {
        connection.write(&upload(&gate, "demo"));
        assert_eq!(connection.try_read().unwrap().unwrap().status, 100);
        connection.write_bytes("hello");
        assert_eq!(connection.try_read().unwrap().unwrap().admitted().text(), "ok");
    }
    for request in origin.requests() {
        assert_eq!((&*request.body, request.fields.has("expect")), (&b"hello"[..], false));
    }
}

#[test]
fn a_refused_upload_is_answered_without_its_body() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let nowhere = gate.request("POST", "/nowhere").header("Expect", "100-continue");
    for (request, status) in [
        (upload(&gate, "other"), 401),
        (nowhere.header("Content-Length", "5").key("demo"), 404),
        (gate.request("POST", "/orders").header("Expect", "100-continue").body(""), 401),
    ] {
        let mut connection = request.start();
        let first = connection.try_read().unwrap().unwrap();
        assert_eq!(first.status, status, "no interim response: {first:?}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn nobody_is_asked_for_a_body_that_no_upstream_takes() {
    let origin = Origin::start();
    let gate = gate(&origin);
    drop(origin);
    let mut connection = upload(&gate, "demo").start();
    let first = connection.try_read().unwrap().unwrap();
    first.refused(502, "upstream_unreachable");
    assert!(connection.ends(), "the body that was announced cannot be told from a request");
}

#[test]
fn a_body_that_never_comes_leaves_nothing_whole_upstream() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let mut connection = Http1::connect(gate.data());
    connection.write(&upload(&gate, "demo"));
    assert_eq!(connection.try_read().unwrap().unwrap().status, 100);
    connection.write_bytes("hel");
    drop(connection);
    gate.get("/orders").key("demo").send().admitted();
    assert_eq!(origin.request().method(), "GET");
}
