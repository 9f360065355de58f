//! The head of a response, as it is written (RFC 9112 §4, §6).

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::http1::{Connection, write_field};

/// What a response answers, as far as that says how it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The request is of a version before 1.1.
    pub(super) old: bool,
    /// It asks for the head alone.
    pub(super) head_alone: bool,
    /// The connection stays open, unless the response says otherwise.
    pub(super) keeps: bool,
}

impl Asked {
    /// What answers bytes that are no request.
    pub(super) const NOTHING: Self = Self { old: false, head_alone: false, keeps: false };

    pub(super) fn new(method: &Method, old: bool, keeps: bool) -> Self {
        Self { old, head_alone: method == Method::HEAD, keeps }
    }
}

/// What is known of a body that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// There is none.
    None,
    Exact(u64),
    Unknown,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, or the client wants none.
    Absent,
    /// By its length in bytes, of which so many are to come.
    Length(u64),
    /// In chunks.
    Chunks,
    /// By the end of the connection.
    Close,
}

/// Appends the head of a response. How its body goes, and whether another request may follow.
pub(super) fn write(
    out: &mut Vec<u8>,
    status: StatusCode,
    fields: &HeaderMap,
    size: Size,
    asked: Asked,
    date: &[u8],
) -> (Framing, bool) {
    begin(out, status, asked.old);
    let framing = frame(status, size, asked);
    let mut connection = Connection::default();
    let mut length_stands = framing != Framing::Absent || !asked.head_alone;
    let mut dated = false;
    for (name, value) in fields {
        match *name {
            // How it is framed is said below; of a body that the client does not want its length goes on.
            CONTENT_LENGTH if length_stands => continue,
            CONTENT_LENGTH => length_stands = true,
            // No field follows a body.
            TRANSFER_ENCODING | TRAILER => continue,
            CONNECTION => {
                connection.read(value.as_bytes());
            }
            DATE => dated = true,
            _ => {}
        }
        write_field(out, name, value);
    }
    match (framing, size) {
        (Framing::Length(length), _) => write_length(out, length),
        (Framing::Absent, Size::Exact(length)) if !length_stands => write_length(out, length),
        (Framing::Absent, Size::None) if !asked.head_alone && !is_bodiless(status) => {
            write_length(out, 0);
        }
        (Framing::Chunks, _) => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        _ => {}
    }
    let keeps = asked.keeps && connection.keeps(true) && framing != Framing::Close;
    if status != StatusCode::SWITCHING_PROTOCOLS {
        match (keeps, asked.old) {
            // Old clients end with the connection unless they are told otherwise.
            (true, true) => write_field(out, &CONNECTION, &HeaderValue::from_static("keep-alive")),
            (false, false) if connection.keeps(true) => {
                write_field(out, &CONNECTION, &HeaderValue::from_static("close"));
            }
            _ => {}
        }
    }
    if !dated {
        out.extend_from_slice(b"date: ");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    (framing, keeps)
}

fn begin(out: &mut Vec<u8>, status: StatusCode, old: bool) {
    if status == StatusCode::OK && !old {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(if old { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(status.as_str().as_bytes());
    out.extend_from_slice(b" ");
    // Some clients expect a reason, whatever it is.
    out.extend_from_slice(status.canonical_reason().unwrap_or("<none>").as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn frame(status: StatusCode, size: Size, asked: Asked) -> Framing {
    match size {
        _ if asked.head_alone || is_bodiless(status) => Framing::Absent,
        Size::None => Framing::Absent,
        Size::Exact(length) => Framing::Length(length),
        Size::Unknown if asked.old => Framing::Close,
        Size::Unknown => Framing::Chunks,
    }
}

/// Whether a response of this status has no body, whatever it says (RFC 9112 §6.3).
fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn write_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
