//! The upstream that speaks HTTP/1.1.

mod request;

use std::io;
use std::rc::Rc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::case::{Case, Meets};
use super::fault::{Fault, Framing, Point};
use super::upstream::{Link, Upstream};
use super::{PAUSE, pauses};

const CHUNK: usize = 8000;

/// What ends a body in chunks.
const END: &[u8] = b"0\r\n\r\n";

/// No status line, no field and no size of a chunk.
const GARBAGE: &[u8] = b"\x16\x03\x01\x00\xff garbage\r\n\r\n";

const SURPLUS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsurplus";

/// Answers requests, one after another.
pub(super) async fn serve(stream: TcpStream, upstream: Rc<Upstream>) -> io::Result<()> {
    let link = Rc::new(Link::default());
    let mut reader = BufReader::new(stream);
    while let Some((case, upload)) = request::read_head(&mut reader).await? {
        let (case, meets) = upstream.arrived(case, &link);
        // What comes before the head may come before the body of the request.
        let early = meets.is_some_and(|m| m.point == Point::BeforeHead) && case.number % 2 == 1;
        if !early {
            let body = request::read_body(&mut reader, upload).await?;
            upstream.uploaded(&case, &body);
        }
        let answer = Answer::new(&case, &upstream.body(&case));
        match meets {
            Some(meets) => return fail(reader.into_inner(), meets, &answer, &upstream).await,
            None => answer.send(reader.get_mut(), &case).await?,
        }
        if case.framing == Framing::UntilClose {
            return Ok(());
        }
    }
    Ok(())
}

/// The good one, as it goes over the wire.
struct Answer {
    bytes: Vec<u8>,
    head: usize,
    /// Where the first chunk ends.
    chunk: usize,
    framing: Framing,
}

impl Answer {
    fn new(case: &Case, body: &[u8]) -> Self {
        let mut bytes = b"HTTP/1.1 200 OK\r\nserver: faulty\r\n".to_vec();
        bytes.extend(match case.framing {
            Framing::ContentLength => {
                format!("content-length: {}\r\n\r\n", body.len()).into_bytes()
            }
            Framing::Chunked => b"transfer-encoding: chunked\r\n\r\n".to_vec(),
            Framing::UntilClose => b"connection: close\r\n\r\n".to_vec(),
        });
        let head = bytes.len();
        let mut first = None;
        if case.framing == Framing::Chunked {
            for chunk in body.chunks(CHUNK.min(body.len().div_ceil(2)).max(1)) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
                first.get_or_insert(bytes.len());
            }
            bytes.extend(END);
        } else {
            bytes.extend(body);
        }
        Self { bytes, head, chunk: first.unwrap_or(head), framing: case.framing }
    }

    /// Should we be killed from now on, the connection is reset where an end would be the body's.
    fn show_end(&self, stream: &TcpStream) -> io::Result<()> {
        let until_close = self.framing == Framing::UntilClose;
        SockRef::from(stream).set_linger(until_close.then_some(Duration::ZERO))
    }

    /// All of it.
    async fn send(&self, stream: &mut TcpStream, case: &Case) -> io::Result<()> {
        self.show_end(stream)?;
        let (first, rest) = self.bytes.split_at(self.bytes.len() / 2);
        if pauses(case) {
            stream.write_all(first).await?;
            sleep(PAUSE).await;
            stream.write_all(rest).await?;
        } else {
            stream.write_all(&self.bytes).await?;
        }
        SockRef::from(&*stream).set_linger(None)
    }

    /// What comes of it until the fault, and with it.
    fn spoilt(&self, meets: Meets) -> Vec<u8> {
        let body = self.bytes.len() - self.head;
        let cut = match meets.point {
            Point::BeforeHead => 0,
            Point::WithinHead => self.head / 2,
            Point::AfterHead => self.head,
            Point::WithinBody => self.head + body / 2,
        };
        let until = |end: usize, more: &[u8]| [&self.bytes[..end], more].concat();
        match meets.fault {
            Fault::Garbage if meets.point == Point::WithinBody => until(self.chunk, GARBAGE),
            Fault::Garbage => until(cut, GARBAGE),
            Fault::Truncation if self.framing == Framing::Chunked => {
                until(self.bytes.len() - END.len(), b"")
            }
            Fault::Truncation => until(self.bytes.len() - 1, b""),
            Fault::Surplus => until(self.bytes.len(), SURPLUS),
            _ => until(cut, b""),
        }
    }
}

async fn fail(
    mut stream: TcpStream,
    meets: Meets,
    answer: &Answer,
    upstream: &Upstream,
) -> io::Result<()> {
    if matches!(meets.point, Point::AfterHead | Point::WithinBody) {
        answer.show_end(&stream)?;
    }
    stream.write_all(&answer.spoilt(meets)).await?;
    match meets.fault {
        Fault::Close | Fault::Truncation => return Ok(()),
        Fault::Reset => return SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
        Fault::HalfClose => stream.shutdown().await?,
        _ => {}
    }
    let _waiting = upstream.wait();
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
