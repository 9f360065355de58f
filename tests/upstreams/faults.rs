//! Upstreams that fail in the middle of everything: an error, never a wrong or shortened answer, and
//! nothing that hangs.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::gate;
use crate::support::{Connection, Http1, Http2, Origin, Tollgate, wait_for};

/// What comes after a request's head, and how the connection goes on.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The bytes, then an orderly end.
    Ends(&'static str),
    /// The bytes, then a reset.
    Resets(&'static str),
    /// The bytes, then an end of our side only: the other stays open.
    HalfCloses(&'static str),
    /// The bytes, then silence.
    Hangs(&'static str),
}

const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";

const FAULTS: &[Fault] = &[
    Fault::Ends(""),
    Fault::Ends("HTTP/1.1 2"),
    Fault::Ends("HTTP/1.1 200 OK\r\nContent-Le"),
    Fault::Ends(LENGTH),
    Fault::Ends(CHUNKED),
    Fault::Ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"),
    Fault::Ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n"),
    Fault::Ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhalf\r\n0\r\n\r\n"),
    Fault::Ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalfmore\r\n0\r\n\r\n"),
    Fault::Ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhalf"),
    Fault::Ends("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhalf"),
    Fault::Ends("HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\nhalf"),
    Fault::Ends("\x16\x03\x01\x02\x00 garbage"),
    Fault::Ends("HTTP/2.0 200 OK\r\n\r\n"),
    Fault::Ends("HTTP/1.1 999999 OK\r\n\r\n"),
    Fault::Ends(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ),
    Fault::Resets(""),
    Fault::Resets(LENGTH),
    Fault::Resets(CHUNKED),
    Fault::HalfCloses(""),
    Fault::HalfCloses(LENGTH),
    Fault::HalfCloses(CHUNKED),
    Fault::Hangs(""),
    Fault::Hangs("HTTP/1.1 200 OK\r\n"),
    Fault::Hangs(LENGTH),
    Fault::Hangs(CHUNKED),
];

/// An upstream that answers `/orders/N` with the fault of this number, and all else well.
fn faulty() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // What fails is the test's intention.
            std::thread::spawn(move || serve(stream).ok());
        }
    });
    address
}

fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let target = head.split(' ').nth(1).unwrap_or_default();
        let number = target.rsplit('/').next().and_then(|number| number.parse::<usize>().ok());
        let stream = reader.get_mut();
        let Some(fault) = number.and_then(|number| FAULTS.get(number)) else {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole")?;
            continue;
        };
        let (Fault::Ends(bytes)
        | Fault::Resets(bytes)
        | Fault::HalfCloses(bytes)
        | Fault::Hangs(bytes)) = *fault;
        stream.write_all(bytes.as_bytes())?;
        match fault {
            Fault::Ends(_) => return Ok(()),
            Fault::Resets(_) => return SockRef::from(&*stream).set_linger(Some(Duration::ZERO)),
            Fault::HalfCloses(_) => stream.shutdown(Shutdown::Write)?,
            Fault::Hangs(_) => {}
        }
        // Until the gate has had enough of it.
        while reader.read_line(&mut head)? > 0 {}
        return Ok(());
    }
}

/// What a client of HTTP/1.1 or HTTP/2 makes of the fault: the status, if it takes the answer for whole.
fn outcome(gate: &Tollgate, number: usize, http2: bool, method: &str) -> Option<u16> {
    let mut request = gate.request(method, &format!("/orders/{number}")).key("demo");
    if method == "POST" {
        request = request.body("asked");
    }
    if http2 {
        Http2::connect(gate.data()).start(&request).read().ok().map(|response| response.status)
    } else {
        request.start().try_read().ok().flatten().map(|response| response.status)
    }
}

#[test]
fn no_fault_is_taken_for_an_answer_or_hangs_and_bystanders_see_none() {
    let timeouts = "first_byte_timeout = \"500ms\"\nidle_timeout = \"500ms\"";
    let gate = gate(&Origin::start(), &format!("url = \"http://{}\"\n{timeouts}", faulty()));
    std::thread::scope(|scope| {
        let gate = &gate;
        let troubled: Vec<_> = (0..4)
            .map(|client| {
                let (http2, method) = (client % 2 == 0, if client < 2 { "GET" } else { "POST" });
                scope.spawn(move || {
                    for (number, fault) in FAULTS.iter().enumerate() {
                        let began = Instant::now();
                        let outcome = outcome(gate, number, http2, method);
                        assert!(
                            matches!(outcome, None | Some(502 | 504)),
                            "{fault:?} {method} over {http2}: {outcome:?}"
                        );
                        let took = began.elapsed();
                        assert!(took < Duration::from_secs(10), "{fault:?} took {took:?}");
                    }
                })
            })
            .collect();
        let mut bystander = Http1::connect(gate.data());
        while troubled.iter().any(|client| !client.is_finished()) {
            let response = bystander.send(&gate.get("/orders/well").key("demo")).admitted();
            assert_eq!(response.text(), "whole");
        }
        troubled.into_iter().for_each(|client| client.join().unwrap());
    });
    wait_for("the end of all requests", || {
        (gate.metrics().sum("tollgate_streams", &[]) == 0.0).then_some(())
    });
}
