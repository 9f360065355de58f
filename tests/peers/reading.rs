//! Who reads a response too slowly is ended; who has nothing to read, or pauses for a while, is not.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use super::limits::{house, turned_away};
use crate::support::frames::{
    DATA, END_STREAM, Frame, HEADERS, RST_STREAM, WINDOW_UPDATE, beginning, frame, get, read_frame,
};
use crate::support::{Answer, Door, Http2, Origin, Tollgate, tcp};

const ONE: &str = "data: one\n\n";
const TWO: &str = "data: two\n\n";

/// Reads frames until one of this stream ends it; which kind that was.
fn read_to_the_end(line: &mut TcpStream, stream: u32) -> u8 {
    loop {
        let Frame { kind, flags, stream: of, .. } = read_frame(line).unwrap();
        let ends = match kind {
            RST_STREAM => true,
            DATA | HEADERS => flags & END_STREAM != 0,
            _ => false,
        };
        if ends && of == stream {
            return kind;
        }
    }
}

#[test]
fn a_connection_that_is_read_too_slowly_is_ended() {
    const LENGTH: usize = 64 << 20;
    let origin = Origin::answering(|_| Answer::ok(&"x".repeat(LENGTH)));
    let listener = "write_timeout = \"2s\"\nmin_response_rate = \"1GiB\"";
    let gate = Tollgate::start(&house(&origin, listener));
    let mut slow = tcp(gate.data()).unwrap();
    slow.write_all(&gate.get("/orders").key("demo").bytes()).unwrap();
    // Something is read all the while.
    let (mut room, mut read) = (vec![0; 64 << 10], 0);
    let ended = loop {
        match slow.read(&mut room) {
            Ok(0) => break None,
            Ok(length) => read += length,
            Err(error) => break Some(error.kind()),
        }
        sleep(Duration::from_millis(20));
    };
    assert!(read < LENGTH, "{read}");
    assert_eq!(ended, Some(ErrorKind::ConnectionReset));
    gate.wait_for("the end", |metrics| turned_away(metrics, "min_response_rate") == 1.0);
    assert_eq!(turned_away(&gate.metrics(), "write_timeout"), 0.0);
    gate.wait_for("no request", |metrics| metrics.sum("tollgate_streams", &[]) == 0.0);
}

#[test]
fn a_stream_that_is_read_too_slowly_is_reset_and_others_go_on() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/large" => Answer::ok(&"x".repeat(1 << 20)),
        "/orders/events" => Answer::ok(ONE).chunked().wait(&behind).then(TWO),
        _ => Answer::ok("ok"),
    });
    let listener = "write_timeout = \"1s\"\nmin_response_rate = \"64KiB\"";
    let gate = Tollgate::start(&house(&origin, listener));
    // These read whatever there is.
    let events = gate.get("/orders/events").key("demo");
    let beside = Http2::connect(gate.data());
    let (mut in_one, mut in_two) = (events.start(), beside.pieces(&events));
    in_one.reads_until(ONE);
    in_two.reads_until(ONE);

    let began = Instant::now();
    let mut line = tcp(gate.data()).unwrap();
    line.write_all(&[beginning(), get(1, "/orders/large")].concat()).unwrap();
    let mut drip = line.try_clone().unwrap();
    let dripping = thread::spawn(move || {
        // A byte now and then is no rate.
        for _ in 0..60 {
            drip.write_all(&frame(WINDOW_UPDATE, 0, 1, &1u32.to_be_bytes())).unwrap();
            sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(read_to_the_end(&mut line, 1), RST_STREAM);
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    line.write_all(&frame(WINDOW_UPDATE, 0, 0, &(1u32 << 20).to_be_bytes())).unwrap();
    line.write_all(&get(3, "/orders/small")).unwrap();
    assert_ne!(read_to_the_end(&mut line, 3), RST_STREAM);
    dripping.join().unwrap();
    let metrics = gate.metrics();
    let reason = [("reason", "min_response_rate")];
    assert_eq!(metrics.sum("tollgate_http2_streams_refused_total", &reason), 1.0);
    assert_eq!(metrics.sum("tollgate_connections_refused_total", &[]), 0.0);
    assert_eq!(metrics.sum("tollgate_upstream_failures_total", &[]), 0.0);
    door.open();
    in_one.reads_until(TWO);
    in_two.reads_until(TWO);
}

#[test]
fn who_pauses_for_longer_than_the_upstream_may_gets_everything() {
    const LENGTH: usize = 32 << 20;
    let origin = Origin::answering(|_| Answer::ok(&"x".repeat(LENGTH)));
    let upstream = format!("url = \"http://{}\"\nidle_timeout = \"500ms\"", origin.address());
    let gate = Tollgate::start(&house(&origin, "").section("upstreams.demo", &upstream));
    let request = gate.get("/orders").key("demo");
    let mut in_one = request.start();
    let connection = Http2::connect(gate.data());
    let mut in_two = connection.pieces(&request);
    sleep(Duration::from_millis(1500));
    assert_eq!(in_one.read().body.len(), LENGTH);
    assert!(!in_two.breaks_off());
}
