//! Clients that take their time: they say a byte in a second, or read nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::offender::Ended;

/// Connections at a time.
const CONNECTIONS: usize = 300;

/// How often each says something.
const EVERY: Duration = Duration::from_secs(1);

/// How often we look which have ended.
const LOOK: Duration = Duration::from_millis(50);

/// What a client that does not read has room for. By default 300 of them would take in gigabytes first, and
/// the flood would be one of copying.
const ROOM: usize = 16 << 10;

/// How slow clients behave.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    begin: &'static str,
    drip: &'static str,
    reads: bool,
}

pub(super) const HEAD: Manner =
    Manner { begin: "GET /soak HTTP/1.1\r\nHost: a\r\nX-Slow: ", drip: "x", reads: true };

pub(super) const BODY: Manner = Manner {
    begin: "POST /soak/form HTTP/1.1\r\nHost: a\r\nX-Api-Key: steady\r\nContent-Length: 100000\r\n\r\n",
    drip: "x",
    reads: true,
};

pub(super) const READ: Manner = Manner {
    begin: "GET /large/body HTTP/1.1\r\nHost: a\r\nX-Api-Key: steady\r\n\r\n",
    drip: "",
    reads: false,
};

struct Slow {
    stream: TcpStream,
    began: Instant,
}

/// Has so many slow clients until told to stop; each that is ended is followed by another.
pub(super) fn trickle(gate: SocketAddr, stop: &AtomicBool, manner: Manner) -> io::Result<Ended> {
    let mut ended = Ended::default();
    let mut all: Vec<Slow> = Vec::new();
    let mut dripped = Instant::now();
    while !stop.load(Relaxed) {
        while all.len() < CONNECTIONS {
            all.push(connect(gate, manner)?);
        }
        let drips = dripped.elapsed() >= EVERY;
        if drips {
            dripped = Instant::now();
        }
        all.retain_mut(|slow| {
            let lost = drips && slow.stream.write_all(manner.drip.as_bytes()).is_err();
            let over = lost || is_over(&mut slow.stream, manner.reads);
            if over {
                ended.note(0, slow.began.elapsed());
            }
            !over
        });
        std::thread::sleep(LOOK);
    }
    Ok(ended)
}

fn connect(gate: SocketAddr, manner: Manner) -> io::Result<Slow> {
    let mut stream = TcpStream::connect(gate)?;
    if !manner.reads {
        SockRef::from(&stream).set_recv_buffer_size(ROOM)?;
    }
    stream.write_all(manner.begin.as_bytes())?;
    stream.set_nonblocking(true)?;
    Ok(Slow { stream, began: Instant::now() })
}

/// Whether the other side has ended it. Who does not read learns of a reset only.
fn is_over(stream: &mut TcpStream, reads: bool) -> bool {
    if !reads {
        return stream.take_error().is_ok_and(|error| error.is_some());
    }
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}
