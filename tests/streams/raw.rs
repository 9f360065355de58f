//! Tunnels byte for byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Config, Http1, Request, Tollgate, tcp, wait_for};

const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tube\r\n\r\n";

/// An upstream that takes one connection, reads one head, says `answer`, and goes on as it is told.
pub(super) fn upstream<T: Send + 'static>(
    answer: impl Into<String>,
    then: impl FnOnce(BufReader<TcpStream>) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, answer) = (listener.local_addr().unwrap(), answer.into());
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        then(reader)
    });
    (address, served)
}

pub(super) fn gate(upstream: SocketAddr) -> Tollgate {
    let settings = format!("url = \"http://{upstream}\"\nupgrades = [\"tube\", \"websocket\"]");
    Tollgate::start(&Config::to(upstream).section("upstreams.demo", &settings))
}

fn asking(gate: &Tollgate, protocol: &str) -> Request {
    gate.get("/orders").key("demo").header("Connection", "upgrade").header("Upgrade", protocol)
}

#[test]
fn bytes_go_both_ways_and_each_side_ends_for_itself() {
    let (address, served) = upstream(format!("{SWITCHED}first"), |mut reader| {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        reader.get_mut().write_all(b" last").unwrap();
        all
    });
    let gate = gate(address);
    let mut client = BufReader::new(tcp(gate.data()).unwrap());
    client.get_mut().write_all(&asking(&gate, "tube").bytes()).unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        client.read_line(&mut head).unwrap();
    }
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("upgrade: tube\r\n"), "{head}");
    let mut first = [0; 5];
    client.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"first", "what came with the head");
    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    client.get_mut().write_all(&sent).unwrap();
    client.get_ref().shutdown(Shutdown::Write).unwrap();
    assert!(served.join().unwrap() == sent, "what the upstream read");
    let mut last = String::new();
    client.read_to_string(&mut last).unwrap();
    assert_eq!(last, " last");
}

#[test]
fn a_side_that_does_not_read_stops_the_other() {
    let (address, served) = upstream(SWITCHED, |mut reader| {
        // As much as everything in between can hold, and far more.
        reader.get_mut().set_nonblocking(true).unwrap();
        let (mut sent, piece) = (0_usize, vec![7; 1 << 16]);
        let mut stuck = 0;
        while stuck < 50 && sent < 512 << 20 {
            match reader.get_mut().write(&piece) {
                Ok(written) => (sent, stuck) = (sent + written, 0),
                Err(_) => {
                    stuck += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
        sent
    });
    let gate = gate(address);
    let mut client = asking(&gate, "tube").start();
    assert_eq!(client.try_read().unwrap().unwrap().status, 101);
    let sent = served.join().unwrap();
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    let mut all = 0;
    while !client.ends() {
        all += 1;
    }
    assert_eq!(all, sent);
}

#[test]
fn what_a_client_sends_too_early_goes_nowhere() {
    let (address, served) = upstream("", |mut reader| {
        // The client's bytes are here long before the upstream switches.
        std::thread::sleep(Duration::from_millis(100));
        reader.get_mut().write_all(SWITCHED.as_bytes()).unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).ok();
        all
    });
    let gate = gate(address);
    let mut client = Http1::connect(gate.data());
    let mut early = asking(&gate, "tube").bytes();
    early.extend(b"GET /orders/admin HTTP/1.1\r\nHost: a\r\n\r\n");
    client.write_bytes(early);
    assert_eq!(client.try_read().unwrap().unwrap().status, 101);
    assert!(client.ends());
    assert_eq!(served.join().unwrap(), b"");
    gate.wait_for("the refusal", |metrics| metrics.refusals("bad_request") == 1.0);
}

#[test]
fn a_close_does_not_stand_within_a_frame() {
    // A frame of 100 bytes, of which the first half comes; then the key dies.
    let half = [&b"\x82\x64"[..], &[b'x'; 50]].concat();
    let rest = [b'y'; 50];
    for finishes in [true, false] {
        let answer = SWITCHED.replace("tube", "websocket");
        let (told, tell) = std::sync::mpsc::channel::<()>();
        let begun = half.clone();
        let (address, served) = upstream(answer, move |mut reader| {
            reader.get_mut().write_all(&begun).unwrap();
            tell.recv().unwrap();
            if finishes {
                reader.get_mut().write_all(&rest).unwrap();
                reader.get_mut().write_all(b"\x81\x04next").unwrap();
            }
            let mut all = Vec::new();
            reader.read_to_end(&mut all).ok();
            all
        });
        let gate = gate(address);
        let request = asking(&gate, "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        let mut client = BufReader::new(tcp(gate.data()).unwrap());
        client.get_mut().write_all(&request.bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            client.read_line(&mut head).unwrap();
        }
        let mut seen = vec![0; half.len()];
        client.read_exact(&mut seen).unwrap();
        let text = std::fs::read_to_string(gate.config()).unwrap();
        let cut = || gate.metrics().sum("tollgate_streams_cut_total", &[]);
        gate.write(&text.replace("plan = \"free\"\n", "plan = \"free\"\nstatus = \"revoked\"\n"));
        wait_for("the cut", || (cut() == 1.0).then_some(()));
        told.send(()).unwrap();
        client.read_to_end(&mut seen).ok();
        let expected = match finishes {
            true => [&half[..], &rest, b"\x88\x02\x03\xf0"].concat(),
            false => half.clone(),
        };
        assert_eq!(seen, expected, "{finishes}");
        let server = served.join().unwrap();
        assert_eq!(server.len(), 8, "one masked close");
        assert_eq!(&server[..2], b"\x88\x82");
    }
}

#[test]
fn a_tunnel_for_which_there_is_no_word_lasts_until_the_deadline() {
    let (address, served) =
        upstream(SWITCHED, |mut reader| reader.read_to_end(&mut Vec::new()).is_ok());
    let settings = format!("url = \"http://{address}\"\nupgrades = [\"tube\"]");
    let hasty = "workers = 1\ndrain_timeout = \"300ms\"";
    let config = Config::to(address).section("upstreams.demo", &settings);
    let mut gate = Tollgate::start(&config.section("process", hasty));
    let mut client = asking(&gate, "tube").start();
    assert_eq!(client.try_read().unwrap().unwrap().status, 101);
    let began = Instant::now();
    gate.signal(Signal::TERM);
    assert!(client.ends());
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(gate.exit_code(), 3);
    served.join().unwrap();
}
