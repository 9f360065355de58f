use rustix::process::Signal;

use crate::support::{Http2, TlsClient, wait_for};

use super::{HOST, House};

#[test]
fn the_minimum_version_is_held() {
    let (house, _origin) = House::new().start();
    house.admits(&TlsClient::with_tls12_only(&house.authority));
    house.admits(&TlsClient::with_tls13_only(&house.authority));
    let (house, _origin) = House::new().tls("minimum_version = \"1.3\"").start();
    house.admits(&TlsClient::with_tls13_only(&house.authority));
    let old = TlsClient::with_tls12_only(&house.authority);
    let refused = old.try_connect(house.gate.data(), HOST).unwrap_err();
    assert!(refused.to_string().contains("ProtocolVersion"), "{refused}");
    house.wait_for_failures("incompatible", 1.0);
}

#[test]
fn the_version_of_http_is_agreed_upon() {
    let (house, origin) = House::new().start();
    let address = house.gate.data();
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1", "h2"], Some(b"h2")),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let connection = house.connect(&house.client().offering(offered));
        assert_eq!(connection.conn.alpn_protocol(), agreed, "{offered:?}");
    }
    let mut connection = Http2::connect_tls(address, &house.client().offering(&["h2"]), HOST);
    house.gate.get("/orders").key("demo").over(&mut connection).admitted();
    house.admits(&house.client().offering(&["http/1.1"]));
    assert_eq!(origin.requests().len(), 2);
    let neither = house.client().offering(&["spdy/3"]);
    assert!(neither.try_connect(address, HOST).is_err());
    house.wait_for_failures("incompatible", 1.0);
}

#[test]
fn without_alpn_nobody_guesses_at_http2() {
    let (house, _origin) = House::new().start();
    let mut connection = house.client().http1(house.gate.data(), HOST);
    connection.write_bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let answer = connection.rest();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn a_listener_without_http2_does_not_offer_it() {
    let public = "address = \"127.0.0.1:0\"\nhttp2 = false";
    let (house, _origin) = House::new().section("listeners.public", public).start();
    let connection = house.connect(&house.client().offering(&["h2", "http/1.1"]));
    assert_eq!(connection.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let only = house.client().offering(&["h2"]);
    assert!(only.try_connect(house.gate.data(), HOST).is_err());
}

#[test]
fn a_session_goes_on_at_every_worker_with_both_versions() {
    let process = "workers = 4";
    let (house, _origin) = House::new().section("process", process).start();
    let clients = [
        TlsClient::with_tls12_only(&house.authority),
        TlsClient::with_tls13_only(&house.authority),
    ];
    for client in &clients {
        house.admits(client);
    }
    let full = house.handshakes("full");
    assert_eq!(full, 2.0);
    // The kernel spreads them over the workers.
    for _ in 0..16 {
        clients.iter().for_each(|client| house.admits(client));
    }
    assert_eq!(house.handshakes("full"), full);
    assert_eq!(house.handshakes("resumed"), 32.0);
}

#[test]
fn the_end_of_the_process_is_an_end_in_good_order() {
    let (mut house, _origin) = House::new().start();
    let mut used = house.client().http1(house.gate.data(), HOST);
    house.gate.get("/orders").key("demo").over(&mut used).admitted();
    let mut unused = house.client().http1(house.gate.data(), HOST);
    wait_for("both connections", || {
        (house.gate.metrics().sum("tollgate_tls_handshakes_total", &[]) == 2.0).then_some(())
    });
    house.gate.signal(Signal::TERM);
    // A connection cut off would be an error to the client.
    assert!(used.ends());
    assert!(unused.ends());
    assert_eq!(house.gate.exit_code(), 0);
}

#[test]
fn the_access_log_tells_the_version() {
    let house = House::new().section("access_log", "path = \"access.log\"");
    let (house, _origin) = house.start();
    house.admits(&TlsClient::with_tls12_only(&house.authority));
    house.admits(&TlsClient::with_tls13_only(&house.authority));
    let log = house.gate.folder().join("access.log");
    let lines = wait_for("two lines", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        (text.lines().count() == 2).then_some(text)
    });
    let version =
        |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["tls_version"].clone();
    let mut versions: Vec<_> =
        lines.lines().map(version).map(|version| version.to_string()).collect();
    // Each worker writes when it comes to it.
    versions.sort();
    assert_eq!(versions, ["\"1.2\"", "\"1.3\""]);
}
