use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::{fs, io::Write};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Authority, Config, Connection, Http1, Http2, Origin, TlsClient, Tollgate, tcp, wait_for,
};

const LISTENER: &str = "address = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.1/32\"]\n\
                        proxy_protocol = \"required\"\nheader_timeout = \"300ms\"";

const HOME: [u8; 4] = [192, 0, 2, 7];
const AWAY: [u8; 4] = [198, 51, 100, 7];

/// The key works from 192.0.2.0/24 and from nowhere else.
fn house(origin: &Origin) -> Config {
    Config::new(origin)
        .section("listeners.public", LISTENER)
        .section("access_log", "path = \"access.log\"")
        .section("strangers", "rate = 1\nburst = 3")
        .key("acme-1", "demo", "allowed_sources = [\"192.0.2.0/24\"]")
}

pub(super) fn v1(client: [u8; 4]) -> Vec<u8> {
    format!("PROXY TCP4 {} 192.0.2.1 12345 80\r\n", Ipv4Addr::from(client)).into_bytes()
}

/// A header of version 2, with a field behind the addresses.
fn v2(command: u8, family: u8, client: &[u8]) -> Vec<u8> {
    let field = b"\x02\x00\x01h";
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([command, family, 0, u8::try_from(client.len() + 8 + field.len()).unwrap()]);
    header.extend(client);
    header.extend([192, 0, 2, 1, 0x30, 0x39, 0, 80]);
    header.extend(field);
    header
}

pub(super) fn v2_from(client: [u8; 4]) -> Vec<u8> {
    v2(0x21, 0x11, &client)
}

/// A connection that began with this.
fn after(first: &[u8], gate: &Tollgate) -> Http1 {
    let mut stream = tcp(gate.data()).unwrap();
    stream.write_all(first).unwrap();
    Http1::over(stream)
}

fn turned_away(gate: &Tollgate, reason: &str, count: f64) {
    gate.wait_for(reason, |metrics| {
        metrics.sum("tollgate_connections_refused_total", &[("reason", reason)]) == count
    });
}

#[test]
fn the_announced_client_decides_and_is_told_of() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let call = gate.get("/orders").key("demo");
    for header in [v1(HOME), v2_from(HOME)] {
        let mut connection = after(&header, &gate);
        connection.send(&call).admitted();
        connection.send(&call).admitted();
        Http2::connect_after(&header, gate.data()).send(&call).admitted();
    }
    for header in [v1(AWAY), v2_from(AWAY)] {
        after(&header, &gate).send(&call).refused(403, "source_not_allowed");
    }
    assert_eq!(origin.requests().len(), 6);
    for request in origin.requests() {
        assert_eq!(request.header("x-forwarded-for"), Some("192.0.2.7"));
    }
    let lines = wait_for("lines of the log", || {
        let text = fs::read_to_string(gate.folder().join("access.log")).unwrap_or_default();
        Some(text).filter(|text| text.lines().count() == 8)
    });
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let expected = if line["status"] == 200 { "192.0.2.7" } else { "198.51.100.7" };
        assert_eq!(line["client"], expected, "{line}");
    }
}

#[test]
fn guesses_stand_against_the_announced_client() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let guess = gate.get("/orders").key("guess");
    let mut guesser = after(&v1(AWAY), &gate);
    (0..3).for_each(|_| drop(guesser.send(&guess).refused(401, "key_rejected")));
    wait_for("a throttled answer", || (guesser.send(&guess).status == 429).then_some(()));
    after(&v1([198, 51, 100, 8]), &gate).send(&guess).refused(401, "key_rejected");
}

#[test]
fn whoever_has_no_address_comes_from_no_network() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin).key("acme-2", "anywhere", ""));
    let nobody = [b"PROXY UNKNOWN\r\n".to_vec(), v2(0x21, 0x00, &HOME)];
    // A health check of the proxy comes from the proxy.
    for header in nobody.iter().chain([&v2(0x20, 0x00, &HOME)]) {
        let mut connection = after(header, &gate);
        connection.send(&gate.get("/orders").key("demo")).refused(403, "source_not_allowed");
        connection.send(&gate.get("/orders").key("anywhere")).admitted();
    }
    let told = origin.requests();
    let told: Vec<_> = told.iter().map(|request| request.header("x-forwarded-for")).collect();
    assert_eq!(told, [None, None, Some("127.0.0.1")]);
}

#[test]
fn a_header_may_come_in_pieces() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let call = gate.get("/orders").key("demo");
    for header in [v1(HOME), v2_from(HOME)] {
        let mut stream = tcp(gate.data()).unwrap();
        for byte in header.iter().chain(&call.bytes()) {
            stream.write_all(&[*byte]).unwrap();
        }
        Http1::over(stream).read().admitted();
    }
}

#[test]
fn whatever_else_comes_is_closed_and_counted() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let call = gate.get("/orders").key("demo");
    let mut cut_short = v2_from(HOME);
    cut_short[15] = 5;
    for wrong in [call.bytes(), b"PROXY TCP4 a b 1 2\r\n".to_vec(), cut_short, vec![b'P'; 200]] {
        let mut connection = after(&wrong, &gate);
        connection.write(&call);
        assert!(connection.ends(), "{wrong:?}");
    }
    turned_away(&gate, "proxy_malformed", 4.0);
    assert!(after(b"PROXY TCP4 ", &gate).ends());
    assert!(after(b"", &gate).ends());
    turned_away(&gate, "proxy_timeout", 2.0);
    let mut stranger = Http1::connect_from([127, 0, 0, 2], gate.data());
    stranger.write_bytes([v1(HOME), call.bytes()].concat());
    assert!(stranger.ends());
    turned_away(&gate, "proxy_untrusted", 1.0);
    // One that goes away without a word is a look whether we are there.
    drop(after(b"", &gate));
    gate.wait_for("no connection", |metrics| metrics.sum("tollgate_connections", &[]) == 0.0);
    assert_eq!(gate.metrics().sum("tollgate_connections_refused_total", &[]), 7.0);
    assert!(origin.requests().is_empty());
}

#[test]
fn it_comes_before_tls() {
    let origin = Origin::start();
    let authority = Authority::new();
    let folder = TempDir::new().unwrap();
    authority.issue(&["localhost"]).write(folder.path(), "main");
    let certificate = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    let config = house(&origin)
        .section("listeners.public.tls.certificates.main", certificate)
        .service("path = \"/orders\"\nupstream = \"demo\"\ntls_required = true");
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    let client = TlsClient::new(&authority);
    let call = gate.get("/orders").key("demo");
    for header in [v1(HOME), v2_from(HOME)] {
        Http1::over(tls_after(&header, gate.data(), &client)).send(&call).admitted();
    }
    for request in origin.requests() {
        assert_eq!(request.header("x-forwarded-for"), Some("192.0.2.7"));
    }
    assert!(client.try_connect(gate.data(), "localhost").is_err());
    turned_away(&gate, "proxy_malformed", 1.0);
}

fn tls_after(
    first: &[u8],
    address: SocketAddr,
    client: &TlsClient,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut stream = tcp(address).unwrap();
    stream.write_all(first).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::clone(&client.config()), name).unwrap(), stream)
}
