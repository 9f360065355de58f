//! How long an upstream may take: to be reached, and for all of a request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::gate;
use crate::support::{Http2, Origin};

/// Longer than any deadline here, shorter than any other.
const LATE: Duration = Duration::from_secs(8);

/// A listener that answers to no more SYN, as its queue is full: what it holds, and where.
fn full() -> ((Socket, Vec<TcpStream>), SocketAddr) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    let waiting = std::iter::from_fn(connect).collect();
    ((listener, waiting), address)
}

#[test]
fn who_cannot_be_reached_in_time_is_not_waited_for() {
    let (_held, address) = full();
    for http in ["1", "2"] {
        let upstream =
            format!("url = \"http://{address}\"\nhttp = \"{http}\"\nconnect_timeout = \"300ms\"");
        let gate = gate(&Origin::start(), &upstream);
        let began = Instant::now();
        gate.get("/orders").key("demo").send().refused(504, "upstream_timeout");
        assert!(began.elapsed() < LATE, "{:?}", began.elapsed());
    }
}

/// Sends `begin`, then `drop` now and then.
fn dripping((begin, drop): (&'static str, &'static str)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            spawn(move || {
                let mut sent = stream.read(&mut [0; 4096]).and(stream.write_all(begin.as_bytes()));
                while sent.is_ok() {
                    sent = stream.write_all(drop.as_bytes());
                    sleep(Duration::from_millis(20));
                }
            });
        }
    });
    address
}

#[test]
fn a_request_that_takes_too_long_in_all_is_ended_whatever_moves_meanwhile() {
    let body = ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n");
    let head = ("HTTP/1.1 200 OK\r\nX-Never-Ends: ", "x");
    for (says, status) in [(body, None), (head, Some(504))] {
        let upstream = format!("url = \"http://{}\"\nrequest_timeout = \"500ms\"", dripping(says));
        let gate = gate(&Origin::start(), &upstream);
        let request = gate.get("/orders").key("demo");
        for http2 in [false, true] {
            let began = Instant::now();
            let answer = if http2 {
                Http2::connect(gate.data()).start(&request).read().ok()
            } else {
                request.start().try_read().ok().flatten()
            };
            assert_eq!(answer.map(|answer| answer.status), status, "over HTTP/2: {http2}");
            assert!(began.elapsed() < LATE, "{:?}", began.elapsed());
        }
        gate.wait_for("its end", |metrics| metrics.sum("tollgate_streams", &[]) == 0.0);
    }
}
