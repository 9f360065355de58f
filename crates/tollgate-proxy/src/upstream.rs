//! Connections to upstreams: a pool of HTTP/1.1 connections for each worker and upstream.
//!
//! A connection is driven by the request that uses it, in that request's own task: no task and no
//! wake-up stands between the client's connection and the upstream's. While it is idle nobody polls
//! it; what the upstream did in the meantime, a close above all, is seen when it is taken out.

mod dial;
mod failure;
mod io;
mod known;
mod signal;
mod trust;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, Connection, SendRequest};
use tollgate_core::{HostHeader, Target, Upstream, UpstreamTimeouts};

use crate::body::OutBody;
use dial::Dial;
pub(crate) use failure::{ConnectError, Unreached};
use io::{UpstreamIo, Wire};
pub(crate) use known::Known;
pub use known::Upstreams;
use signal::Signal;
pub use trust::{ClientTrust, UpstreamTls};

/// What answers in an upstream's name, as one worker holds it.
#[derive(Debug)]
pub(crate) enum Destination {
    /// A server.
    Server(Pool),
    /// A response that is built in.
    Fixed {
        /// Its status.
        status: StatusCode,
        /// Its fields.
        headers: HeaderMap,
        /// Its body.
        body: Bytes,
    },
}

impl Destination {
    pub(crate) fn new(upstream: &Upstream, upstreams: &Upstreams) -> Self {
        match &upstream.target {
            Target::Fixed(response) => Self::Fixed {
                status: response.status,
                headers: response
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), own(value)))
                    .collect(),
                body: Bytes::copy_from_slice(response.body.as_bytes()),
            },
            Target::Server(server) => Self::Server(Pool {
                dial: Dial::new(server, upstreams.known(&upstream.name), upstreams),
                authority: own(&server.authority),
                host_header: server.host_header,
                timeouts: server.timeouts,
                max_idle: server.max_idle,
                idle: RefCell::default(),
            }),
        }
    }
}

/// A copy with a reference count of its own: one that several workers count on would bounce between
/// their cores with every request.
pub(crate) fn own(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
}

/// The connections to one server.
#[derive(Debug)]
pub(crate) struct Pool {
    dial: Dial,
    /// The server's own `Host`.
    pub(crate) authority: HeaderValue,
    /// Whose `Host` it sees.
    pub(crate) host_header: HostHeader,
    /// How long to wait for it.
    pub(crate) timeouts: UpstreamTimeouts,
    max_idle: usize,
    /// The most recently used last: it is taken first, so that the others can grow old.
    idle: RefCell<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    lease: Lease,
    since: u64,
}

/// A connection, held by the one request that uses it.
#[derive(Debug)]
pub(crate) struct Lease {
    sender: SendRequest<OutBody>,
    link: Link,
    wire: Rc<Wire>,
    /// It has carried a request before.
    pub(crate) reused: bool,
}

/// A response to come, or the request back if it was not sent.
pub(crate) trait Sending:
    Future<Output = Result<Response<Incoming>, TrySendError<Request<OutBody>>>>
{
}

impl<F> Sending for F where
    F: Future<Output = Result<Response<Incoming>, TrySendError<Request<OutBody>>>>
{
}

/// The connection below a lease, and what wakes whoever drives it.
#[derive(Debug)]
pub(crate) struct Link {
    connection: Pin<Box<Connection<UpstreamIo, OutBody>>>,
    closed: bool,
    signal: Signal,
}

impl Link {
    /// Moves bytes both ways, as far as they go now, and polls `what` they may have brought.
    pub(crate) fn drive<T>(
        &mut self,
        cx: &Context<'_>,
        mut what: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let Self { connection, closed, signal } = self;
        signal.poll(cx, |cx| {
            if !*closed {
                *closed = connection.as_mut().poll(cx).is_ready();
            }
            what(cx)
        })
    }

    /// Moves bytes both ways, as far as they go now.
    fn stir(&mut self, cx: &Context<'_>) {
        let _ = self.drive(cx, |_| Poll::<()>::Pending);
    }
}

impl Lease {
    /// Hands a request to the link. What is returned is ready once there is a response, which takes
    /// driving the link.
    pub(crate) fn send(&mut self, request: Request<OutBody>) -> (impl Sending, &mut Link) {
        let Self { sender, link, wire, .. } = self;
        wire.heard.set(false);
        let sending = link.signal.quietly(|| sender.try_send_request(request));
        (sending, link)
    }

    /// Whether the server has said anything since a request was handed over.
    pub(crate) fn heard(&self) -> bool {
        self.wire.heard.get()
    }

    /// The link that carries the response.
    pub(crate) fn link(&mut self) -> &mut Link {
        &mut self.link
    }
}

impl Pool {
    /// An idle connection that can carry a request. One that cannot be sent twice goes `once`: then
    /// the kernel is asked, too, whether the server has closed the connection.
    pub(crate) fn take(&self, once: bool, cx: &Context<'_>) -> Option<Lease> {
        loop {
            let mut lease = self.idle.borrow_mut().pop()?.lease;
            lease.wire.look.set(once);
            lease.link.stir(cx);
            lease.wire.look.set(false);
            if !lease.link.closed && lease.sender.is_ready() {
                return Some(lease);
            }
        }
    }

    /// Keeps a connection whose response has ended, for the next request.
    pub(crate) fn give_back(&self, mut lease: Lease, now: u64) {
        let mut idle = self.idle.borrow_mut();
        if !lease.link.closed && idle.len() < self.max_idle {
            lease.reused = true;
            idle.push(Idle { lease, since: now });
        }
    }

    /// Closes what has been idle for too long, or was closed by the server.
    pub(crate) fn sweep(&self, now: u64) {
        let keep_alive = u64::try_from(self.timeouts.keep_alive.as_nanos()).unwrap_or(u64::MAX);
        let cx = Context::from_waker(Waker::noop());
        self.idle.borrow_mut().retain_mut(|idle| {
            idle.lease.link.stir(&cx);
            !idle.lease.link.closed && now.saturating_sub(idle.since) < keep_alive
        });
    }

    /// What all workers know of the upstream.
    pub(crate) fn known(&self) -> &Known {
        self.dial.known()
    }

    /// A new connection.
    ///
    /// # Errors
    /// Whatever the resolver, the network or the handshake said.
    pub(crate) async fn connect(&self) -> Result<Lease, ConnectError> {
        let stream = self.dial.connect().await?;
        let wire = Rc::<Wire>::default();
        let mut builder = http1::Builder::new();
        let io = UpstreamIo::new(stream, Rc::clone(&wire));
        let made = builder.writev(false).handshake(io).await;
        let (sender, connection) = made.map_err(|error| ConnectError {
            reason: Unreached::Protocol,
            error: std::io::Error::other(error),
        })?;
        let connection = Box::pin(connection);
        let link = Link { connection, closed: false, signal: Signal::default() };
        let mut lease = Lease { sender, link, wire, reused: false };
        // Ready to send only once it has been polled.
        std::future::poll_fn(|cx| {
            lease.link.stir(cx);
            Poll::Ready(())
        })
        .await;
        Ok(lease)
    }
}
