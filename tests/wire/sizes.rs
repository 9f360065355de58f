use std::io::Write;

use crate::support::frames::{
    END_HEADERS, END_STREAM, GET, HEADERS, beginning, frame, literal, streams,
};
use crate::support::{Answer, Config, Door, Http1, Http2, Metrics, Origin, Tollgate, tcp};

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
    many.over(&mut Http2::connect(gate.data())).refused(431, "headers_too_large");
    assert_eq!(gate.metrics().refusals("headers_too_large"), 3.0);
    assert!(origin.requests().is_empty());
    // HTTP/2 may bring cookies in pieces.
    let cookies = (0..20)
        .fold(gate.get("/orders").key("demo"), |to, n| to.header("Cookie", &format!("c{n}=1")));
    cookies.over(&mut Http2::connect(gate.data())).admitted();
}

#[test]
fn a_head_too_large_for_http2_itself_is_refused_and_counted() {
    let origin = Origin::start();
    let gate = gate(&origin, "max_header_bytes = \"16KiB\"");
    // Where there is a body to come, the stream is reset behind the answer.
    let large = gate.request("POST", "/orders").key("demo").header("X-Large", &"x".repeat(20_000));
    let large = large.body("x");
    let answer = Http2::connect(gate.data()).start(&large).read();
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 431));
    gate.wait_for("a refused stream", |metrics| refused_streams(metrics, "malformed") == 1.0);
}

fn refused_streams(metrics: &Metrics, reason: &str) -> f64 {
    metrics.sum("tollgate_http2_streams_refused_total", &[("reason", reason)])
}

#[test]
fn a_stream_beyond_the_most_is_refused_and_counted() {
    let door = Door::shut();
    let answer = Answer::status(200).wait(&door).then("ok");
    let origin = Origin::answering(move |_| answer.clone());
    let gate = gate(&origin, "max_streams = 2");
    let mut stream = tcp(gate.data()).unwrap();
    let open = |number| {
        let fields = [
            GET[..2].to_vec(),
            literal(":path", "/orders"),
            literal(":authority", "a"),
            literal("x-api-key", "demo"),
        ];
        frame(HEADERS, END_HEADERS | END_STREAM, number, &fields.concat())
    };
    stream.write_all(&beginning()).unwrap();
    for number in streams().take(3) {
        stream.write_all(&open(number)).unwrap();
    }
    gate.wait_for("a refused stream", |metrics| refused_streams(metrics, "max_streams") == 1.0);
    gate.wait_for("two streams", |metrics| metrics.sum("tollgate_streams", &[]) == 2.0);
    door.open();
    origin.wait_for_requests(2);
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
