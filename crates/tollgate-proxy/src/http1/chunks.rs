//! A body in chunks, as it is read (RFC 9112 §7.1).

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;

use super::coming::Piece;
use super::heads::{MOST_FIELDS, Malformed};

/// Bytes of all extensions of a body, at most, and of the fields behind it.
const MOST_ASIDE: usize = 16 << 10;

/// What most bodies end with, behind the bytes of their last chunk.
const USUAL_END: &[u8] = b"\r\n0\r\n\r\n";

/// Where the reading of a body in chunks has got to.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    at: At,
    /// Of the present chunk: its size as far as it was read, then the bytes that are still to come.
    left: u64,
    /// Bytes of extensions so far.
    extensions: usize,
    /// Lines behind the last chunk, with their ends.
    fields: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// The first digit of a size.
    #[default]
    Start,
    /// Another one, or what ends it.
    Size,
    /// Space behind a size.
    Space,
    Extension,
    /// The end of the line of a size.
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// A line behind the last chunk.
    Line,
    /// Within such a line.
    Field,
    FieldLf,
    EndLf,
    End,
}

impl Chunks {
    /// Takes the next piece off `input`.
    ///
    /// # Errors
    /// [`Malformed`] for what are no chunks.
    pub(crate) fn take(&mut self, input: &mut Bytes) -> Result<Piece, Malformed> {
        while let Some(byte) = input.first().copied() {
            if self.at == At::Data {
                return Ok(Piece::Frame(Frame::data(self.take_data(input))));
            }
            self.at = self.step(byte)?;
            input.advance(1);
            if self.at == At::End {
                return match self.fields.is_empty() {
                    true => Ok(Piece::End),
                    false => Ok(Piece::Frame(Frame::trailers(self.trailers()?))),
                };
            }
        }
        Ok(Piece::None)
    }

    /// Whether nothing more comes. The usual end is taken off `input`, if it is here: then the last piece
    /// is known to be the last.
    pub(crate) fn are_over(&mut self, input: &mut Bytes) -> bool {
        if self.at == At::DataCr && input.starts_with(USUAL_END) {
            input.advance(USUAL_END.len());
            self.at = At::End;
        }
        self.at == At::End
    }

    fn take_data(&mut self, input: &mut Bytes) -> Bytes {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len());
        self.left -= length as u64;
        if self.left == 0 {
            self.at = At::DataCr;
        }
        input.split_to(length)
    }

    fn step(&mut self, byte: u8) -> Result<At, Malformed> {
        match (self.at, byte) {
            (At::Start | At::Size, digit) if digit.is_ascii_hexdigit() => {
                let digit = char::from(digit).to_digit(16).ok_or(Malformed)?;
                let size = self.left.checked_mul(16).ok_or(Malformed)?;
                self.left = size | u64::from(digit);
                Ok(At::Size)
            }
            (At::Size | At::Space, b' ' | b'\t') => Ok(At::Space),
            (At::Size | At::Space, b';') => Ok(At::Extension),
            (At::Size | At::Space | At::Extension, b'\r') => Ok(At::SizeLf),
            // Some take it for the end of the line.
            (At::Extension, b'\n') => Err(Malformed),
            (At::Extension, _) => {
                self.extensions += 1;
                if self.extensions < MOST_ASIDE { Ok(At::Extension) } else { Err(Malformed) }
            }
            (At::SizeLf, b'\n') => Ok(if self.left == 0 { At::Line } else { At::Data }),
            (At::DataCr, b'\r') => Ok(At::DataLf),
            (At::DataLf, b'\n') => Ok(At::Start),
            (At::Line, b'\r') => Ok(At::EndLf),
            (At::EndLf, b'\n') => Ok(At::End),
            (At::Field, b'\r') => self.keep(byte, At::FieldLf),
            // Some take it for the end of a line.
            (At::Line | At::Field, b'\n') => Err(Malformed),
            (At::Line | At::Field, _) => self.keep(byte, At::Field),
            (At::FieldLf, b'\n') => self.keep(byte, At::Line),
            _ => Err(Malformed),
        }
    }

    fn keep(&mut self, byte: u8, next: At) -> Result<At, Malformed> {
        self.fields.push(byte);
        if self.fields.len() < MOST_ASIDE { Ok(next) } else { Err(Malformed) }
    }

    /// The fields behind the last chunk.
    fn trailers(&mut self) -> Result<HeaderMap, Malformed> {
        self.fields.extend_from_slice(b"\r\n");
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let parsed = httparse::parse_headers(&self.fields, &mut fields).map_err(|_| Malformed)?;
        let httparse::Status::Complete((length, fields)) = parsed else { return Err(Malformed) };
        if length != self.fields.len() {
            return Err(Malformed);
        }
        let mut trailers = HeaderMap::new();
        for field in fields {
            let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed)?;
            let value = HeaderValue::from_bytes(field.value).map_err(|_| Malformed)?;
            trailers.append(name, value);
        }
        Ok(trailers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of a body, its trailers, and what is left behind it.
    type Read = (Vec<u8>, usize, Vec<u8>);

    /// What is read of a body that comes in pieces of this size.
    fn read(body: &[u8], size: usize) -> Result<Option<Read>, Malformed> {
        let (mut chunks, mut data, mut trailers) = (Chunks::default(), Vec::new(), 0);
        let mut pieces = body.chunks(size);
        while let Some(piece) = pieces.next() {
            let mut input = Bytes::copy_from_slice(piece);
            loop {
                let over = match chunks.take(&mut input)? {
                    Piece::None => break,
                    Piece::End => true,
                    Piece::Frame(frame) => {
                        match frame.into_data() {
                            Ok(piece) => data.extend_from_slice(&piece),
                            Err(frame) => trailers = frame.into_trailers().unwrap().len(),
                        }
                        chunks.are_over(&mut input)
                    }
                };
                if over {
                    let rest = pieces.flatten().copied();
                    let rest = input.iter().copied().chain(rest).collect();
                    return Ok(Some((data, trailers, rest)));
                }
            }
        }
        Ok(None)
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        let bodies = [
            (&b"5\r\nhello\r\n0\r\n\r\nrest"[..], 0),
            (b"00002 \t;a=b\r\nhe\r\n3;c\r\nllo\r\n0;d\r\n\r\nrest", 0),
            (b"5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\nrest", 2),
            (b"5\r\nhello\r\n000\r\n\r\nrest", 0),
        ];
        for (body, trailers) in bodies {
            for size in 1..=body.len() {
                let expected = (b"hello".to_vec(), trailers, b"rest".to_vec());
                assert_eq!(read(body, size), Ok(Some(expected)), "{size}");
            }
        }
        assert_eq!(read(b"A\r\n0123456789\r\n0\r\n\r", 3), Ok(None));
    }

    #[test]
    fn what_are_no_chunks_is_no_body() {
        let long = |before: &str, length: usize, behind: &str| {
            format!("{before}{}{behind}", "x".repeat(length)).into_bytes()
        };
        for wrong in [
            b"\r\n".to_vec(),
            b"g\r\n".to_vec(),
            b"-1\r\n".to_vec(),
            b"0x1\r\n".to_vec(),
            b"1\nx".to_vec(),
            b"1 2\r\n".to_vec(),
            b"1;a\nb\r\n".to_vec(),
            b"1\r\nxy".to_vec(),
            b"1\r\nx\n0\r\n\r\n".to_vec(),
            b"10000000000000000\r\n".to_vec(),
            b"0\r\nno colon\r\n\r\n".to_vec(),
            b"0\r\nA: b\rC: d\r\n\r\n".to_vec(),
            b"0\r\nA: b\nC: d\r\n\r\n".to_vec(),
            long("1;", MOST_ASIDE, "\r\n"),
            long("0\r\nA: ", MOST_ASIDE, "\r\n\r\n"),
            "A: b\r\n".repeat(MOST_FIELDS + 1).replacen("A", "0\r\nA", 1).into_bytes(),
        ] {
            let wrong = [&wrong[..], b"\r\n"].concat();
            for size in [1, wrong.len()] {
                assert_eq!(read(&wrong, size), Err(Malformed), "{}", wrong.escape_ascii());
            }
        }
    }
}
