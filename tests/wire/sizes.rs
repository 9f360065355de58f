use crate::support::{Config, Http1, Origin, Tollgate};

fn gate(origin: &Origin, listener: &str) -> Tollgate {
    let listener = format!("address = \"127.0.0.1:0\"\n{listener}");
    Tollgate::start(&Config::new(origin).section("listeners.public", &listener))
}

#[test]
fn a_long_target_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin, "max_target_bytes = 64");
    let target = format!("/orders/{}", "x".repeat(64 - "/orders/".len()));
    gate.get(&target).key("demo").send().admitted();
    gate.get(&(target + "x")).key("demo").send().refused(414, "target_too_long");
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_large_header_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin, "max_headers = 10\nmax_header_bytes = \"16KiB\"");
    let large = gate.get("/orders").key("demo").header("X-Large", &"x".repeat(20_000));
    assert_eq!(large.send().status, 431);
    let many =
        (0..20).fold(gate.get("/orders").key("demo"), |to, n| to.header(&format!("X-{n}"), "1"));
    assert_eq!(many.send().status, 431);
    assert!(origin.requests().is_empty());
}

#[test]
fn a_large_body_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin, "max_body_bytes = 5");
    gate.request("POST", "/orders").key("demo").body("hello").send().admitted();
    let large = gate.request("POST", "/orders").key("demo").body("hello!");
    large.send().refused(413, "body_too_large");
    let chunked = "POST /orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\n\
                   Transfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n0\r\n\r\n";
    assert_eq!(Http1::connect(gate.data()).ask(chunked).status, 413);
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let origin = Origin::start();
    let gate = gate(&origin, "header_timeout = \"100ms\"");
    let mut connection = Http1::connect(gate.data());
    connection.write_bytes("GET /orders HTTP/1.1\r\nHost: a\r\n");
    let answered = connection.try_read().ok().flatten();
    assert!(answered.is_none_or(|response| response.status == 408));
    assert!(origin.requests().is_empty());
}
