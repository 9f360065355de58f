//! The head of a response, as it is read (RFC 9112 §4, §5).

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::{ParserConfig, Status};

use crate::headers::{is_chunked, length};
use crate::http1::{self, Coming, Connection, MOST_FIELDS, Malformed, holds_end};

/// What a head says, beside its fields.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    /// What follows it, if it is followed by anything.
    pub(super) framing: Result<Coming, Malformed>,
    /// The server expects another request behind it.
    pub(super) keeps: bool,
}

impl Head {
    /// Whether what follows is no HTTP any more.
    pub(super) fn switches(&self) -> bool {
        self.status == StatusCode::SWITCHING_PROTOCOLS
    }
}

/// Takes a head off `input`, and replaces `headers` with its fields. `None` if it is not all here:
/// then `searched` says how much of `input` holds no whole head.
///
/// # Errors
/// [`Malformed`] for what is no head.
pub(super) fn take(
    input: &mut Bytes,
    searched: &mut usize,
    headers: &mut HeaderMap,
) -> Result<Option<Head>, Malformed> {
    // One that comes byte by byte is not read anew with each.
    if input.is_empty() || *searched > 0 && !holds_end(input, *searched) {
        *searched = input.len();
        return Ok(None);
    }
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut read = httparse::Response::new(&mut []);
    let parser = ParserConfig::default();
    let parsed = parser.parse_response_with_uninit_headers(&mut read, input, &mut fields);
    let Status::Complete(length) = parsed.map_err(|_| Malformed)? else {
        *searched = input.len();
        return Ok(None);
    };
    let status = read.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed)?;
    let later = read.version == Some(1);
    let (mut connection, mut framing) = (Connection::default(), Framing::default());
    headers.clear();
    headers.reserve(read.headers.len());
    for field in read.headers.iter() {
        let name = http1::name(field.name.as_bytes())?;
        // What says no more than this ends here anyway.
        if name == CONNECTION && connection.read(field.value) {
            continue;
        }
        let value = HeaderValue::from_maybe_shared(input.slice_ref(field.value));
        let value = value.map_err(|_| Malformed)?;
        if matches!(name, CONTENT_LENGTH | TRANSFER_ENCODING) {
            framing.read(&name, &value);
        }
        headers.try_append(name, value).map_err(|_| Malformed)?;
    }
    input.advance(length);
    *searched = 0;
    Ok(Some(Head { status, framing: framing.coming(later), keeps: connection.keeps(later) }))
}

/// How the fields of a head say that the body behind it ends (RFC 9112 §6.3).
#[derive(Default)]
struct Framing {
    lines: usize,
    length: Option<u64>,
    chunked: bool,
}

impl Framing {
    fn read(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.lines += 1;
        if *name == CONTENT_LENGTH {
            self.length = length(value);
        } else {
            self.chunked = is_chunked(value);
        }
    }

    /// What follows the head of a response, of version 1.1 or an earlier one. A coding other than `chunked`,
    /// or two lengths, are read by nobody.
    fn coming(&self, later: bool) -> Result<Coming, Malformed> {
        match (self.lines, self.length) {
            (0, _) => Ok(Coming::All),
            (1, Some(length)) => Ok(Coming::of_length(length)),
            (1, None) if self.chunked && later => Ok(Coming::Chunks(Box::default())),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Option<(Head, HeaderMap)>, Malformed> {
        let (mut input, mut headers) = (Bytes::copy_from_slice(head.as_bytes()), HeaderMap::new());
        let head = take(&mut input, &mut 0, &mut headers)?;
        Ok(head.map(|head| (head, headers)))
    }

    #[test]
    fn what_follows_a_head_is_what_only_one_reading_allows() {
        let follows = |fields: &str| {
            let (head, _) = read(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).unwrap().unwrap();
            head.framing.map(|coming| format!("{coming:?}"))
        };
        assert_eq!(follows(""), Ok("All".into()));
        assert_eq!(follows("Content-Length: 0\r\n"), Ok("Nothing".into()));
        assert_eq!(follows("Content-Length: 7\r\n"), Ok("Length(7)".into()));
        assert!(follows("Transfer-Encoding: Chunked\r\n").unwrap().starts_with("Chunks"));
        for doubtful in [
            "Content-Length: 7\r\nContent-Length: 7\r\n",
            "Content-Length: 7, 7\r\n",
            "Content-Length: +7\r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Content-Length:\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n",
        ] {
            assert_eq!(follows(doubtful), Err(Malformed), "{doubtful}");
        }
        let (old, _) =
            read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap().unwrap();
        assert_eq!(old.framing.err(), Some(Malformed));
    }

    #[test]
    fn a_connection_stays_open_unless_one_side_would_not_know_it() {
        for (version, fields, keeps) in [
            ("1.1", "", true),
            ("1.1", "Connection: x, Close\r\nConnection: keep-alive\r\n", false),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
            ("1.0", "Connection: keep-alive, close\r\n", false),
        ] {
            let (head, _) =
                read(&format!("HTTP/{version} 204 None\r\n{fields}\r\n")).unwrap().unwrap();
            assert_eq!(head.keeps, keeps, "{version} {fields}");
        }
    }

    #[test]
    fn what_is_no_head_is_told_from_what_is_not_all_of_one() {
        for none in [
            "HTTP/2.0 200 OK\r\n\r\n",
            "200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        ] {
            assert_eq!(read(none).err(), Some(Malformed), "{none:?}");
        }
        let fields = |count: usize| "A: b\r\n".repeat(count);
        let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        assert!(read(&head(&fields(MOST_FIELDS))).unwrap().is_some());
        assert!(read(&head(&fields(MOST_FIELDS + 1))).is_err());
        let whole = "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n";
        let (mut searched, mut headers) = (0, HeaderMap::new());
        for end in 0..whole.len() {
            let mut input = Bytes::copy_from_slice(&whole.as_bytes()[..end]);
            let taken = take(&mut input, &mut searched, &mut headers);
            assert!(taken.unwrap().is_none(), "{end}");
        }
        let mut input = Bytes::from(format!("{whole}rest"));
        assert!(take(&mut input, &mut searched, &mut headers).unwrap().is_some());
        assert_eq!((&input[..], headers.len(), searched), (&b"rest"[..], 2, 0));
    }
}
