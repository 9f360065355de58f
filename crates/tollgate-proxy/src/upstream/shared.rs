//! Connections of HTTP/2, each used by many requests at once.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::failure::{ConnectError, Unanswered, Unreached};
use super::io::Stream;
use super::last_words::LastWords;
use crate::body::OutBody;
use crate::connection::LocalExecutor;
use crate::headers;

/// What is held at most of a response that its client does not read.
const STREAM_WINDOW: u32 = 64 << 10;
/// The same, of all responses of a connection.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// What is held at most of a request's body that the server does not read.
const SEND_BUFFER: usize = 64 << 10;
/// The greatest head of a response.
const HEADER_LIST: u32 = 64 << 10;

/// So many connections to one server, at most, while each has as many streams as the server allows.
/// Beyond that, streams wait for their turn.
pub(super) const CONNECTIONS: usize = 8;

/// Streams that a server is taken to allow until it has said so: what it should (RFC 9113 §6.5.2).
const USUAL_STREAMS: usize = 100;

/// Streams that go before the server has said how many it allows.
const BEFORE_SETTINGS: usize = 1;

/// How often it is looked whether a server has said what it takes, when that is waited for.
const LOOK: Duration = Duration::from_millis(2);

/// The shared connections to one server.
#[derive(Debug, Default)]
pub(super) struct Shared(RefCell<Vec<Rc<Carrier>>>);

/// One of them.
#[derive(Debug)]
struct Carrier {
    sender: SendRequest<OutBody>,
    scheme: Scheme,
    /// Streams that are open.
    open: Cell<usize>,
    /// Streams that the server allows, once it has said so.
    allowed: Rc<Cell<usize>>,
    /// Whether it takes extended CONNECT (RFC 8441 §3), once it has said so.
    tunnels: Rc<Cell<bool>>,
    /// Has both of these looked at again.
    look: Rc<Notify>,
    /// It has answered, so that it has said so before.
    settled: Cell<bool>,
    /// When it carried a request last, in nanoseconds of the monotonic clock.
    used: Cell<u64>,
}

/// A stream's place on a connection, given up when dropped.
#[derive(Debug)]
pub(crate) struct Place(Rc<Carrier>);

impl Shared {
    /// A place on the connection that has the most room. `None` if there is no connection, or all
    /// have as many streams as the server allows and there may be more of them, `most` in all.
    pub(super) fn take(&self, now: u64, most: usize) -> Option<Place> {
        let mut carriers = self.0.borrow_mut();
        carriers.retain(|carrier| !carrier.sender.is_closed());
        let best = carriers.iter().min_by_key(|carrier| carrier.open.get())?;
        let full = best.is_settled() && best.open.get() >= best.allowed.get();
        if full && carriers.len() < most { None } else { Some(Place::on(best, now)) }
    }

    /// How many requests can be open at once over `most` connections.
    pub(super) fn places(&self, most: usize) -> usize {
        let carriers = self.0.borrow();
        let open = carriers.iter().filter(|carrier| !carrier.sender.is_closed());
        let places = open.map(|carrier| carrier.places()).take(most);
        let (count, made, least) = places.fold((0, 0_usize, USUAL_STREAMS), |sum, places| {
            (sum.0 + 1, sum.1.saturating_add(places), sum.2.min(places))
        });
        made.saturating_add(least.max(1).saturating_mul(most - count))
    }

    /// Whether there is no connection.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Lets go of all connections. Requests that are open keep theirs.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Speaks HTTP/2 over `stream`, from now on for all.
    ///
    /// # Errors
    /// If the connection does not even take our preface.
    pub(super) async fn begin(
        &self,
        stream: Stream,
        scheme: Scheme,
        now: u64,
    ) -> Result<Place, ConnectError> {
        let io = TokioIo::new(LastWords::of(stream));
        let mut builder = Builder::new(LocalExecutor);
        builder
            // Others wait within the connection until the server says how many it takes: what goes
            // before that may be refused.
            .initial_max_send_streams(BEFORE_SETTINGS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(HEADER_LIST);
        let made = Box::pin(builder.handshake(io)).await;
        let (sender, connection) = made.map_err(|error| {
            ConnectError::new(Unreached::Protocol, std::io::Error::other(error))
        })?;
        let allowed = Rc::new(Cell::new(connection.current_max_send_streams()));
        let tunnels = Rc::<Cell<bool>>::default();
        let look = Rc::<Notify>::default();
        let told = (Rc::clone(&allowed), Rc::clone(&tunnels), Rc::clone(&look));
        // Many wait for it, so that it is driven by a task of its own. It ends with the last sender.
        spawn_local(async move {
            let (allowed, tunnels, look) = told;
            let mut connection = pin!(connection);
            let mut ended = false;
            while !ended {
                let mut asked = pin!(look.notified());
                ended = poll_fn(|cx| {
                    let polled = connection.as_mut().poll(cx);
                    allowed.set(connection.current_max_send_streams());
                    tunnels.set(connection.is_extended_connect_protocol_enabled());
                    match polled {
                        Poll::Ready(_) => Poll::Ready(true),
                        Poll::Pending => asked.as_mut().poll(cx).map(|()| false),
                    }
                })
                .await;
            }
        });
        let carrier = Rc::new(Carrier {
            sender,
            scheme,
            open: Cell::new(0),
            allowed,
            tunnels,
            look,
            settled: Cell::new(false),
            used: Cell::new(now),
        });
        let place = Place::on(&carrier, now);
        self.0.borrow_mut().push(carrier);
        Ok(place)
    }

    /// Whether there is none.
    pub(super) fn is_bare(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Lets go of connections that were closed, or carried nothing for `keep_alive`.
    pub(super) fn sweep(&self, now: u64, keep_alive: u64) {
        self.0.borrow_mut().retain(|carrier| {
            let idle = carrier.open.get() == 0;
            let old = now.saturating_sub(carrier.used.get()) >= keep_alive;
            let useless = idle && old;
            !useless && !carrier.sender.is_closed()
        });
    }
}

impl Carrier {
    /// Whether the server has said how many streams it allows.
    fn is_settled(&self) -> bool {
        self.settled.get() || self.allowed.get() != BEFORE_SETTINGS
    }

    /// Requests that it carries at once.
    fn places(&self) -> usize {
        if self.is_settled() { self.allowed.get() } else { USUAL_STREAMS }
    }
}

impl Place {
    fn on(carrier: &Rc<Carrier>, now: u64) -> Self {
        carrier.open.set(carrier.open.get() + 1);
        carrier.used.set(now);
        Self(Rc::clone(carrier))
    }

    /// The scheme of what is asked for over it.
    pub(super) fn scheme(&self) -> &Scheme {
        &self.0.scheme
    }

    /// Whether the server takes tunnels, once it has said so: with its settings, and it sends nothing before
    /// them.
    pub(super) async fn takes_tunnels(&self) -> bool {
        let carrier = &self.0;
        while !carrier.tunnels.get() && !carrier.is_settled() {
            // hyper reads the settings in another task, and tells nobody.
            carrier.look.notify_one();
            sleep(LOOK).await;
        }
        carrier.tunnels.get()
    }

    /// Sends a request in the form of HTTP/2. It stays whole where it may go `again`, as far as all of it is
    /// here, and where nothing of it was sent.
    ///
    /// # Errors
    /// Why there is no response.
    pub(super) async fn send(
        &self,
        request: &mut Request<OutBody>,
        again: bool,
    ) -> Result<Response<Incoming>, Unanswered> {
        let carrier = &self.0;
        let goes = Some(&*request).filter(|_| again).and_then(copy);
        let mut goes = goes.unwrap_or_else(|| std::mem::take(request));
        headers::keep_out_of_table(goes.headers_mut());
        let sent = carrier.sender.clone().try_send_request(goes).await;
        carrier.settled.set(carrier.settled.get() || sent.is_ok());
        sent.map_err(|mut error| match error.take_message() {
            Some(unsent) => {
                *request = unsent;
                Unanswered::Unsent
            }
            None if is_unprocessed(error.error()) => Unanswered::Unprocessed,
            None if is_closed(error.error()) => Unanswered::Closed,
            None => Unanswered::Broken,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

/// A copy of a request, if all of it is here.
fn copy(request: &Request<OutBody>) -> Option<Request<OutBody>> {
    let mut copy = Request::new(request.body().copy()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

/// Whether the server has said that it did nothing with a request: it went away before it, or refused
/// its stream (RFC 9113 §8.7).
fn is_unprocessed(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>());
    cause.is_some_and(|cause| {
        cause.is_remote()
            && match cause.reason() {
                Some(h2::Reason::REFUSED_STREAM) => cause.is_reset(),
                Some(h2::Reason::NO_ERROR) => cause.is_go_away(),
                _ => false,
            }
    })
}

/// Whether the connection ended before there was a response.
fn is_closed(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || is_reset(error)
}

fn is_reset(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| {
        matches!(cause.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
    })
}
