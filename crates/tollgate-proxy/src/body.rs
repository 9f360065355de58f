//! Bodies, both ways.

mod end;
mod incoming;
mod pace;
mod reading;
mod relay;

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderName;
use http_body::{Body, Frame, SizeHint};
use tollgate_core::Refusal;

use crate::access_log::Note;
use crate::account::Account;
use crate::connection::StreamRefused;
use crate::headers;
use crate::live::LiveList;
use crate::respond::Reason;
use crate::roster::{Deadline, Handle};
use crate::tunnel::Switched;
use crate::worker::Coarse;

pub(crate) use end::{CutOff, poll_streamed};
pub(crate) use incoming::Incoming;
pub(crate) use pace::Pace;
pub(crate) use reading::Reading;
pub(crate) use relay::Relay;

/// A body that could not be carried to its end.
#[derive(Debug)]
pub(crate) struct Broken(Refusal);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.title())
    }
}

impl std::error::Error for Broken {}

/// A request's body on its way upstream. Most requests have none, and their futures hold several of
/// these.
#[derive(Debug, Default)]
pub(crate) enum OutBody {
    /// There is none.
    #[default]
    Empty,
    /// There is one.
    Some(Box<Outgoing>),
}

/// A body that there is.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// It is all here.
    Whole(Bytes),
    /// It arrives from the client, watched.
    Streaming(Streaming),
}

impl From<Outgoing> for OutBody {
    fn from(body: Outgoing) -> Self {
        Self::Some(Box::new(body))
    }
}

/// A client's body: bounded in size, and in the time between two pieces.
#[derive(Debug)]
pub(crate) struct Streaming {
    pub(crate) incoming: Incoming,
    /// Bytes that may still come.
    pub(crate) left: u64,
    /// Fields that no upstream sees, also not behind the body.
    pub(crate) withheld: Box<[HeaderName]>,
    pub(crate) pace: Pace,
    /// Where its bytes are counted, if they are.
    pub(crate) received: Option<Rc<Cell<u64>>>,
    pub(crate) live: Rc<LiveList>,
    pub(crate) handle: Handle,
    pub(crate) clock: Rc<Coarse>,
    /// Nanoseconds between two pieces.
    pub(crate) idle: u64,
    /// Nanoseconds that the upstream has for its answer once all is sent.
    pub(crate) first_byte: u64,
}

impl Streaming {
    /// Nothing of it is here: it has to go on in time.
    fn wait(&mut self) {
        let now = self.clock.now();
        if let Some(latest) = self.pace.wait(now) {
            let at = latest.min(now.saturating_add(self.idle));
            self.live.set_deadline(self.handle, Deadline { at, late: Refusal::RequestTimeout });
        }
    }

    fn watch(&mut self, frame: Option<&Result<Frame<Bytes>, CutOff>>) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut ended = frame.is_none();
        match frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.pace.go_on(length, now);
                self.left = self.left.checked_sub(length).ok_or(Refusal::BodyTooLarge)?;
                if let Some(received) = &self.received {
                    received.set(received.get() + length);
                }
                // Behind a last piece that is known for it nobody asks for an end.
                ended = self.incoming.is_end_stream();
            }
            Some(Err(CutOff)) => return Err(Refusal::BadRequest),
            None => {}
        }
        let (wait, late) = match ended {
            true => (self.first_byte, Refusal::UpstreamTimeout),
            false => (self.idle, Refusal::RequestTimeout),
        };
        let at = now.saturating_add(wait);
        self.live.set_deadline(self.handle, Deadline { at, late });
        Ok(())
    }
}

impl OutBody {
    /// A copy, if all of it is here.
    pub(crate) fn copy(&self) -> Option<Self> {
        let Self::Some(body) = self else { return Some(Self::Empty) };
        match &**body {
            Outgoing::Whole(body) => Some(Outgoing::Whole(body.clone()).into()),
            Outgoing::Streaming(_) => None,
        }
    }

    /// Whether it still arrives from the client.
    pub(crate) fn is_streaming(&self) -> bool {
        matches!(self, Self::Some(body) if matches!(**body, Outgoing::Streaming(_)))
    }
}

impl Body for OutBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Self::Some(body) = self.get_mut() else { return Poll::Ready(None) };
        let body = match &mut **body {
            Outgoing::Whole(body) => {
                let body = Some(std::mem::take(body)).filter(|body| !body.is_empty());
                return Poll::Ready(body.map(|body| Ok(Frame::data(body))));
            }
            Outgoing::Streaming(body) => body,
        };
        // Over HTTP/2 a request can outlast its response, and with it the permit: nobody wants the rest.
        if body.live.poll_over(body.handle, cx).is_ready() {
            return Poll::Ready(Some(Err(Broken(Refusal::BadRequest))));
        }
        let Poll::Ready(mut frame) = body.incoming.poll_piece(cx) else {
            body.wait();
            return Poll::Pending;
        };
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            headers::clean_trailers(trailers);
            headers::remove(trailers, &body.withheld);
        }
        if let Err(refusal) = body.watch(frame.as_ref()) {
            body.live.end(body.handle, refusal);
            return Poll::Ready(Some(Err(Broken(refusal))));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|CutOff| Broken(Refusal::BadRequest))))
    }

    fn is_end_stream(&self) -> bool {
        let Self::Some(body) = self else { return true };
        match &**body {
            Outgoing::Whole(body) => body.is_empty(),
            Outgoing::Streaming(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let Self::Some(body) = self else { return SizeHint::with_exact(0) };
        match &**body {
            Outgoing::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Outgoing::Streaming(body) => body.incoming.size_hint(),
        }
    }
}

/// A response's body on its way to the client. Its end, or its drop, closes the account.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    content: Content,
    /// `None` = it is a tunnel's.
    account: Option<Account>,
}

/// What a response carries.
#[derive(Debug)]
pub(crate) enum Content {
    /// All there.
    Full(Option<Bytes>),
    /// All there, and a refusal.
    Refused(Option<Bytes>, Reason),
    /// Sent by an upstream.
    Relay(Box<Relay>),
    /// None, as a tunnel begins.
    Switched(Box<Switched>),
}

impl Content {
    /// Content that is all there.
    pub(crate) fn full(body: Bytes) -> Self {
        Self::Full(Some(body).filter(|body| !body.is_empty()))
    }

    /// Content that tells of a refusal.
    pub(crate) fn refused(body: Bytes, reason: Reason) -> Self {
        Self::Refused(Some(body).filter(|body| !body.is_empty()), reason)
    }

    /// All of it; `None` where there is none, or where an upstream sends it.
    pub(crate) fn into_bytes(self) -> Option<Bytes> {
        match self {
            Self::Full(body) | Self::Refused(body, _) => body,
            Self::Relay(_) | Self::Switched(_) => None,
        }
    }

    /// The refusal that it tells of.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.reason().map(|reason| reason.refusal)
    }

    /// The same, as far as the caller is told of it.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(_, reason) => Some(*reason),
            Self::Full(_) | Self::Relay(_) | Self::Switched(_) => None,
        }
    }

    /// Whether nothing of it is left to send.
    fn has_ended(&self) -> bool {
        match self {
            Self::Full(body) | Self::Refused(body, _) => body.is_none(),
            Self::Relay(relay) => relay.live.is_none(),
            Self::Switched(_) => false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self {
            Self::Full(body) | Self::Refused(body, _) => {
                Poll::Ready(body.take().map(|body| Ok(Frame::data(body))))
            }
            Self::Relay(relay) => relay.poll(cx),
            Self::Switched(_) => Poll::Ready(None),
        }
    }

    /// Content that an upstream sends. If it has none, its connection is free at once.
    pub(crate) fn relay(mut relay: Relay) -> Self {
        if relay.is_over() {
            relay.finish();
            return Self::Full(None);
        }
        Self::Relay(Box::new(relay))
    }
}

impl ReplyBody {
    /// Sends `content` on `account`.
    pub(crate) fn new(content: Content, mut account: Account) -> Self {
        if content.has_ended() {
            account.noted(Note::complete);
        }
        Self { content, account: Some(account) }
    }

    /// Whether it tells of a refusal.
    pub(crate) fn is_refusal(&self) -> bool {
        self.content.reason().is_some()
    }

    /// What a response carries that begins a tunnel: nothing, and the tunnel has the account.
    pub(crate) fn switched() -> Self {
        Self { content: Content::Full(None), account: None }
    }
}

impl Drop for ReplyBody {
    /// One that is stopped from outside was not polled since it was ended.
    fn drop(&mut self) {
        if let (Content::Relay(relay), Some(account)) = (&self.content, &mut self.account)
            && let Some(refusal) = relay.live.as_ref().and_then(|live| live.ended())
        {
            account.noted(|note| note.broken(refusal));
            if relay.is_unread() {
                account.refuse_stream(StreamRefused::Unread);
            }
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Self { content, account } = self.get_mut();
        let polled = content.poll(cx);
        let Some(account) = account else { return polled };
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            account.break_off();
        }
        if let Poll::Ready(frame) = &polled
            && let Some(note) = account.note()
        {
            match frame {
                Some(Ok(frame)) => note.sent(frame),
                Some(Err(Broken(refusal))) => note.broken(*refusal),
                None => {}
            }
            if content.has_ended() {
                note.complete();
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Full(body) | Content::Refused(body, _) => body.is_none(),
            Content::Relay(relay) => relay.is_over(),
            Content::Switched(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Full(body) | Content::Refused(body, _) => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64)
            }
            Content::Relay(relay) => relay.size_hint(),
            Content::Switched(_) => SizeHint::with_exact(0),
        }
    }
}
