use std::time::{Duration, Instant};

use crate::support::{
    Answer, Config, Connection, Http1, Http2, Metrics, Origin, Tollgate, wait_for,
};

pub(super) fn house(origin: &Origin, listener: &str) -> Config {
    let listener = format!("address = \"127.0.0.1:0\"\n{listener}");
    Config::new(origin).section("listeners.public", &listener)
}

pub(super) fn turned_away(metrics: &Metrics, reason: &str) -> f64 {
    metrics.sum("tollgate_connections_refused_total", &[("reason", reason)])
}

#[test]
fn a_source_has_no_more_connections_than_it_may() {
    let origin = Origin::start();
    let listener = "max_connections_per_source = 3\ntrusted_proxies = [\"127.0.0.9/32\"]";
    let gate = Tollgate::start(&house(&origin, listener).section("process", "workers = 4"));
    let call = gate.get("/orders").key("demo");
    let connect = |source: u8| {
        let mut connection = Http1::connect_from([127, 0, 0, source], gate.data());
        connection.send(&call).admitted();
        connection
    };
    let mut held: Vec<_> = (0..3).map(|_| connect(2)).collect();
    let mut one_too_many = Http1::connect_from([127, 0, 0, 2], gate.data());
    one_too_many.write(&call);
    assert!(one_too_many.ends());
    assert_eq!(turned_away(&gate.metrics(), "max_connections_per_source"), 1.0);
    // Others do not notice, and those that are open go on.
    let _other = connect(3);
    held[0].send(&call).admitted();
    let _proxies: Vec<_> = (0..5).map(|_| connect(9)).collect();
    held.pop();
    let open = |metrics: &Metrics| metrics.sum("tollgate_connections", &[]);
    gate.wait_for("the end of one", |metrics| open(metrics) == 8.0);
    connect(2);
    assert_eq!(turned_away(&gate.metrics(), "max_connections_per_source"), 1.0);
}

#[test]
fn heads_that_do_not_come_are_counted() {
    let origin = Origin::start();
    for listener in ["", "http2 = false"] {
        let gate = Tollgate::start(&house(
            &origin,
            &format!("{listener}\nheader_timeout = \"200ms\"\nidle_timeout = \"100ms\""),
        ));
        for begin in ["", "GET /orders HT", "GET /orders HTTP/1.1\r\nHost: a\r\n"] {
            let mut connection = Http1::connect(gate.data());
            connection.write_bytes(begin);
            assert!(connection.ends(), "{begin}");
        }
        gate.wait_for("timeouts", |metrics| turned_away(metrics, "header_timeout") == 3.0);
        // Nobody minds who was idle.
        let mut idle = Http1::connect(gate.data());
        idle.send(&gate.get("/orders").key("demo")).admitted();
        assert!(idle.ends());
        assert_eq!(gate.metrics().sum("tollgate_connections_refused_total", &[]), 3.0);
    }
}

#[test]
fn who_does_not_read_is_ended() {
    let origin = Origin::answering(|_| Answer::ok(&"x".repeat(32 << 20)));
    let gate = Tollgate::start(&house(&origin, "write_timeout = \"500ms\""));
    let mut deaf = Http1::connect(gate.data());
    deaf.write(&gate.get("/orders").key("demo"));
    gate.wait_for("the timeout", |metrics| turned_away(metrics, "write_timeout") == 1.0);
    gate.wait_for("no connection", |metrics| metrics.sum("tollgate_connections", &[]) == 0.0);
    assert!(deaf.rest().len() < 32 << 20);
    // Who reads gets it all, however long it takes.
    gate.get("/orders").key("demo").send().admitted();
    assert_eq!(turned_away(&gate.metrics(), "write_timeout"), 1.0);
}

#[test]
fn a_body_comes_at_its_rate_or_is_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, "min_body_rate = \"1KiB\""));
    let head =
        "POST /orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\nContent-Length: 100000\r\n\r\n";
    let mut slow = Http1::connect(gate.data());
    let began = Instant::now();
    slow.write_bytes(head);
    let drips = std::thread::spawn({
        let mut drip = Http1::connect(gate.data());
        move || {
            drip.write_bytes(head);
            // A byte now and then is no rate.
            for _ in 0..50 {
                drip.write_bytes("x");
                std::thread::sleep(Duration::from_millis(200));
            }
            drip.rest()
        }
    });
    slow.read().refused(408, "request_timeout");
    let took = began.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(9)).contains(&took), "{took:?}");
    let dripped = drips.join().unwrap();
    assert!(dripped.is_empty() || dripped.starts_with("HTTP/1.1 408"), "{dripped}");
    assert_eq!(gate.metrics().refusals("request_timeout"), 2.0);
    let body = "x".repeat(100_000);
    gate.request("POST", "/orders").key("demo").body(&body).send().admitted();
}

#[test]
fn an_old_connection_takes_no_new_request_and_loses_none() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, "max_age = \"500ms\""));
    let call = gate.get("/orders").key("demo");
    let mut connection = Http1::connect(gate.data());
    let first = connection.send(&call).admitted();
    assert_eq!(first.header("connection"), None);
    wait_for("the last response", || {
        let last = connection.send(&call).admitted();
        (last.header("connection") == Some("close")).then_some(())
    });
    assert!(connection.ends());
    // A refusal says so, too.
    let mut refused = Http1::connect(gate.data());
    wait_for("the last refusal", || {
        let last = refused.send(&gate.get("/orders"));
        (last.header("connection") == Some("close")).then_some(())
    });
    let mut streams = Http2::connect(gate.data());
    let mut admitted = 0;
    wait_for("the end of the connection", || {
        if streams.is_open() {
            streams.send(&call).admitted();
            admitted += 1;
        }
        (!streams.is_open()).then_some(())
    });
    assert!(admitted > 1);
}
