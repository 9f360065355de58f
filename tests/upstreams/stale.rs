//! Connections that the upstream closes while they are idle.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::gate;
use crate::support::{Connection, Http1, Origin, PATIENCE, wait_for};

/// Answers one request on each connection, closes it a while after, and says when it has.
fn closing() -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (closed, closes) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let closed = closed.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                reader.get_mut().write_all(answer).unwrap();
                // From at once to long after the answer was passed on.
                std::thread::sleep(Duration::from_micros(number as u64 * 7919 % 3000));
                let stream = reader.into_inner();
                let ends = [stream.local_addr().unwrap(), stream.peer_addr().unwrap()];
                // The gate may have closed it meanwhile.
                stream.shutdown(Shutdown::Write).ok();
                // Sent is not arrived: the kernel may be busy with others.
                wait_for("the other side's kernel", || end_arrived(ends).then_some(()));
                closed.send(()).ok();
            });
        }
    });
    (address, closes)
}

/// Whether the other side's kernel has the end that was sent: neither `ESTABLISHED` nor
/// `FIN_WAIT1` any more.
fn end_arrived(ends: [SocketAddr; 2]) -> bool {
    let ends = ends.map(|end| format!("0100007F:{:04X}", end.port()));
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    !table.lines().any(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.get(1..3) == Some(&[&*ends[0], &*ends[1]]) && ["01", "04"].contains(&words[3])
    })
}

#[test]
fn a_request_that_cannot_be_sent_twice_never_meets_a_closed_connection() {
    let (address, closes) = closing();
    let origin = Origin::start();
    let gate = gate(&origin, &format!("url = \"http://{address}\""));
    let mut client = Http1::connect(gate.data());
    for number in 0..40 {
        let response = client.send(&gate.request("POST", "/orders").key("demo"));
        assert_eq!(response.status, 200, "request {number}: {}", response.text());
        // The next one is sent as soon as the upstream has closed, whoever has heard of it.
        closes.recv_timeout(PATIENCE).unwrap();
    }
}
