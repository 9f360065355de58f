//! What a client of HTTP/2 can flood a server with: each is ended, and nobody else notices.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

use crate::support::{Config, Connection, Http2, Origin, Tollgate, tcp};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET / HTTP/2` of `a`, by the static table (RFC 7541 §A).
const GET: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];
/// The same as a POST.
const POST: &[u8] = &[0x83, 0x86, 0x84, 0x41, 1, b'a'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The odd numbers of streams.
fn streams() -> impl Iterator<Item = u32> {
    (1..).step_by(2)
}

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
    let begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&begin).unwrap();
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
    let mut bystander = Http2::connect(gate.data());
    for (name, frames, reasons) in [
        ("rapid reset", streams().take(300).flat_map(rapid).collect(), &["resets"][..]),
        ("MadeYouReset", streams().take(300).flat_map(made).collect(), &["enhance_your_calm"]),
        ("ping", many(frame(PING, 0, 0, &[0; 8])), &["control_frames"]),
        ("settings", many(frame(SETTINGS, 0, 0, &[])), &["control_frames"]),
        ("priority", many(frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 0])), &["control_frames"]),
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
    assert_eq!(all, 8.0);
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
