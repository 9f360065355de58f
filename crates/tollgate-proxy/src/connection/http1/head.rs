//! The head of a request, as it is read (RFC 9112 §3, §5).

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use httparse::{ParserConfig, Status};

use crate::headers::{is_chunked, length, tokens};
use crate::http1::{Coming, Connection, MOST_FIELDS, holds_end, name};

/// The longest target that there can be; listeners may want shorter ones.
const LONGEST_TARGET: usize = u16::MAX as usize - 1;

/// The longest body that can be counted.
const LONGEST_BODY: u64 = u64::MAX - 2;

/// What a head says of its connection and of what follows it.
#[derive(Debug)]
pub(crate) struct Head {
    /// The body.
    pub(crate) coming: Coming,
    /// The client expects to send another request behind it.
    pub(crate) keeps: bool,
    /// It waits to be asked for the body (RFC 9110 §10.1.1).
    pub(crate) expects: bool,
}

/// In the extensions of a request that may become something else than HTTP: those of other requests are empty,
/// which costs nothing to see.
#[derive(Clone, Copy, Debug)]
struct Upgrading;

/// How large a head may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) fields: usize,
}

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Nobody can be sure about it.
    Malformed,
    /// Its head is too large, or its body.
    TooLarge,
    /// Its target is too long.
    TargetTooLong,
}

/// Takes a head off `input` into `request`, which is empty. `None` if it is not all here: then `searched` says how
/// much of `input` holds no whole head.
///
/// # Errors
/// [`Unread`] for what is no head, and for one that is too large.
pub(crate) fn take<B>(
    input: &mut Bytes,
    searched: &mut usize,
    limits: Limits,
    request: &mut Request<B>,
) -> Result<Option<Head>, Unread> {
    // One that comes byte by byte is not read anew with each.
    if input.is_empty() || *searched > 0 && !holds_end(input, *searched) {
        return unfinished(input, searched, limits);
    }
    let mut few = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut many = Vec::new();
    let room = match few.get_mut(..limits.fields) {
        Some(room) => room,
        None => {
            many.resize_with(limits.fields, MaybeUninit::uninit);
            &mut many
        }
    };
    let mut read = httparse::Request::new(&mut []);
    let parser = ParserConfig::default();
    let length = match parser.parse_request_with_uninit_headers(&mut read, input, room) {
        Ok(Status::Complete(length)) if length <= limits.bytes => length,
        Ok(Status::Partial) => return unfinished(input, searched, limits),
        Ok(Status::Complete(_)) | Err(httparse::Error::TooManyHeaders) => {
            return Err(Unread::TooLarge);
        }
        Err(_) => return Err(Unread::Malformed),
    };
    let target = read.path.unwrap_or_default();
    if target.len() > LONGEST_TARGET {
        return Err(Unread::TargetTooLong);
    }
    let later = read.version == Some(1);
    *request.version_mut() = if later { Version::HTTP_11 } else { Version::HTTP_10 };
    let method = Method::from_bytes(read.method.unwrap_or_default().as_bytes());
    *request.method_mut() = method.map_err(|_| Unread::Malformed)?;
    let target = Uri::from_maybe_shared(input.slice_ref(target.as_bytes()));
    *request.uri_mut() = target.map_err(|_| Unread::Malformed)?;
    let mut about = About { later, ..About::default() };
    let fields = request.headers_mut();
    fields.reserve(read.headers.len());
    for field in read.headers.iter() {
        let name = name(field.name.as_bytes()).map_err(|_| Unread::Malformed)?;
        let value = HeaderValue::from_maybe_shared(input.slice_ref(field.value));
        let value = value.map_err(|_| Unread::Malformed)?;
        if about.read(&name, &value, fields)? {
            fields.try_append(name, value).map_err(|_| Unread::TooLarge)?;
        }
    }
    let coming = about.coming()?;
    if about.upgrades {
        request.extensions_mut().insert(Upgrading);
    }
    input.advance(length);
    *searched = 0;
    Ok(Some(Head { coming, keeps: about.keeps(), expects: about.expects && later }))
}

fn unfinished(input: &Bytes, searched: &mut usize, limits: Limits) -> Result<Option<Head>, Unread> {
    *searched = input.len();
    if input.len() < limits.bytes { Ok(None) } else { Err(Unread::TooLarge) }
}

/// What the fields of a head say about its connection and the body behind it.
#[derive(Default)]
struct About {
    /// It is of version 1.1, not of an earlier one.
    later: bool,
    connection: Connection,
    expects: bool,
    upgrades: bool,
    /// There is a length, of so many bytes.
    measured: bool,
    length: Option<u64>,
    /// There are codings, of which the last is `chunked`.
    coded: bool,
    chunked: bool,
}

impl About {
    /// Reads a field, before which those in `fields` stand; whether it goes on with them. Of a length beside a coding
    /// nothing goes on, and of lengths that are the same one (RFC 9112 §6.3).
    fn read(
        &mut self,
        name: &HeaderName,
        value: &HeaderValue,
        fields: &mut HeaderMap,
    ) -> Result<bool, Unread> {
        match *name {
            CONNECTION => {
                self.connection.read(value.as_bytes());
            }
            EXPECT => self.expects = value.as_bytes().eq_ignore_ascii_case(b"100-continue"),
            UPGRADE => self.upgrades = self.later,
            CONTENT_LENGTH => {
                self.measured = true;
                if self.coded {
                    return Ok(false);
                }
                let length = length(value).ok_or(Unread::Malformed)?;
                match self.length {
                    Some(before) if before != length => return Err(Unread::Malformed),
                    Some(_) => return Ok(false),
                    None if length > LONGEST_BODY => return Err(Unread::TooLarge),
                    None => self.length = Some(length),
                }
            }
            TRANSFER_ENCODING => {
                // Versions before know no codings.
                if !self.later {
                    return Err(Unread::Malformed);
                }
                self.coded = true;
                self.chunked = ends_in_chunked(value);
                if self.length.take().is_some() {
                    fields.remove(CONTENT_LENGTH);
                }
            }
            _ => {}
        }
        Ok(true)
    }

    fn coming(&self) -> Result<Coming, Unread> {
        match (self.coded, self.chunked) {
            (false, _) => Ok(Coming::of_length(self.length.unwrap_or(0))),
            (true, true) => Ok(Coming::Chunks(Box::default())),
            (true, false) => Err(Unread::Malformed),
        }
    }

    /// Whether the connection stays open: where the head is framed twice, somebody may see another end of it.
    fn keeps(&self) -> bool {
        self.connection.keeps(self.later) && !(self.coded && self.measured)
    }
}

/// Whether `chunked` is the last of the codings, as it has to be (RFC 9112 §6.1).
fn ends_in_chunked(codings: &HeaderValue) -> bool {
    is_chunked(codings)
        || tokens(codings).last().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests;
