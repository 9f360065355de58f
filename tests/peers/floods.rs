//! What a client of HTTP/2 can flood a server with: each is ended, and nobody else notices.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

use crate::support::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, NO_TABLE, PING, POST,
    PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, adding, beginning, frame, streams,
};
use crate::support::{Config, Connection, Http2, Origin, Tollgate, tcp};

/// Sends all of it to a connection of its own, and reads on until that is closed. What was read.
fn flood(address: SocketAddr, frames: &[u8]) -> Vec<u8> {
    let mut stream = tcp(address).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let read = std::thread::spawn(move || {
        let mut read = Vec::new();
        // What came before a reset is kept.
        reader.read_to_end(&mut read).ok();
        read
    });
    stream.write_all(&beginning()).unwrap();
    // It is closed in the midst of it.
    stream.write_all(frames).ok();
    stream.shutdown(Shutdown::Write).ok();
    read.join().unwrap()
}

#[test]
fn every_flood_is_ended_and_counted() {
    let origin = Origin::start();
    let listener = "address = \"127.0.0.1:0\"\nmax_resets = 50\nmax_control_frames = 1000";
    let gate = Tollgate::start(&Config::new(&origin).section("listeners.public", listener));
    let headers = |stream, flags, fields: &[u8]| frame(HEADERS, flags, stream, fields);
    let open = headers(1, END_HEADERS, POST);
    let rapid = |stream| {
        let reset = frame(RST_STREAM, 0, stream, &8u32.to_be_bytes());
        [headers(stream, END_HEADERS | END_STREAM, GET), reset].concat()
    };
    // A window that grows beyond all bounds is a mistake for which the stream is reset by us.
    let made = |stream| {
        let too_wide = frame(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes());
        [headers(stream, END_HEADERS, POST), too_wide].concat()
    };
    let many = |frame: Vec<u8>| frame.repeat(3000);
    let begun = headers(1, 0, GET);
    // A field that is added to the table keeps all that it was read with.
    let adding = |stream| headers(stream, END_HEADERS | END_STREAM, &adding(12_000));
    let agreed = frame(SETTINGS, ACK, 0, &[]);
    let mut bystander = Http2::connect(gate.data());
    for (name, frames, reasons) in [
        ("rapid reset", streams().take(300).flat_map(rapid).collect(), &["resets"][..]),
        ("MadeYouReset", streams().take(300).flat_map(made).collect(), &["enhance_your_calm"]),
        ("ping", many(frame(PING, 0, 0, &[0; 8])), &["control_frames"]),
        ("settings", many(frame(SETTINGS, 0, 0, &[])), &["control_frames"]),
        ("priority", many(frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 0])), &["control_frames"]),
        ("window update", many(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])), &["control_frames"]),
        ("unknown", many(frame(0xbe, 0, 0, &[])), &["control_frames"]),
        // Two bounds hold; which is met first is a matter of how much is read at once.
        (
            "continuation",
            [begun, many(frame(CONTINUATION, 0, 1, &[]))].concat(),
            &["enhance_your_calm", "control_frames"],
        ),
        (
            "empty data",
            [open, many(frame(DATA, 0, 1, &[]))].concat(),
            &["enhance_your_calm", "control_frames"],
        ),
        ("table", streams().take(300).flat_map(adding).collect(), &["header_table"]),
        ("table in spite of all", [agreed, adding(1)].concat(), &["header_table"]),
    ] {
        let count = || -> f64 {
            let metrics = gate.metrics();
            let of = |reason: &&str| {
                metrics.sum("tollgate_connections_refused_total", &[("reason", reason)])
            };
            reasons.iter().map(of).sum()
        };
        let before = count();
        flood(gate.data(), &frames);
        gate.wait_for(name, |_| count() == before + 1.0);
        bystander.send(&gate.get("/orders").key("demo")).admitted();
    }
    let all = gate.metrics().sum("tollgate_connections_refused_total", &[]);
    assert_eq!(all, 11.0);
}

#[test]
fn a_busy_client_is_no_flood() {
    let origin = Origin::start();
    let listener = "address = \"127.0.0.1:0\"\nmax_resets = 1\nmax_control_frames = 20";
    let gate = Tollgate::start(&Config::new(&origin).section("listeners.public", listener));
    let mut client = Http2::connect(gate.data());
    let body = "x".repeat(200_000);
    for _ in 0..50 {
        client.send(&gate.request("POST", "/orders").key("demo").body(&body)).admitted();
    }
    assert_eq!(gate.metrics().sum("tollgate_connections_refused_total", &[]), 0.0);
}

#[test]
fn who_has_needed_much_is_asked_to_go_where_idle_connections_have_no_room() {
    let origin = Origin::start();
    let process = "workers = 1\nidle_room_bytes = 4096";
    let gate = Tollgate::start(&Config::new(&origin).section("process", process));
    let mut little = Http2::connect(gate.data());
    little.send(&gate.get("/orders").key("demo")).admitted();
    let mut much = tcp(gate.data()).unwrap();
    let head = [NO_TABLE, &adding(12_000)].concat();
    let head = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head);
    much.write_all(&[beginning(), frame(SETTINGS, ACK, 0, &[]), head].concat()).unwrap();
    let mut read = Vec::new();
    // It does not answer, and is not waited for.
    much.read_to_end(&mut read).unwrap();
    let told = frame(GOAWAY, 0, 0, &[&0x7fff_ffff_u32.to_be_bytes()[..], &[0; 4]].concat());
    assert!(read.windows(told.len()).any(|bytes| bytes == told), "{read:?}");
    let reasons =
        gate.metrics().sum("tollgate_connections_refused_total", &[("reason", "idle_room")]);
    assert_eq!(reasons, 1.0);
    little.send(&gate.get("/orders").key("demo")).admitted();
}
