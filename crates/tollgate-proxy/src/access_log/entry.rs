//! What the access log is told of one request: numbers, and copies of short texts in one block, so
//! that nothing is shared with the worker that goes on.

use std::borrow::Cow;
use std::net::IpAddr;

use http::{StatusCode, Version};
use tollgate_core::{Refusal, Revision, Shadow};

use crate::tls::TlsVersion;
use crate::trace::Span;

/// The longest text that is kept of one field; a longer one is cut. It bounds what a full ring
/// holds.
const LONGEST: usize = 4096;

/// Room for the texts of most requests.
const USUAL: usize = 256;

/// A text of an entry.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Field {
    RequestId,
    HttpMethod,
    Host,
    Path,
    Service,
    Endpoint,
    Method,
    Key,
    Application,
    Package,
    Plan,
}

const FIELDS: usize = Field::Plan as usize + 1;

/// A request that is over.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// When its head had arrived, in milliseconds since 1970.
    pub(crate) unix_ms: u64,
    /// The listener, by its number.
    pub(crate) listener: usize,
    /// `None` = nobody knows its address.
    pub(crate) client: Option<IpAddr>,
    pub(crate) version: Version,
    /// `None` = over a plain connection.
    pub(crate) tls: Option<TlsVersion>,
    /// What it is of its trace; `None` = requests are not traced.
    pub(crate) span: Option<Span>,
    /// `None` = the client went away before there was an answer.
    pub(crate) status: Option<StatusCode>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) shadow: Shadow,
    /// The snapshot that decided; `None` = there was none.
    pub(crate) revision: Option<Revision>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    /// The whole response was handed to the client's connection.
    pub(crate) complete: bool,
    /// Nanoseconds until the response had ended.
    pub(crate) total: u64,
    /// Nanoseconds until the upstream's response began or it failed; `None` = none was asked.
    pub(crate) upstream: Option<u64>,
    /// Servers of the upstream that the request was sent to, one after the other.
    pub(crate) attempts: u8,
    text: Vec<u8>,
    /// Where each text begins and ends; an empty one is not known.
    ranges: [(u16, u16); FIELDS],
}

impl Entry {
    /// Of a request of which no more is known than where it came from.
    pub(crate) fn new(
        listener: usize,
        client: Option<IpAddr>,
        version: Version,
        unix_ms: u64,
    ) -> Self {
        Self {
            unix_ms,
            listener,
            client,
            version,
            tls: None,
            span: None,
            status: None,
            refusal: None,
            shadow: Shadow::default(),
            revision: None,
            request_bytes: 0,
            response_bytes: 0,
            complete: false,
            total: 0,
            upstream: None,
            attempts: 0,
            text: Vec::with_capacity(USUAL),
            ranges: [(0, 0); FIELDS],
        }
    }

    /// The number of the version of HTTP.
    pub(crate) fn http_version(&self) -> &'static str {
        match self.version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        }
    }

    /// Keeps a copy of a text, unless there is one already.
    pub(crate) fn put(&mut self, field: Field, text: &[u8]) {
        let Some(range @ (0, 0)) = self.ranges.get_mut(field as usize) else { return };
        let text = text.get(..LONGEST).unwrap_or(text);
        let begin = self.text.len();
        let end = begin + text.len();
        // All texts at their longest are within 64 KiB.
        let (Ok(from), Ok(to)) = (u16::try_from(begin), u16::try_from(end)) else { return };
        *range = (from, to);
        self.text.extend_from_slice(text);
    }

    /// A text; what is not UTF-8 in it is replaced.
    pub(crate) fn text(&self, field: Field) -> Option<Cow<'_, str>> {
        let (from, to) = *self.ranges.get(field as usize)?;
        let text = self.text.get(usize::from(from)..usize::from(to))?;
        (!text.is_empty()).then(|| String::from_utf8_lossy(text))
    }
}

const _: () = assert!(FIELDS * LONGEST <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn entry() -> Entry {
        Entry::new(0, Some(Ipv4Addr::LOCALHOST.into()), Version::HTTP_11, 0)
    }

    #[test]
    fn texts_come_back_whatever_their_order_and_length() {
        let mut entry = entry();
        let long = vec![b'x'; 3 * LONGEST];
        entry.put(Field::Path, &long);
        entry.put(Field::Host, b"");
        entry.put(Field::Plan, b"free");
        entry.put(Field::Plan, b"other");
        entry.put(Field::RequestId, b"a\xffb");
        assert_eq!(entry.text(Field::Path).unwrap().len(), LONGEST);
        assert_eq!(entry.text(Field::Host), None);
        assert_eq!(entry.text(Field::Plan).unwrap(), "free");
        assert_eq!(entry.text(Field::RequestId).unwrap(), "a\u{fffd}b");
        assert_eq!(entry.text(Field::Key), None);
    }
}
