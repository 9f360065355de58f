//! What comes to a TLS port and is no TLS.

use std::io::{Read, Write};

use crate::support::tcp;

use super::House;

#[test]
fn a_plain_request_gets_an_alert() {
    let (house, _origin) = House::new().start();
    let mut stream = tcp(house.gate.data()).unwrap();
    stream.write_all(&house.gate.get("/orders").key("demo").bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // An alert, fatal.
    assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
    house.wait_for_failures("malformed", 1.0);
    house.admits(&house.client());
}

#[test]
fn a_handshake_that_does_not_end_is_ended() {
    let listener = "handshake_timeout = \"200ms\"";
    let (house, _origin) = House::new().tls(listener).start();
    // The first bytes of a ClientHello, or none.
    for begin in [&b"\x16\x03\x01\x02\x00\x01"[..], b""] {
        let mut stream = tcp(house.gate.data()).unwrap();
        stream.write_all(begin).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        assert!(answer.is_empty(), "{answer:?}");
    }
    house.wait_for_failures("timeout", 2.0);
    house.gate.wait_for("no connection", |metrics| metrics.sum("tollgate_connections", &[]) == 0.0);
    house.admits(&house.client());
}

#[test]
fn a_client_that_goes_away_half_way_is_counted() {
    let (house, _origin) = House::new().start();
    let mut stream = tcp(house.gate.data()).unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    drop(stream);
    house.wait_for_failures("closed", 1.0);
}

#[test]
fn handshakes_count_as_connections() {
    let public = "address = \"127.0.0.1:0\"\nmax_connections = 2";
    let (house, _origin) = House::new().section("listeners.public", public).start();
    let half = [(); 2].map(|()| tcp(house.gate.data()).unwrap());
    let open = |metrics: &crate::support::Metrics| metrics.sum("tollgate_connections", &[]);
    house.gate.wait_for("two connections", |metrics| open(metrics) == 2.0);
    let mut third = tcp(house.gate.data()).unwrap();
    let ended = third.read(&mut [0]);
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    drop(half);
    house.gate.wait_for("no connection", |metrics| open(metrics) == 0.0);
    house.admits(&house.client());
}

#[test]
fn garbage_of_every_length_ends_no_listener() {
    let (house, _origin) = House::new().start();
    for length in [1, 5, 6, 100, 20_000] {
        let garbage: Vec<u8> = (0..length).map(|at| (at * 7 + 3) as u8).collect();
        let mut stream = tcp(house.gate.data()).unwrap();
        stream.write_all(&garbage).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        stream.read_to_end(&mut Vec::new()).ok();
    }
    house.admits(&house.client());
}
