//! An HTTP/1.1 message as it came over the wire.

use std::io::{self, BufRead};

use super::Fields;

#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub(crate) start: String,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Request,
    Response,
    /// To HEAD, for example.
    ResponseWithoutBody,
}

impl Message {
    /// The next message, or none where the connection ended in good order before it.
    pub(crate) fn read(from: &mut impl BufRead, expected: Expected) -> io::Result<Option<Self>> {
        let Some(mut message) = Self::read_head(from)? else { return Ok(None) };
        message.read_rest(from, expected)?;
        Ok(Some(message))
    }

    /// The head of the next message.
    pub(crate) fn read_head(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut start = line(from)?;
        if start.is_empty() {
            return Ok(None);
        }
        start.truncate(start.len() - 2);
        let fields = read_fields(from)?;
        Ok(Some(Self { start, fields, body: Vec::new(), trailers: Fields::default() }))
    }

    /// What follows the head of a response, to HEAD or to any other method. What has come of it is
    /// kept where it breaks off.
    pub(crate) fn read_response(
        &mut self,
        from: &mut impl BufRead,
        to_head: bool,
    ) -> io::Result<()> {
        let expected = if to_head { Expected::ResponseWithoutBody } else { Expected::Response };
        self.read_rest(from, expected)
    }

    fn read_rest(&mut self, from: &mut impl BufRead, expected: Expected) -> io::Result<()> {
        if self.ends_with_its_head(expected) { Ok(()) } else { self.read_body(from, expected) }
    }

    /// The next request of a client.
    pub(crate) fn read_request(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        Self::read(from, Expected::Request)
    }

    pub(crate) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap()
    }

    pub(crate) fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    fn ends_with_its_head(&self, expected: Expected) -> bool {
        match expected {
            Expected::Request => false,
            Expected::ResponseWithoutBody => true,
            Expected::Response => {
                let status = self.target();
                status.starts_with('1') || status == "204" || status == "304"
            }
        }
    }

    fn read_body(&mut self, from: &mut impl BufRead, expected: Expected) -> io::Result<()> {
        if self.header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            return self.read_chunks(from);
        }
        if let Some(length) = self.header("content-length") {
            self.body = exactly(from, length.parse().map_err(io::Error::other)?)?;
        } else if expected == Expected::Response {
            from.read_to_end(&mut self.body)?;
        }
        Ok(())
    }

    fn read_chunks(&mut self, from: &mut impl BufRead) -> io::Result<()> {
        loop {
            let size = line(from)?;
            let size = usize::from_str_radix(size.trim_end(), 16).map_err(io::Error::other)?;
            if size == 0 {
                self.trailers = read_fields(from)?;
                return Ok(());
            }
            self.body.extend(exactly(from, size)?);
            assert_eq!(exactly(from, 2)?, b"\r\n", "what ends a chunk");
        }
    }
}

fn read_fields(from: &mut impl BufRead) -> io::Result<Fields> {
    let mut fields = Fields::default();
    loop {
        let line = line(from)?;
        match line.trim_end_matches("\r\n") {
            "" if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            "" => return Ok(fields),
            field => {
                let (name, value) = field.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
                fields.push(name, value.trim());
            }
        }
    }
}

/// A line with its end, byte for byte; nothing where the connection has ended.
fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.read_until(b'\n', &mut bytes)?;
    if !bytes.is_empty() && !bytes.ends_with(b"\r\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.into_iter().map(char::from).collect())
}

fn exactly(from: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}
