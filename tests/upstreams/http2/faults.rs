//! Servers of HTTP/2 that fail in the middle of everything, frame by frame.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::support::frames::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, RST_STREAM, SETTINGS, frame, literal,
    read_frame,
};
use crate::support::{Connection, Http2, Origin, Tollgate, wait_for};
use crate::upstreams::gate;

const PUSH_PROMISE: u8 = 5;

/// How a connection goes on behind what was sent on a stream.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// To its end.
    Ends,
    /// By a reset.
    Resets,
    /// As if nothing were wrong.
    GoesOn,
}

use Then::{Ends, GoesOn, Resets};

/// What is sent on a stream whose request has begun.
struct Fault(&'static str, fn(u32) -> Vec<u8>, Then);

/// `:status: 200` of the static table (RFC 7541 §A), and more fields.
pub(super) fn ok(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    let more = fields.iter().flat_map(|(name, value)| literal(name, value));
    let block: Vec<u8> = [0x88].into_iter().chain(more).collect();
    frame(HEADERS, END_HEADERS, stream, &block)
}

pub(super) fn data(stream: u32, flags: u8, text: &str) -> Vec<u8> {
    frame(DATA, flags, stream, text.as_bytes())
}

/// Half a response, and what comes behind it.
fn half(stream: u32, behind: &[u8]) -> Vec<u8> {
    [&ok(stream, &[]), &data(stream, 0, "half")[..], behind].concat()
}

fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub(super) fn leave(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

fn status(stream: u32, value: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &literal(":status", value))
}

const FAULTS: &[Fault] = &[
    Fault("nothing, and an end", |_| Vec::new(), Ends),
    Fault("nothing, and a reset", |_| Vec::new(), Resets),
    Fault("nothing", |_| Vec::new(), GoesOn),
    Fault("another protocol", |_| b"HTTP/1.1 200 OK\r\n\r\nwhole".to_vec(), Ends),
    Fault("noise", |_| vec![0xff; 64], Ends),
    Fault("half a head", |stream| ok(stream, &[])[..5].to_vec(), Ends),
    Fault("a head that goes on", |stream| frame(HEADERS, 0, stream, &[0x88]), Ends),
    Fault("a head and an end", |stream| ok(stream, &[]), Ends),
    Fault("a head and silence", |stream| ok(stream, &[]), GoesOn),
    Fault("half a body and an end", |stream| half(stream, &[]), Ends),
    Fault("half a body and a reset", |stream| half(stream, &[]), Resets),
    Fault("half a body and silence", |stream| half(stream, &[]), GoesOn),
    Fault("half a frame", |stream| half(stream, &data(stream, END_STREAM, "the rest")[..12]), Ends),
    Fault("a stream reset at once", |stream| reset(stream, 2), GoesOn),
    Fault("a stream reset at once without an error", |stream| reset(stream, 0), GoesOn),
    Fault("a body cut off", |stream| half(stream, &reset(stream, 2)), GoesOn),
    Fault("a body cut off without an error", |stream| half(stream, &reset(stream, 0)), GoesOn),
    Fault("a body given up", |stream| half(stream, &reset(stream, 8)), GoesOn),
    Fault(
        "a body cut off in front of its trailers",
        |stream| {
            let trailers = frame(HEADERS, 0, stream, &literal("x-sum", "7"));
            half(stream, &trailers)
        },
        Ends,
    ),
    Fault("gone in a body", |stream| half(stream, &leave(stream, 0)), Ends),
    Fault("gone in a body, with an error", |stream| half(stream, &leave(stream, 2)), Ends),
    Fault("gone before it was there", |_| leave(0, 0), Ends),
    Fault(
        "less than its length",
        |stream| {
            [ok(stream, &[("content-length", "10")]), data(stream, END_STREAM, "half")].concat()
        },
        GoesOn,
    ),
    Fault(
        "more than its length",
        |stream| {
            [ok(stream, &[("content-length", "2")]), data(stream, END_STREAM, "half")].concat()
        },
        GoesOn,
    ),
    Fault(
        "two lengths",
        |stream| {
            let lengths = [("content-length", "4"), ("content-length", "5")];
            [ok(stream, &lengths), data(stream, END_STREAM, "half")].concat()
        },
        GoesOn,
    ),
    Fault("a body without a head", |stream| data(stream, END_STREAM, "whole"), GoesOn),
    Fault(
        "no status",
        |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &literal("x-a", "b")),
        GoesOn,
    ),
    Fault("a status that is none", |stream| status(stream, "abc"), GoesOn),
    Fault("a status with four digits", |stream| status(stream, "2000"), GoesOn),
    Fault("a switch of protocols", |stream| status(stream, "101"), GoesOn),
    Fault(
        "an index of no field",
        |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &[0xff, 0xff, 0x7f]),
        Ends,
    ),
    Fault(
        "a field with a line end",
        |stream| [ok(stream, &[("x-a", "b\r\nc: d")]), data(stream, END_STREAM, "whole")].concat(),
        GoesOn,
    ),
    Fault("a frame beyond the size", |stream| frame(DATA, 0, stream, &[0; 20_000]), Ends),
    Fault(
        "a promise",
        |stream| frame(PUSH_PROMISE, END_HEADERS, stream, &[0, 0, 0, 2, 0x82, 0x86, 0x84]),
        Ends,
    ),
];

/// What comes of requests: the fault of this number, or with none an answer in full.
type Current = Arc<AtomicUsize>;

fn serve(mut stream: TcpStream, current: &Current) -> std::io::Result<()> {
    stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    stream.read_exact(&mut [0; 24])?;
    loop {
        let Frame { kind, flags, stream: number, .. } = read_frame(&mut stream)?;
        match (kind, flags) {
            (SETTINGS, 0) => stream.write_all(&frame(SETTINGS, 1, 0, &[]))?,
            (HEADERS, _) => {
                let Some(Fault(_, say, then)) = FAULTS.get(current.load(SeqCst)) else {
                    let whole = [ok(number, &[]), data(number, END_STREAM, "whole")];
                    stream.write_all(&whole.concat())?;
                    continue;
                };
                stream.write_all(&say(number))?;
                match then {
                    GoesOn => {}
                    Ends => return Ok(()),
                    Resets => return SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
                }
            }
            _ => {}
        }
    }
}

fn faulty(current: &Current) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let current = Arc::clone(current);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let current = Arc::clone(&current);
            // What fails is the test's intention.
            std::thread::spawn(move || serve(stream, &current).ok());
        }
    });
    address
}

/// What a client takes for a whole answer: its status.
fn outcome(gate: &Tollgate, method: &str, http2: bool) -> Option<u16> {
    let request = gate.request(method, "/orders").key("demo").body("asked");
    if http2 {
        Http2::connect(gate.data()).start(&request).read().ok().map(|response| response.status)
    } else {
        request.start().try_read().ok().flatten().map(|response| response.status)
    }
}

#[test]
fn no_fault_of_a_stream_is_taken_for_an_answer_or_hangs() {
    let current = Current::default();
    let timeouts = "first_byte_timeout = \"500ms\"\nidle_timeout = \"500ms\"";
    let upstream = format!("url = \"http://{}\"\nhttp = \"2\"\n{timeouts}", faulty(&current));
    let gate = gate(&Origin::start(), &upstream);
    for (index, Fault(name, _, then)) in FAULTS.iter().enumerate() {
        current.store(index, SeqCst);
        let began = Instant::now();
        std::thread::scope(|scope| {
            for (method, http2) in [("GET", false), ("GET", true), ("POST", false), ("POST", true)]
            {
                let gate = &gate;
                scope.spawn(move || {
                    let outcome = outcome(gate, method, http2);
                    let expected = matches!(outcome, None | Some(502 | 504));
                    assert!(expected, "{name}, {then:?}, {method} of {http2}: {outcome:?}");
                });
            }
        });
        let took = began.elapsed();
        assert!(took < Duration::from_secs(10), "{name}, {then:?}: {took:?}");
    }
    current.store(FAULTS.len(), SeqCst);
    for _ in 0..3 {
        assert_eq!(gate.get("/orders").key("demo").send().admitted().text(), "whole");
    }
    wait_for("the end of all requests", || {
        (gate.metrics().sum("tollgate_streams", &[]) == 0.0).then_some(())
    });
}

/// Answers in full while the request is still on its way, and wants no more of it (RFC 9113 §8.1).
fn early(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    stream.read_exact(&mut [0; 24])?;
    loop {
        let Frame { kind, stream: number, .. } = read_frame(&mut stream)?;
        if kind == HEADERS {
            let answer = [ok(number, &[]), data(number, END_STREAM, "enough"), reset(number, 0)];
            stream.write_all(&answer.concat())?;
        }
    }
}

#[test]
fn an_answer_that_is_complete_before_its_request_is_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("url = \"http://{}\"\nhttp = \"2\"", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || early(stream).ok());
        }
    });
    let gate = gate(&Origin::start(), &upstream);
    for _ in 0..20 {
        let mut client = gate.get("/orders").key("demo").start();
        assert_eq!(client.read().admitted().text(), "enough");
        let request = gate.request("POST", "/orders").key("demo").body("a body");
        assert_eq!(Http2::connect(gate.data()).send(&request).admitted().text(), "enough");
    }
}
