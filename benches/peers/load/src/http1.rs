//! One request after the other on a connection of HTTP/1.1.

use std::fmt;
use std::io::Write;
use std::rc::Rc;
use std::time::Instant;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Error;
use crate::connect::{Connector, Stream};
use crate::shared::{Key, Shared};

pub struct Connection {
    connector: Rc<Connector>,
    shared: Rc<Shared>,
    stream: Option<Box<dyn Stream>>,
    request: Vec<u8>,
    buffer: Box<[u8]>,
}

struct Response {
    status: u16,
    bytes: usize,
    closes: bool,
}

#[derive(Debug)]
enum Failure {
    /// Not a byte of an answer came.
    Unanswered,
    Wrong(&'static str),
}

/// A connection that has carried a request already, unless each request is to have its own.
pub async fn open(connector: Rc<Connector>, shared: Rc<Shared>) -> Result<Connection, Error> {
    let buffer = vec![0; 64 * 1024].into();
    let mut connection =
        Connection { connector, shared, stream: None, request: Vec::new(), buffer };
    if !connection.shared.fresh {
        connection.call(Instant::now()).await?;
        if connection.stream.is_none() {
            connection.stream = Some(connection.connector.connect().await?);
        }
    }
    Ok(connection)
}

impl Connection {
    pub async fn run(mut self) -> Result<(), Error> {
        while let Some(due) = self.shared.due().await {
            self.call(due).await?;
        }
        Ok(())
    }

    async fn call(&mut self, due: Instant) -> Result<(), Error> {
        let key = self.shared.key();
        self.write_request(key)?;
        let kept = self.stream.take();
        let reused = kept.is_some();
        let mut stream = match kept {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        let response = match self.exchange(&mut stream).await {
            // As any client does: the server may have closed an idle connection just now.
            Err(Failure::Unanswered) if reused => {
                stream = self.connect().await?;
                self.exchange(&mut stream).await?
            }
            response => response?,
        };
        self.shared.answered(key, due, response.status, response.bytes)?;
        if !(response.closes || self.shared.fresh) {
            self.stream = Some(stream);
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Error> {
        self.shared.reconnected();
        self.connector.connect().await
    }

    async fn exchange(&mut self, stream: &mut Box<dyn Stream>) -> Result<Response, Failure> {
        let sent = async {
            stream.write_all(&self.request).await?;
            stream.flush().await
        };
        sent.await.map_err(|_| Failure::Unanswered)?;
        read(stream, &mut self.buffer).await
    }

    fn write_request(&mut self, (number, known): Key) -> Result<(), Error> {
        let kind = if known { "bench" } else { "other" };
        self.request.clear();
        write!(
            self.request,
            "GET {} HTTP/1.1\r\nHost: bench.test\r\nX-Api-Key: {kind}-key-{number:07}\r\n{}\r\n",
            self.shared.path,
            if self.shared.fresh { "Connection: close\r\n" } else { "" },
        )?;
        Ok(())
    }
}

async fn read(stream: &mut Box<dyn Stream>, buffer: &mut [u8]) -> Result<Response, Failure> {
    let mut filled = 0;
    let head = loop {
        match stream.read(&mut buffer[filled..]).await {
            Ok(0) | Err(_) if filled == 0 => return Err(Failure::Unanswered),
            Ok(0) | Err(_) => return Err(Failure::Wrong("a head without an end")),
            Ok(read) => filled += read,
        }
        if let Some(end) = memmem::find(&buffer[..filled], b"\r\n\r\n") {
            break end + 4;
        }
    };
    let (status, bytes, closes) = parse(&buffer[..head])
        .ok_or(Failure::Wrong("a head without a status or a Content-Length"))?;
    let mut rest = (head + bytes).checked_sub(filled).ok_or(Failure::Wrong("too many bytes"))?;
    while rest > 0 {
        match stream.read(buffer).await {
            Ok(0) | Err(_) => return Err(Failure::Wrong("a body without its end")),
            Ok(read) => rest = rest.checked_sub(read).ok_or(Failure::Wrong("too many bytes"))?,
        }
    }
    Ok(Response { status, bytes, closes })
}

/// Status, length of the body, and whether the connection ends with it.
fn parse(head: &[u8]) -> Option<(u16, usize, bool)> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let status = lines.next()?.get(9..12)?.parse().ok()?;
    let (mut length, mut closes) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    Some((status, length?, closes))
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unanswered => "a request without an answer",
            Self::Wrong(what) => what,
        })
    }
}

impl std::error::Error for Failure {}
