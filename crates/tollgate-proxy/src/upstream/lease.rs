//! A connection in the hands of the one request that uses it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;

use super::failure::{ConnectError, Unreached};
use super::form::{in_one, in_two};
use super::io::{Stream, UpstreamIo, Wire};
use super::shared::Place;
use super::signal::Signal;
use crate::body::OutBody;
use crate::tunnel::{End, begun};

/// What comes of a request: a response, or why there is none, with the request if it was not sent.
pub(crate) type Sent = Result<Response<Incoming>, TrySendError<Request<OutBody>>>;

/// What is read at most at once, also of the head of a response, and what is held at most of a request's
/// body that the server does not read.
const BUFFER: usize = 32 << 10;

/// A connection, held by the one request that uses it.
#[derive(Debug)]
pub(crate) struct Lease {
    road: Road,
    /// It has carried a request before.
    pub(crate) reused: bool,
}

/// How a request goes.
#[derive(Debug)]
pub(super) enum Road {
    /// By itself.
    Http1(Http1),
    /// Among others.
    Http2(Place),
}

/// A connection of HTTP/1.1.
#[derive(Debug)]
pub(super) struct Http1 {
    sender: SendRequest<OutBody>,
    link: Link,
    wire: Rc<Wire>,
}

/// The connection below a lease, and what wakes whoever drives it.
#[derive(Debug)]
pub(crate) struct Link {
    connection: Pin<Box<Connection<TokioIo<UpstreamIo>, OutBody>>>,
    closed: bool,
    signal: Signal,
}

impl Link {
    /// Moves bytes both ways, as far as they go now, and polls `what` they may have brought. Where nothing
    /// has happened to the connection since it was last polled, it has nothing to move.
    pub(crate) fn drive<T>(
        &mut self,
        cx: &Context<'_>,
        mut what: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Self { connection, closed, signal } = self;
        signal.poll(cx, |cx, woken| {
            if woken && !*closed {
                *closed = connection.as_mut().poll(cx).is_ready();
            }
            what(cx)
        })
    }

    /// Ready once hyper has nothing more to do with the connection.
    fn poll_closed(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.stir(cx);
        if self.closed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Moves bytes both ways, as far as they go now.
    fn stir(&mut self, cx: &Context<'_>) {
        let _ = self.drive(cx, |_| Poll::<()>::Pending);
    }
}

impl Http1 {
    /// Speaks HTTP/1.1 over `stream`.
    ///
    /// # Errors
    /// If hyper does not begin.
    pub(super) async fn over(stream: Stream) -> Result<Self, ConnectError> {
        let wire = Rc::<Wire>::default();
        let io = UpstreamIo::new(stream, Rc::clone(&wire));
        let mut builder = http1::Builder::new();
        let made = builder.writev(false).max_buf_size(BUFFER).handshake(io).await;
        let (sender, connection) = made.map_err(|error| {
            ConnectError::new(Unreached::Protocol, std::io::Error::other(error))
        })?;
        let connection = Box::pin(connection);
        let link = Link { connection, closed: false, signal: Signal::default() };
        let mut one = Self { sender, link, wire };
        // Ready to send only once it has been polled.
        poll_fn(|cx| {
            one.link.stir(cx);
            Poll::Ready(())
        })
        .await;
        Ok(one)
    }

    /// Whether it is still there and can carry a request. One that cannot be sent twice goes `once`:
    /// then the kernel is asked, too, whether the server has closed the connection.
    pub(super) fn is_ready(&mut self, once: bool, cx: &Context<'_>) -> bool {
        if once {
            self.wire.look.set(true);
            self.link.signal.stir();
        }
        self.link.stir(cx);
        self.wire.look.set(false);
        !self.link.closed && self.sender.is_ready()
    }

    /// Whether the server has closed it, as far as is known.
    pub(super) fn is_closed(&self) -> bool {
        self.link.closed
    }

    /// Looks at what the server has done meanwhile.
    pub(super) fn refresh(&mut self, cx: &Context<'_>) {
        self.link.stir(cx);
    }
}

impl Lease {
    pub(super) fn new(road: Road, reused: bool) -> Self {
        Self { road, reused }
    }

    pub(super) fn into_road(self) -> Road {
        self.road
    }

    /// Whether the server has said anything since a request was handed over. Of a shared
    /// connection it is not known to whom.
    pub(crate) fn heard(&self) -> bool {
        match &self.road {
            Road::Http1(one) => one.wire.heard.get(),
            Road::Http2(_) => false,
        }
    }

    /// The bytes of a connection or stream whose server has switched to another protocol, once hyper
    /// lets go of them, with the lease of one that is a stream. `None` if it has not switched.
    ///
    /// # Errors
    /// What `ended` says.
    pub(crate) async fn into_end<E>(
        self,
        response: &mut Response<Incoming>,
        ended: impl Fn(&Context<'_>) -> Poll<E>,
    ) -> Result<Option<(Box<dyn End>, Option<Self>)>, E> {
        let Road::Http1(Http1 { mut link, .. }) = self.road else {
            // It is there with the response.
            let stream = hyper::upgrade::on(response).await.ok();
            return Ok(stream.map(|stream| (Box::new(stream) as _, Some(self))));
        };
        poll_fn(|cx| match ended(cx) {
            Poll::Ready(end) => Poll::Ready(Err(end)),
            Poll::Pending => link.poll_closed(cx).map(Ok),
        })
        .await?;
        let parts = Pin::into_inner(link.connection).into_parts();
        Ok(Some((begun(parts.io, parts.read_buf), None)))
    }

    /// The link that carries the response; `None` where it comes by itself.
    pub(crate) fn link(&mut self) -> Option<&mut Link> {
        match &mut self.road {
            Road::Http1(one) => Some(&mut one.link),
            Road::Http2(_) => None,
        }
    }

    /// Whether the server takes tunnels beside the streams of others, once it has said so.
    pub(crate) async fn takes_tunnels(&self) -> bool {
        match &self.road {
            Road::Http1(_) => false,
            Road::Http2(place) => place.takes_tunnels().await,
        }
    }

    /// Whether other requests use the same connection.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.road, Road::Http2(_))
    }

    /// Brings the request into the form of the version that is spoken; `None` if it has none.
    pub(crate) fn shape(&self, request: &mut Request<OutBody>) -> Option<()> {
        match &self.road {
            Road::Http1(_) => in_one(request),
            Road::Http2(place) => in_two(request, place.scheme()),
        }
    }

    /// Sends a request and waits until there is a response, or an error, or `ended` says that it is
    /// over.
    pub(crate) async fn send<E>(
        &mut self,
        request: Request<OutBody>,
        ended: impl Fn(&Context<'_>) -> Poll<E>,
    ) -> Result<Sent, E> {
        match &mut self.road {
            Road::Http1(Http1 { sender, link, wire }) => {
                wire.heard.set(false);
                let mut sending = pin!(link.signal.quietly(|| sender.try_send_request(request)));
                poll_fn(|cx| until(cx, &ended, |cx| link.drive(cx, |cx| sending.as_mut().poll(cx))))
                    .await
            }
            // Boxed, so that requests to others have no room for it in their future.
            Road::Http2(place) => {
                let mut sending = Box::pin(place.send(request));
                poll_fn(|cx| until(cx, &ended, |cx| sending.as_mut().poll(cx))).await
            }
        }
    }
}

fn until<E>(
    cx: &mut Context<'_>,
    ended: &impl Fn(&Context<'_>) -> Poll<E>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Sent>,
) -> Poll<Result<Sent, E>> {
    if let Poll::Ready(end) = ended(cx) {
        return Poll::Ready(Err(end));
    }
    match poll(cx) {
        Poll::Pending => Poll::Pending,
        // The client's side of the exchange may be what broke it.
        Poll::Ready(Err(error)) => match ended(cx) {
            Poll::Ready(end) => Poll::Ready(Err(end)),
            Poll::Pending => Poll::Ready(Ok(Err(error))),
        },
        Poll::Ready(Ok(response)) => Poll::Ready(Ok(Ok(response))),
    }
}
