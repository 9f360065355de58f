//! What a client of HTTP/2 can flood a server with: each is ended, and nobody else notices.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};

use crate::support::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, NO_TABLE, PING, POST,
    PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, adding, at_once, beginning, frame, get, streams,
};
use crate::support::{Answer, Config, Connection, Door, Http2, Origin, Tollgate, tcp};

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
fn who_has_needed_much_is_asked_to_go_where_connections_have_no_room() {
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

/// The streams that were answered to their end.
fn answered(mut frames: &[u8]) -> Vec<u32> {
    let mut ended = Vec::new();
    while let [a, b, c, kind, flags, stream @ ..] = frames {
        let Some((stream, rest)) = stream.split_first_chunk() else { break };
        if matches!(*kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            ended.push(u32::from_be_bytes(*stream));
        }
        frames = rest.get(u32::from_be_bytes([0, *a, *b, *c]) as usize..).unwrap_or_default();
    }
    ended
}

#[test]
fn the_last_requests_of_who_is_asked_to_go_may_take_ten_seconds() {
    let door = Door::shut();
    let shut = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/soon" | "/orders/late" => Answer::status(200).wait(&shut).then("ok"),
        _ => Answer::ok("ok"),
    });
    let process = "workers = 1\nidle_room_bytes = 4096";
    let gate = Tollgate::start(&Config::new(&origin).section("process", process));
    let retired =
        || gate.metrics().sum("tollgate_connections_refused_total", &[("reason", "idle_room")]);
    for (count, path, opens) in [(1.0, "/orders/late", false), (2.0, "/orders/soon", true)] {
        let mut line = tcp(gate.data()).unwrap();
        let mut reader = line.try_clone().unwrap();
        // As many at once as there may be, of which one goes on.
        let others: Vec<u32> = streams().skip(1).take(99).collect();
        line.write_all(&[beginning(), get(1, path), at_once(&others)].concat()).unwrap();
        let read = std::thread::spawn(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| ()).or_else(|error| match error.kind() {
                ErrorKind::ConnectionReset => Ok(()),
                _ => Err(error),
            })?;
            Ok::<_, std::io::Error>(read)
        });
        gate.wait_for("a connection that is asked to go", |_| retired() == count);
        if opens {
            door.open();
        }
        let read = read.join().unwrap().unwrap();
        let answered = answered(&read);
        assert_eq!(answered.len(), if opens { 100 } else { 99 }, "{path}");
        assert_eq!(answered.contains(&1), opens, "{path}");
    }
}
