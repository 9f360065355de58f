//! What an upstream does with a request.

use std::io::{self, Write};

use super::{Door, Fields};

#[derive(Clone)]
pub(crate) struct Answer {
    head: Option<Head>,
    parts: Vec<Part>,
    hangs_up: bool,
}

#[derive(Clone)]
struct Head {
    status: u16,
    fields: Fields,
    trailers: Fields,
    chunked: bool,
}

#[derive(Clone)]
enum Part {
    Bytes(Vec<u8>),
    Wait(Door),
}

impl Answer {
    pub(crate) fn ok(body: &str) -> Self {
        Self::status(200).then(body)
    }

    pub(crate) fn status(status: u16) -> Self {
        let head =
            Head { status, fields: Fields::default(), trailers: Fields::default(), chunked: false };
        Self { head: Some(head), parts: Vec::new(), hangs_up: false }
    }

    /// Bytes that need not be HTTP.
    pub(crate) fn raw(bytes: &str) -> Self {
        Self { head: None, parts: Vec::new(), hangs_up: true }.then(bytes)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head_mut().fields.push(name, value);
        self
    }

    /// Another piece of the body.
    pub(crate) fn then(mut self, bytes: &str) -> Self {
        self.parts.push(Part::Bytes(bytes.into()));
        self
    }

    /// What follows waits: the head too, where nothing stands before it.
    pub(crate) fn wait(mut self, door: &Door) -> Self {
        self.parts.push(Part::Wait(door.clone()));
        self
    }

    /// Sends the body in chunks, with a trailer behind them.
    pub(crate) fn trailer(mut self, name: &str, value: &str) -> Self {
        self.head_mut().chunked = true;
        self.head_mut().trailers.push(name, value);
        self
    }

    pub(crate) fn chunked(mut self) -> Self {
        self.head_mut().chunked = true;
        self
    }

    /// Closes the connection where the answer should end.
    pub(crate) fn hang_up(mut self) -> Self {
        self.hangs_up = true;
        self
    }

    fn head_mut(&mut self) -> &mut Head {
        self.head.as_mut().expect("raw bytes have no head")
    }

    /// Whether the connection goes on.
    pub(super) fn write(&self, method: &str, to: &mut impl Write) -> io::Result<bool> {
        let mut parts = self.parts.as_slice();
        // A door in front of everything holds the head back too.
        while let [Part::Wait(door), rest @ ..] = parts {
            door.wait();
            parts = rest;
        }
        let Some(head) = &self.head else {
            write_parts(parts, false, to)?;
            return Ok(false);
        };
        to.write_all(head.text(&self.parts).as_bytes())?;
        to.flush()?;
        if method != "HEAD" {
            write_parts(parts, head.chunked, to)?;
            if head.chunked && !self.hangs_up {
                let trailers = lines(&head.trailers);
                to.write_all(format!("0\r\n{trailers}\r\n").as_bytes())?;
            }
        }
        to.flush()?;
        Ok(!self.hangs_up)
    }
}

impl Head {
    fn text(&self, parts: &[Part]) -> String {
        let framing = if self.chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else if self.status == 204 || self.status == 304 {
            String::new()
        } else {
            let length = |part: &Part| if let Part::Bytes(bytes) = part { bytes.len() } else { 0 };
            format!("Content-Length: {}\r\n", parts.iter().map(length).sum::<usize>())
        };
        format!("HTTP/1.1 {} As Told\r\n{}{framing}\r\n", self.status, lines(&self.fields))
    }
}

fn lines(fields: &Fields) -> String {
    fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

fn write_parts(parts: &[Part], chunked: bool, to: &mut impl Write) -> io::Result<()> {
    for part in parts {
        match part {
            Part::Wait(door) => door.wait(),
            Part::Bytes(bytes) if chunked => {
                to.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
                to.write_all(bytes)?;
                to.write_all(b"\r\n")?;
            }
            Part::Bytes(bytes) => to.write_all(bytes)?,
        }
        to.flush()?;
    }
    Ok(())
}
