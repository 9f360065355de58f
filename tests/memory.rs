//! The memory of a process: a base, 24 KiB for each connection, and 128 KiB for each open body.

mod bodies;
mod used;

use std::io::{Read, Write};

use tempfile::TempDir;

use crate::support::frames::{DATA, END_STREAM, HEADERS, beginning, get, read_frame};
use crate::support::{Authority, Config, Origin, TlsClient, Tollgate, tcp, wait_for};

const CONNECTION: u64 = 24 << 10;
const BODY: u64 = 128 << 10;
/// What an allocator keeps between the blocks of others.
const SCATTERED: u64 = 2 << 20;

/// A connection, of whatever kind.
trait Line: Read + Write {}

impl<T: Read + Write> Line for T {}

/// Fails if the memory that the gate has got since `before` is more than this.
fn assert_within(what: &str, gate: &Tollgate, before: u64, bound: u64) {
    let grown = gate.memory().saturating_sub(before);
    assert!(grown <= bound, "{what}: {} KiB, at most {} KiB", grown >> 10, bound >> 10);
}

/// Waits until the memory of the gate does not change.
fn settle(gate: &Tollgate) {
    let mut last = 0;
    wait_for("memory that does not change", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = gate.memory();
        (std::mem::replace(&mut last, now) == now).then_some(())
    });
}

fn with_tls(config: Config, authority: &Authority) -> Tollgate {
    let folder = TempDir::new().unwrap();
    authority.issue(&["localhost"]).write(folder.path(), "main");
    let certificate = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    let config = config.section("listeners.public.tls.certificates.main", certificate);
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    Tollgate::start_in(folder, "tollgate.toml")
}

/// Reads frames until one ends a stream.
fn read_response(line: &mut dyn Line) {
    loop {
        let frame = read_frame(line).unwrap();
        if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
            return;
        }
    }
}

/// Sends one request and reads its response, so that the connection is idle.
fn use_once(line: &mut dyn Line, http2: bool) {
    if http2 {
        line.write_all(&[beginning(), get(1, "/orders")].concat()).unwrap();
        return read_response(line);
    }
    let head = "GET /orders HTTP/1.1\r\nHost: a\r\nX-Api-Key: demo\r\n\r\n";
    line.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let mut bytes = [0; 512];
        let read = line.read(&mut bytes).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend(&bytes[..read]);
    }
}

fn idle(what: &str, gate: &Tollgate, http2: bool, connect: impl Fn() -> Box<dyn Line>) {
    let open = || {
        let mut line = connect();
        use_once(&mut *line, http2);
        line
    };
    // What is there once, however many there are.
    let mut held: Vec<_> = (0..50).map(|_| open()).collect();
    let before = gate.memory();
    held.extend((0..1000).map(|_| open()));
    assert_within(what, gate, before, 1000 * CONNECTION);
}

#[test]
fn idle_connections_cost_little() {
    let origin = Origin::start();
    for http2 in [false, true] {
        let gate = Tollgate::start(&Config::new(&origin));
        let what = if http2 { "idle HTTP/2" } else { "idle HTTP/1.1" };
        idle(what, &gate, http2, || Box::new(tcp(gate.data()).unwrap()));
    }
}

#[test]
fn idle_tls_connections_cost_little() {
    let origin = Origin::start();
    let authority = Authority::new();
    for (protocol, http2) in [("http/1.1", false), ("h2", true)] {
        let gate = with_tls(Config::new(&origin), &authority);
        let client = TlsClient::new(&authority).offering(&[protocol]);
        let what = format!("idle {protocol} over TLS");
        idle(&what, &gate, http2, || Box::new(client.connect(gate.data(), "localhost")));
    }
}
