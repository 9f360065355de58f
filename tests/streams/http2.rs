//! WebSockets over HTTP/2 (RFC 8441), from clients and to upstreams.

use rustix::process::Signal;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::raw;
use super::websocket::converse;
use super::{config, opening};
use crate::support::{Config, Echo, Http2, Tollgate, VERSION, WebSocket, close};

/// A connection whose server has said what it takes.
fn connect(gate: &Tollgate) -> Http2 {
    let connection = Http2::connect(gate.data());
    assert_eq!(connection.start(&gate.get("/nowhere")).read().unwrap().status, 404);
    connection
}

fn to_http2(echo: &Echo) -> Config {
    let upstream = format!("url = \"http://{}\"\nhttp = \"2\"", echo.address());
    config(echo).section("upstreams.demo", &upstream)
}

#[test]
fn a_stream_becomes_a_websocket_to_a_server_of_http1() {
    let echo = Echo::start();
    let gate = Tollgate::start(&config(&echo));
    let connection = connect(&gate);
    let request =
        opening(&gate).header(VERSION, "13").header("sec-websocket-protocol", "chat, other");
    let opened = connection.connect_to("websocket", &request);
    assert_eq!(opened.status, 200);
    assert_eq!(opened.fields.all("sec-websocket-protocol"), ["chat"]);
    for gone in ["sec-websocket-accept", "connection", "upgrade", "content-length"] {
        assert!(!opened.fields.has(gone), "{gone}: {:?}", opened.fields);
    }
    let mut socket = opened.socket.unwrap();
    converse(&mut socket);
    let mut beside = connection.websocket(&opening(&gate));
    converse(&mut beside);
    socket.send(close(4000, "enough"));
    assert_eq!(socket.closed(), 4000);
    beside.send(Message::text("close 4001"));
    assert_eq!(beside.closed(), 4001);
    assert!(connection.is_open());
    let asked = &echo.asked()[0];
    for (name, value) in
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")]
    {
        assert_eq!(asked.all(name), [value], "{asked:?}");
    }
    let keys =
        echo.asked().into_iter().map(|asked| asked.get("sec-websocket-key").unwrap().to_owned());
    let keys: std::collections::HashSet<_> = keys.collect();
    assert_eq!(keys.len(), 2, "each has a key of its own");
}

#[test]
fn a_server_of_http2_is_asked_for_a_stream() {
    let echo = Echo::over_http2(true);
    let gate = Tollgate::start(&to_http2(&echo));
    let mut one = WebSocket::open(&opening(&gate).header("Origin", "https://shop.example"));
    converse(&mut one);
    let mut two = connect(&gate).websocket(&opening(&gate));
    converse(&mut two);
    one.send(close(4000, "enough"));
    assert_eq!(one.closed(), 4000);
    two.send(Message::text("close 4001"));
    assert_eq!(two.closed(), 4001);
    for asked in echo.asked() {
        for (name, value) in [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":path", "/orders/socket"),
            (VERSION, "13"),
            ("x-tollgate-application", "acme"),
        ] {
            assert_eq!(asked.all(name), [value], "{asked:?}");
        }
        for gone in ["connection", "upgrade", "sec-websocket-key", "x-api-key", "host"] {
            assert!(!asked.has(gone), "{gone}: {asked:?}");
        }
    }
    assert_eq!(echo.asked()[0].get("origin"), Some("https://shop.example"));
}

#[test]
fn a_server_of_http2_that_does_not_offer_it_is_a_502() {
    let echo = Echo::over_http2(false);
    let gate = Tollgate::start(&to_http2(&echo));
    for _ in 0..2 {
        assert_eq!(WebSocket::try_open(&opening(&gate)).err(), Some(502));
        let refused = connect(&gate).connect_to("websocket", &opening(&gate).header(VERSION, "13"));
        assert_eq!(refused.status, 502);
    }
    assert!(echo.asked().is_empty(), "nobody has asked it");
    assert_eq!(gate.metrics().refusals("upstream_bad_response"), 4.0);
}

#[test]
fn only_what_opens_a_websocket_with_a_key_becomes_one() {
    let echo = Echo::start();
    let gate = Tollgate::start(&config(&echo));
    let connection = connect(&gate);
    let status = |protocol, request| connection.connect_to(protocol, &request).status;
    let good = || opening(&gate).header(VERSION, "13");
    let unkeyed = gate.get("/orders/socket").header(VERSION, "13");
    assert_eq!(status("websocket", unkeyed), 401);
    assert_eq!(status("websocket", gate.get("/nowhere").header(VERSION, "13")), 404);
    assert_eq!(status("websocket", opening(&gate)), 400, "no version");
    assert_eq!(status("websocket", opening(&gate).header(VERSION, "8")), 400);
    assert_eq!(status("connect-udp", good()), 405);
    assert_eq!(status("websocket", good().header("content-type", "application/grpc")), 200);
    let refused = gate.get("/orders/socket").header("content-type", "application/grpc");
    assert_eq!(status("websocket", refused.header(VERSION, "13")), 401, "no 200 is a refusal here");
    let none = format!("url = \"http://{}\"\nupgrades = []", echo.address());
    gate.apply(&config(&echo).section("upstreams.demo", &none));
    assert_eq!(status("websocket", good()), 405);
    let asked = echo.asked().len();
    assert_eq!(
        WebSocket::try_open(&opening(&gate)).err(),
        Some(502),
        "the server sees no WebSocket"
    );
    assert_eq!(echo.asked().len(), asked);
    let fixed = config(&echo)
        .section("upstreams.demo", "response.status = 200")
        .section("process", "workers = 2");
    gate.apply(&fixed);
    assert_eq!(status("websocket", good()), 405);
}

#[test]
fn no_answer_but_the_grant_is_taken_for_one() {
    let switched =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_owned(), 502),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), 502),
        (format!("{switched}\r\n"), 502),
        (format!("{switched}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"), 502),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".to_owned(), 403),
    ] {
        let (address, served) = raw::upstream(answer, |_| ());
        let gate = raw::gate(address);
        let request = opening(&gate).header(VERSION, "13");
        assert_eq!(connect(&gate).connect_to("websocket", &request).status, expected);
        served.join().unwrap();
    }
}

#[test]
fn the_stream_of_a_key_that_dies_ends_and_others_go_on() {
    for to_two in [false, true] {
        let echo = if to_two { Echo::over_http2(true) } else { Echo::start() };
        let config = if to_two { to_http2(&echo) } else { config(&echo) };
        let both = config.key("acme-2", "other", "");
        let gate = Tollgate::start(&both);
        let connection = connect(&gate);
        let mut dying = connection.websocket(&opening(&gate));
        let mut other = connection.websocket(&gate.get("/orders/socket").key("other"));
        dying.echoes(&Message::text("hello"));
        other.echoes(&Message::text("hello"));
        gate.apply(&both.key("acme-1", "demo", "status = \"revoked\""));
        assert_eq!(dying.closed(), 1008);
        assert_eq!(echo.ends(1), [Some(1008)], "the server is told, too");
        other.echoes(&Message::text("still there"));
        assert_eq!(gate.metrics().sum("tollgate_streams_cut_total", &[]), 1.0);
    }
}

#[test]
fn streams_count_among_the_open_requests_of_their_key_and_are_closed_at_the_end() {
    let echo = Echo::start();
    let two = "qps_limit_exempt = true\nrate_limit_exempt = true\nconcurrency_ceiling = 2";
    let mut gate = Tollgate::start(&config(&echo).plan(two));
    let connection = connect(&gate);
    let mut sockets = [(); 2].map(|()| connection.websocket(&opening(&gate)));
    sockets.iter_mut().for_each(|socket| socket.echoes(&Message::text("hello")));
    let third = connection.connect_to("websocket", &opening(&gate).header(VERSION, "13"));
    assert_eq!(third.status, 429);
    gate.signal(Signal::TERM);
    assert_eq!(sockets.each_mut().map(WebSocket::closed), [1001, 1001]);
    drop(sockets);
    assert_eq!(gate.exit_code(), 0);
}
