//! What connections of HTTP/2 go on holding that have carried much.

use std::io::Write;

use crate::support::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, HEADERS, NO_TABLE, POST, SETTINGS, WINDOW_UPDATE, adding,
    at_once, beginning, frame, get, streams,
};
use crate::support::{Answer, Authority, Config, Origin, TlsClient, Tollgate, tcp, wait_for};

use super::{BODY, CONNECTION, Line, SCATTERED, assert_within, read_response, settle, with_tls};

/// Long heads of many requests, whose answers differ.
fn use_often(line: &mut dyn Line) {
    line.write_all(&[beginning(), frame(SETTINGS, ACK, 0, &[])].concat()).unwrap();
    for stream in streams().take(60) {
        let fields = [NO_TABLE, &adding(3000)].concat();
        line.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields)).unwrap();
        read_response(line);
    }
}

#[test]
fn connections_that_were_used_often_cost_no_more() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let open = || {
        let mut line = tcp(gate.data()).unwrap();
        use_often(&mut line);
        line
    };
    let mut held: Vec<_> = (0..50).map(|_| open()).collect();
    let before = gate.memory();
    held.extend((0..300).map(|_| open()));
    assert_within("idle HTTP/2, often used", &gate, before, 300 * CONNECTION + (SCATTERED >> 2));
}

/// Has a connection carry as much as one can: long heads and fields for a table, a hundred streams at once, and
/// bodies that nobody wants.
fn use_hard(line: &mut dyn Line) {
    let send = |line: &mut dyn Line, bytes: &[u8]| line.write_all(bytes).unwrap();
    send(line, &[beginning(), frame(SETTINGS, ACK, 0, &[])].concat());
    let mut numbers = streams();
    for _ in 0..30 {
        let fields = [NO_TABLE, &adding(12_000)].concat();
        let stream = numbers.next().unwrap();
        send(line, &frame(HEADERS, END_HEADERS | END_STREAM, stream, &fields));
        read_response(line);
    }
    for _ in 0..10 {
        let stream = numbers.next().unwrap();
        send(line, &frame(HEADERS, END_HEADERS, stream, POST));
        send(line, &frame(DATA, END_STREAM, stream, &[b'x'; 16 << 10]));
        read_response(line);
    }
    send(line, &frame(WINDOW_UPDATE, 0, 0, &100_000_u32.to_be_bytes()));
    use_at_once(line, &numbers.take(100).collect::<Vec<_>>());
}

/// Has these streams open at once.
fn use_at_once(line: &mut dyn Line, streams: &[u32]) {
    line.write_all(&at_once(streams)).unwrap();
    streams.iter().for_each(|_| read_response(line));
}

#[test]
fn idle_connections_cost_little_whatever_they_have_carried() {
    const HELD: u64 = 200;
    const ROOM: u64 = 2 << 20;
    let origin = Origin::start();
    let authority = Authority::new();
    let process = format!("workers = 2\nidle_room_bytes = {ROOM}");
    let gate = with_tls(Config::new(&origin).section("process", &process), &authority);
    let client = TlsClient::new(&authority).offering(&["h2"]);
    let open = |_| {
        let mut line = client.connect(gate.data(), "localhost");
        use_hard(&mut line);
        line
    };
    let count = || gate.metrics().sum("tollgate_connections", &[("listener", "public")]) as u64;
    // What there is once, however many there are. What they have left behind goes back to the system later.
    let fresh = gate.memory();
    drop((0..HELD).map(open).collect::<Vec<_>>());
    wait_for("no connection", || (count() == 0).then_some(()));
    wait_for("freed memory", || (gate.memory() < fresh + (12 << 20)).then_some(()));
    let before = gate.memory();
    let held: Vec<_> = (0..HELD).map(open).collect();
    wait_for("less memory", || {
        let bound = before + count() * CONNECTION + ROOM + 2 * SCATTERED;
        (gate.memory() <= bound).then_some(())
    });
    let left = count();
    let gone = gate.metrics().sum("tollgate_connections_refused_total", &[("reason", "idle_room")]);
    assert!(left > 0, "all have gone");
    assert!(gone as u64 >= HELD - left, "{gone} were asked to go, {left} are left");
    drop(held);
}

/// Connections that have had so many streams at once, with a response that nobody reads or with nothing.
fn used_at_once(count: usize, busy: bool) {
    const HELD: u64 = 200;
    let origin = Origin::answering(|request| match request.target() {
        "/orders/long" => Answer::ok(&"x".repeat(1 << 20)),
        _ => Answer::ok("ok"),
    });
    let authority = Authority::new();
    let gate = with_tls(Config::new(&origin), &authority);
    let client = TlsClient::new(&authority).offering(&["h2"]);
    let open = || {
        let mut line = client.connect(gate.data(), "localhost");
        line.write_all(&beginning()).unwrap();
        let mut numbers = streams();
        use_at_once(&mut line, &numbers.by_ref().take(count).collect::<Vec<_>>());
        if busy {
            line.write_all(&get(numbers.next().unwrap(), "/orders/long")).unwrap();
        }
        line
    };
    let mut held: Vec<_> = (0..10).map(|_| open()).collect();
    let before = gate.memory();
    held.extend((0..HELD).map(|_| open()));
    gate.wait_for("a body of each, or none", |metrics| {
        metrics.sum("tollgate_streams", &[]) == if busy { held.len() as f64 } else { 0.0 }
    });
    settle(&gate);
    let told = gate.metrics().sum("tollgate_idle_room_bytes", &[]) as u64;
    // Each body has a connection to the upstream.
    let bodies = if busy { HELD * (CONNECTION + BODY) } else { 0 };
    let what = format!("busy {busy}, {count} at once");
    assert_within(&what, &gate, before, HELD * CONNECTION + bodies + told + (SCATTERED >> 2));
}

#[test]
fn what_connections_hold_beyond_is_told() {
    for count in [64, 100] {
        used_at_once(count, false);
        used_at_once(count, true);
    }
}
