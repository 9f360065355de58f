//! A WebSocket library at both ends.

use tempfile::TempDir;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{config, opening};
use crate::support::{Authority, Config, Echo, Http1, Tollgate, WebSocket, close};

/// Everything that two sides can say to each other.
pub(super) fn converse(socket: &mut WebSocket) {
    socket.echoes(&Message::text("hello"));
    socket.echoes(&Message::text(""));
    socket.echoes(&Message::binary(vec![0x88; 125]));
    socket.echoes(&Message::binary(vec![0x88; 70_000]));
    socket.echoes(&Message::binary(vec![7; 6 << 20]));
    socket.send(Message::Ping("are you there".into()));
    assert_eq!(socket.receive().unwrap(), Message::Pong("are you there".into()));
    let piece = |text: &'static str, data, last| {
        Message::Frame(Frame::message(text, OpCode::Data(data), last))
    };
    socket.send(piece("in ", Data::Text, false));
    socket.send(Message::Ping("between".into()));
    socket.send(piece("three ", Data::Continue, false));
    socket.send(piece("pieces", Data::Continue, true));
    assert_eq!(socket.receive().unwrap(), Message::Pong("between".into()));
    assert_eq!(socket.receive().unwrap(), Message::text("in three pieces"));
}

#[test]
fn two_sides_say_what_they_like() {
    let echo = Echo::start();
    let gate = Tollgate::start(&config(&echo));
    let mut socket = WebSocket::open(&opening(&gate));
    converse(&mut socket);
    socket.send(close(4000, "enough"));
    assert_eq!(socket.closed(), 4000, "the server says it back");
    assert_eq!(echo.ends(1), [Some(4000)]);

    let mut socket = WebSocket::open(&opening(&gate));
    socket.send(Message::text("close 4001"));
    assert_eq!(socket.closed(), 4001);
    assert_eq!(echo.ends(2), [Some(4000), Some(4001)]);
}

#[test]
fn over_tls_on_both_sides() {
    let authority = Authority::new();
    let issued = authority.issue(&["localhost"]);
    let echo = Echo::over_tls(issued.server(None));
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    issued.write(folder.path(), "gate");
    let url = |http: &str| {
        format!("url = \"https://localhost:{}\"\nhttp = \"{http}\"", echo.address().port())
    };
    let config = |http: &str| {
        Config::to(echo.address())
            .section("upstreams.demo", &url(http))
            .section("upstreams.demo.tls", "ca_file = \"ca.pem\"")
            .section("listeners.public.tls", "")
            .section(
                "listeners.public.tls.certificates.main",
                "certificate_file = \"gate.pem\"\nkey_file = \"gate.key\"",
            )
    };
    std::fs::write(folder.path().join("tollgate.toml"), config("1").to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    // An upstream that would agree to HTTP/2 is spoken to in HTTP/1.1 for it.
    for http in ["1", "auto"] {
        if http != "1" {
            gate.apply(&config(http));
        }
        let stream = crate::support::connect_tls(gate.data(), &authority, "localhost");
        let mut socket = WebSocket::over(stream, &opening(&gate)).unwrap();
        converse(&mut socket);
        socket.send(close(4000, "enough"));
        assert_eq!(socket.closed(), 4000, "{http}");
    }
}

#[test]
fn behind_a_unix_socket() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("api.sock");
    let echo = Echo::behind(&socket);
    let url = format!("url = \"unix:{}\"", socket.display());
    let gate = Tollgate::start(&config(&echo).section("upstreams.demo", &url));
    converse(&mut WebSocket::open(&opening(&gate)));
}

#[test]
fn the_handshake_goes_through_with_what_the_two_agree_on() {
    let echo = Echo::start();
    let gate = Tollgate::start(&config(&echo));
    let request = opening(&gate)
        .header("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
        .header("Sec-WebSocket-Protocol", "chat, superchat")
        .header("Origin", "https://shop.example");
    drop(WebSocket::open(&request));
    let [asked] = &echo.asked()[..] else { panic!("{:?}", echo.asked()) };
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ("sec-websocket-protocol", "chat, superchat"),
        ("origin", "https://shop.example"),
        ("x-tollgate-application", "acme"),
    ] {
        assert_eq!(asked.all(name), [value], "{name}");
    }
    assert!(!asked.has("x-api-key"), "{asked:?}");
}

#[test]
fn a_refusal_is_an_ordinary_answer_and_the_connection_goes_on() {
    let echo = Echo::start();
    let gate = Tollgate::start(&config(&echo));
    let handshake = opening(&gate)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let unkeyed =
        gate.get("/orders").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let mut connection = Http1::connect(gate.data());
    connection.ask(unkeyed.bytes()).refused(401, "key_missing");
    connection.ask(gate.get("/nowhere").bytes()).refused(404, "route_not_found");
    connection.write(&handshake);
    let switched = connection.try_read().unwrap().unwrap();
    assert_eq!(switched.status, 101);
    assert_eq!(switched.header("upgrade"), Some("websocket"));
    assert_eq!(switched.header("connection"), Some("upgrade"));
    assert_eq!(switched.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

#[test]
fn a_tunnel_is_logged_and_counted_with_its_bytes() {
    let echo = Echo::start();
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("access.log");
    let logged = config(&echo).section("access_log", &format!("path = \"{}\"", log.display()));
    let gate = Tollgate::start(&logged);
    let mut socket = WebSocket::open(&opening(&gate));
    socket.echoes(&Message::binary(vec![1; 1000]));
    gate.wait_for("the tunnel to be told of", |metrics| {
        let bytes =
            |direction| metrics.sum("tollgate_tunnel_bytes_total", &[("direction", direction)]);
        metrics.sum("tollgate_tunnels", &[]) == 1.0
            && metrics.sum("tollgate_streams", &[]) == 1.0
            && (bytes("from_client"), bytes("to_client")) == (1008.0, 1004.0)
    });
    socket.send(close(1000, ""));
    assert_eq!(socket.closed(), 1000);
    gate.wait_for("its end", |metrics| {
        metrics.sum("tollgate_tunnels", &[]) == 0.0
            && metrics.sum("tollgate_requests_total", &[("service", "orders"), ("status", "1xx")])
                == 1.0
    });
    let line = crate::support::wait_for("a line", || {
        let text = std::fs::read_to_string(&log).ok()?;
        text.lines().next().map(str::to_owned)
    });
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let told = |name: &str| line[name].clone();
    assert_eq!(told("status"), 101, "{line}");
    assert_eq!(
        (told("request_bytes"), told("response_bytes")),
        (1016.into(), 1008.into()),
        "{line}"
    );
    assert_eq!((told("complete"), told("refusal")), (true.into(), ().into()), "{line}");
    assert_eq!(told("key"), "acme-1", "{line}");
}
