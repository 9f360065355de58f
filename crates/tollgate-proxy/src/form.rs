//! Forms in which a key may stand (design §3, step 3). They are read whole before anything is
//! decided about their requests, so that the decision and the live list stay one poll.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_core::{Refusal, Service};

use crate::access_log::Note;
use crate::account::Account;
use crate::body::{CutOff, Incoming};
use crate::connection::Client;
use crate::roster::{Deadline, Entry, Handle};
use crate::upstream::Destination;
use crate::worker::{Coarse, Worker, nanoseconds};

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// Fields that tell a digest of the body: a wrong one once a key was taken out of it, and one by
/// which a key could be guessed.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// The body of a request that is to be decided.
pub(crate) enum Arriving {
    /// It is still to come, if there is one.
    Incoming(Incoming),
    /// A form, whole.
    Form(Bytes),
    /// A form that could not be read.
    Broken(Refusal),
}

impl Arriving {
    /// How many bytes are sure to come.
    pub(crate) fn lower(&self) -> u64 {
        match self {
            Self::Incoming(incoming) => incoming.size_hint().lower(),
            Self::Form(_) | Self::Broken(_) => 0,
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Incoming(incoming) if incoming.is_end_stream())
    }

    /// Whether it comes in pieces, until one is the last.
    pub(crate) fn is_of_unknown_length(&self) -> bool {
        match self {
            Self::Incoming(incoming) => incoming.size_hint().exact().is_none(),
            Self::Form(_) | Self::Broken(_) => false,
        }
    }

    /// Whether it is a form in which the service looks for a key, and that has to be read first.
    pub(crate) fn is_unread(&self, service: &Service, headers: &HeaderMap) -> bool {
        self.may_hold_key(service, headers) && !is_coded(headers)
    }

    /// The form, if it is one that was read.
    ///
    /// # Errors
    /// Why it could not be read: [`Refusal::KeyMalformed`] for a compressed one, of which nobody can
    /// tell whether a key stands in it.
    pub(crate) fn form(
        &self,
        service: &Service,
        headers: &HeaderMap,
    ) -> Result<Option<&[u8]>, Refusal> {
        match self {
            Self::Form(form) => Ok(Some(form)),
            Self::Broken(refusal) => Err(*refusal),
            Self::Incoming(_) if self.may_hold_key(service, headers) => Err(Refusal::KeyMalformed),
            Self::Incoming(_) => Ok(None),
        }
    }

    fn may_hold_key(&self, service: &Service, headers: &HeaderMap) -> bool {
        service.form_body_limit.is_some()
            && matches!(self, Self::Incoming(incoming) if !incoming.is_end_stream())
            && is_form(headers)
    }

    /// The body as it goes on, with `rest` in place of a form that a key was taken out of, and the
    /// fields that tell of its bytes put right.
    pub(crate) fn framed(self, rest: Option<Vec<u8>>, headers: &mut HeaderMap) -> Self {
        if self.is_of_unknown_length() {
            // hyper would send a GET without its body.
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let Self::Form(mut form) = self else { return self };
        if let Some(rest) = rest {
            form = rest.into();
            for digest in &DIGESTS {
                headers.remove(digest);
            }
        }
        headers.insert(CONTENT_LENGTH, form.len().into());
        Self::Form(form)
    }
}

/// A form that has to be read before its request can be decided.
pub(crate) struct Unread {
    pub(crate) body: Arriving,
    pub(crate) bounds: Bounds,
}

/// What a form is held to while it is read.
pub(crate) struct Bounds {
    /// Bytes that it may have.
    bytes: u64,
    /// Nanoseconds between two pieces of it.
    idle: u64,
    /// Nanoseconds for all of it.
    whole: u64,
}

impl Bounds {
    /// Those of any other body that goes to `destination`, and the service's own.
    pub(crate) fn of(
        service: &Service,
        client: &Client,
        destination: Option<&Destination>,
    ) -> Self {
        let bytes = service.form_body_limit.unwrap_or(0).min(client.door.settings.max_body_bytes);
        let (idle, whole) = match destination {
            Some(Destination::Server(pool)) => (pool.timeouts.idle, pool.timeouts.request),
            // No body goes there. It has the time that a head has.
            Some(Destination::Fixed { .. }) | None => (client.door.settings.header_timeout, None),
        };
        Self { bytes, idle: nanoseconds(idle), whole: whole.map_or(u64::MAX, nanoseconds) }
    }
}

impl Worker {
    /// Reads a form: the whole of it, or the reason why there is none.
    pub(crate) async fn read_form(
        &self,
        Unread { body, bounds }: Unread,
        client: &Client,
        account: &mut Account,
    ) -> Arriving {
        let Arriving::Incoming(incoming) = body else { return body };
        let Bounds { bytes, idle, whole } = bounds;
        let now = self.clock.monotonic();
        let deadline = Deadline { at: now.saturating_add(idle), late: Refusal::RequestTimeout };
        let mut form = Form {
            incoming,
            read: BytesMut::new(),
            bytes,
            idle,
            entry: self.forms.enter(client.connection, deadline, now.saturating_add(whole)),
            clock: Rc::clone(&self.coarse),
            received: account.note().map(Note::received),
        };
        let read = match form.incoming.size_hint().lower() > bytes {
            true => Err(Refusal::BodyTooLarge),
            false => poll_fn(|cx| form.poll(cx)).await,
        };
        read.map_or_else(Arriving::Broken, Arriving::Form)
    }
}

/// A form that is being read. It holds no more memory than has arrived.
struct Form {
    incoming: Incoming,
    read: BytesMut,
    bytes: u64,
    idle: u64,
    /// Its place among the open forms, by which it is ended when it is late.
    entry: Entry<Handle>,
    clock: Rc<Coarse>,
    /// Where its bytes are counted, if they are.
    received: Option<Rc<Cell<u64>>>,
}

impl Form {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Refusal>> {
        if let Poll::Ready(refusal) = self.entry.poll_end(cx) {
            return Poll::Ready(Err(refusal));
        }
        loop {
            let frame = match ready!(self.incoming.poll_piece(cx)) {
                None => return Poll::Ready(Ok(std::mem::take(&mut self.read).freeze())),
                Some(Err(CutOff)) => return Poll::Ready(Err(Refusal::BadRequest)),
                Some(Ok(frame)) => frame,
            };
            // Trailers end here: what goes on has a length.
            if let Ok(data) = frame.into_data() {
                self.add(&data)?;
            }
        }
    }

    /// Copies a piece: kept as it came, a small one could hold a large buffer.
    fn add(&mut self, data: &[u8]) -> Result<(), Refusal> {
        if (self.read.len() + data.len()) as u64 > self.bytes {
            return Err(Refusal::BodyTooLarge);
        }
        self.read.extend_from_slice(data);
        if let Some(received) = &self.received {
            received.set(self.read.len() as u64);
        }
        // A piece without a byte is no progress.
        if !data.is_empty() {
            let at = self.clock.now().saturating_add(self.idle);
            self.entry.set_deadline(Deadline { at, late: Refusal::RequestTimeout });
        }
        Ok(())
    }
}

/// Whether a body says that it is a form, also where it says so beside other things.
fn is_form(headers: &HeaderMap) -> bool {
    let says = |value: &HeaderValue| {
        let parts = value.as_bytes().split(|byte| matches!(byte, b';' | b','));
        parts.map(<[u8]>::trim_ascii).any(|part| part.eq_ignore_ascii_case(FORM))
    };
    headers.get_all(CONTENT_TYPE).iter().any(says)
}

/// Whether a body is compressed, or otherwise not what its type says.
fn is_coded(headers: &HeaderMap) -> bool {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    !headers.get_all(CONTENT_ENCODING).iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let fields = values.iter().map(|value| (name.clone(), HeaderValue::from_static(value)));
        fields.collect()
    }

    #[test]
    fn a_form_is_known_by_its_type_however_it_is_written() {
        for (types, expected) in [
            (&["application/x-www-form-urlencoded"][..], true),
            (&["Application/X-WWW-Form-Urlencoded ; charset=UTF-8"], true),
            (&["text/plain", "application/x-www-form-urlencoded"], true),
            (&["text/plain, application/x-www-form-urlencoded"], true),
            (&["multipart/form-data; boundary=a"], false),
            (&["application/json"], false),
            (&["application/x-www-form-urlencoded2"], false),
            (&[], false),
        ] {
            assert_eq!(is_form(&headers(&CONTENT_TYPE, types)), expected, "{types:?}");
        }
    }

    #[test]
    fn only_what_is_not_coded_can_be_read() {
        for (codings, expected) in
            [(&[][..], false), (&["identity"], false), (&["gzip"], true), (&["identity, br"], true)]
        {
            assert_eq!(is_coded(&headers(&CONTENT_ENCODING, codings)), expected, "{codings:?}");
        }
    }

    #[test]
    fn a_changed_form_has_its_own_length_and_no_digest_of_another() {
        let mut fields = headers(&CONTENT_LENGTH, &["20"]);
        fields.insert("content-digest", HeaderValue::from_static("sha-256=:AAAA=:"));
        let whole = Arriving::Form(Bytes::from_static(b"a=1"));
        let Arriving::Form(same) = whole.framed(None, &mut fields) else { panic!("no form") };
        assert_eq!((&*same, &fields[CONTENT_LENGTH]), (&b"a=1"[..], &HeaderValue::from(3)));
        assert!(fields.contains_key("content-digest"));
        let rest = Arriving::Form(same).framed(Some(Vec::new()), &mut fields);
        assert!(matches!(rest, Arriving::Form(rest) if rest.is_empty()));
        assert_eq!(fields[CONTENT_LENGTH], "0");
        assert!(!fields.contains_key("content-digest"));
    }
}
