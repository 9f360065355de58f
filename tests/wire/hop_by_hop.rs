use super::gate;
use crate::support::{Answer, Http2, Message, Origin};

const HOP_BY_HOP: [&str; 6] =
    ["keep-alive", "proxy-connection", "te", "upgrade", "proxy-authorization", "x-once"];

fn holds_none(request: &Message) {
    for name in HOP_BY_HOP {
        assert!(!request.fields.has(name), "{name}: {request:?}");
    }
    assert_eq!(request.header("x-stays"), Some("1"));
}

#[test]
fn hop_by_hop_fields_end_at_the_gate() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let request = gate
        .get("/orders")
        .key("demo")
        .header("Connection", "keep-alive, X-Once, upgrade")
        .header("X-Once", "1")
        .header("Keep-Alive", "timeout=5")
        .header("Proxy-Connection", "keep-alive")
        .header("Proxy-Authorization", "Basic am86")
        .header("TE", "gzip")
        .header("Upgrade", "websocket")
        .header("X-Stays", "1");
    request.send().admitted();
    let seen = origin.request();
    holds_none(&seen);
    let connection = seen.header("connection").unwrap_or("").to_ascii_lowercase();
    assert!(!connection.contains("x-once") && !connection.contains("upgrade"), "{seen:?}");
}

#[test]
fn hop_by_hop_fields_of_a_response_end_at_the_gate() {
    let origin = Origin::answering(|_| {
        Answer::ok("ok")
            .header("Connection", "X-Once")
            .header("X-Once", "1")
            .header("Keep-Alive", "timeout=5")
            .header("Proxy-Connection", "keep-alive")
            .header("Upgrade", "h2c")
            .header("X-Stays", "1")
    });
    let gate = gate(&origin);
    let request = gate.get("/orders").key("demo");
    for response in [request.send(), request.over(&mut Http2::connect(gate.data()))] {
        for name in HOP_BY_HOP {
            assert!(!response.fields.has(name), "{name}: {response:?}");
        }
        assert!(!response.header("connection").unwrap_or("").contains("X-Once"));
        assert_eq!(response.admitted().header("x-stays"), Some("1"));
    }
}

#[test]
fn one_end_may_close_without_the_other() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let closing = gate.get("/orders").key("demo").header("Connection", "close");
    for _ in 0..3 {
        let mut connection = closing.start();
        connection.read().admitted();
        assert!(connection.ends());
    }
    for request in origin.requests() {
        assert!(!request.header("connection").unwrap_or("").contains("close"), "{request:?}");
    }
}
