//! A client's connection: over TLS or plain, HTTP/1.1 or HTTP/2, under deadlines.

mod begin;
mod fits;
mod frames;
mod io;
mod streams;
mod turned_away;
mod written;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tollgate_core::{CertificateFingerprint, Refusal};

use begin::Begun;
use io::{ClientIo, Inspected};
use streams::Streams;
use written::Written;

use crate::account::Account;
use crate::body::Reading;
use crate::listen::ListenerSettings;
use crate::peer::{Peer, Whence};
use crate::roster::{Deadline, Entry, Handle, Roster};
use crate::socket::Socket;
use crate::tls::{ClientCertificate, Session};
use crate::tunnel::{Switched, Tunnel};
use crate::worker::{Beginning, Coarse, Door, Ending, Worker, nanoseconds};

pub(crate) use frames::{Frames, StreamRefused};
pub(crate) use streams::Stream;
pub(crate) use turned_away::TurnedAway;

/// The client at the other end of a connection.
pub(crate) struct Client {
    pub(crate) door: Rc<Door>,
    peer: Peer,
    /// Its address, as upstreams are told.
    pub(crate) forwarded_for: Option<HeaderValue>,
    /// What it said to begin with TLS; `None` over a plain connection.
    pub(crate) session: Option<Session>,
    /// The connection's place on the worker's roster.
    pub(crate) connection: Handle,
    roster: Rc<Roster<()>>,
    clock: Rc<Coarse>,
    http2: bool,
    open: Cell<u32>,
    reading_head: Cell<bool>,
    resets: Cell<bool>,
    written: Written,
    /// What the connection is about to become.
    tunnel: Cell<Option<Box<Tunnel>>>,
    /// When it is to be used no more, in nanoseconds of the monotonic clock.
    old_at: u64,
    /// Until its first request.
    beginning: Cell<Option<Beginning>>,
}

impl Client {
    /// Where its connection comes from: whoever holds the other end, or whom the proxy there has
    /// announced; `None` = nobody knows.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.peer.address
    }

    /// Whether it may speak for others.
    pub(crate) fn is_trusted(&self) -> bool {
        self.peer.trusted
    }

    /// Whether each of its requests has a stream of its own.
    pub(crate) fn speaks_http2(&self) -> bool {
        self.http2
    }

    /// Where a request of its comes from.
    pub(crate) fn whence(&self, headers: &HeaderMap) -> Whence {
        Whence::of(self.peer, self.session.is_some(), headers, &self.door.settings.proxies)
    }

    /// The certificate that it has presented.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        self.session.as_ref()?.certificate.as_ref()
    }

    /// The fingerprint of that certificate.
    pub(crate) fn fingerprint(&self) -> Option<&CertificateFingerprint> {
        self.certificate().map(|certificate| &certificate.fingerprint)
    }

    /// Has the connection end by a reset.
    pub(crate) fn reset(&self) {
        self.resets.set(true);
    }

    /// A request has begun: from here on its own deadlines count.
    pub(crate) fn begin(&self) {
        if self.open.get() == 0 {
            self.written.begin();
        }
        self.open.set(self.open.get() + 1);
        self.reading_head.set(false);
        drop(self.beginning.take());
        self.set_deadline(Deadline::NONE);
    }

    /// A request has ended at `now`. With the last one the connection is idle.
    pub(crate) fn end(&self, now: u64) {
        self.open.set(self.open.get().saturating_sub(1));
        if self.open.get() == 0 {
            self.wait(now, self.door.settings.idle_timeout);
        }
    }

    /// Bytes have arrived. Between requests of HTTP/1.1 they begin a head.
    fn heard(&self) {
        if !self.http2 && self.open.get() == 0 && !self.reading_head.replace(true) {
            self.wait(self.clock.now(), self.door.settings.header_timeout);
        }
    }

    /// Nothing can be written until the client reads.
    fn stall(&self) {
        if let Some(at) = self.written.stall(self.clock.now()) {
            let deadline = Deadline { at, late: Refusal::RequestTimeout };
            self.roster.set_deadline(self.connection, deadline);
        }
    }

    /// So many bytes are written, for which the client may have had to read.
    fn move_on(&self, length: u64) {
        if self.written.go_on(length, self.clock.now()) {
            if self.open.get() > 0 {
                self.set_deadline(Deadline::NONE);
            } else {
                self.wait(self.clock.now(), self.door.settings.idle_timeout);
            }
        }
    }

    fn wait(&self, now: u64, timeout: Duration) {
        let at = now.saturating_add(nanoseconds(timeout));
        self.set_deadline(Deadline { at, late: Refusal::RequestTimeout });
    }

    /// Sets the deadline of the connection; that of a client that does not read stays.
    fn set_deadline(&self, deadline: Deadline) {
        if !self.written.is_stalled() {
            self.roster.set_deadline(self.connection, deadline);
        }
    }

    /// The connection becomes a tunnel, or a stream of it, once the client has been told.
    pub(crate) fn switch(&self, mut switched: Switched, worker: &Rc<Worker>, account: Account) {
        let stream = switched.stream.take();
        let tunnel = switched.begin(worker, account);
        match stream {
            None => self.tunnel.set(Some(Box::new(tunnel))),
            Some(stream) => drop(tokio::task::spawn_local(async move {
                // Otherwise the client has left.
                if let Ok(stream) = stream.await {
                    tunnel.carry(Box::new(stream), Bytes::new()).await;
                }
            })),
        }
    }

    /// Counts that the connection ends for what the client does.
    fn turn_away(&self, reason: TurnedAway) {
        self.door.connections.turn_away(reason);
    }

    /// The connection was ended with `refusal` while nobody was at work for it.
    fn ended(&self, refusal: Refusal) {
        let begins_a_head = self.open.get() == 0 && self.reading_head.get();
        match refusal {
            // A request that is open is polled, unless its client does not read.
            Refusal::RequestTimeout | Refusal::UpstreamTimeout
                if self.written.is_stalled() || self.open.get() > 0 =>
            {
                self.turn_away(self.written.late().unwrap_or(TurnedAway::WriteTimeout));
                // The kernel keeps nothing for whoever does not read it.
                self.reset();
            }
            Refusal::RequestTimeout if begins_a_head => self.turn_away(TurnedAway::HeaderTimeout),
            // Idle, or cut with its requests.
            _ => {}
        }
    }

    /// How a response that comes `now` has to be read; `None` = it has the connection for itself.
    pub(crate) fn reading_of_stream(&self, now: u64) -> Option<Reading> {
        let ListenerSettings { min_response_rate, write_timeout, .. } = self.door.settings;
        self.http2.then(|| Reading::new(min_response_rate, write_timeout, now))
    }

    /// Whether no further request is wanted by the connection.
    pub(crate) fn is_old(&self) -> bool {
        self.clock.now() >= self.old_at
    }
}

/// Serves a connection to its end.
///
/// It comes from `peer`; `None` = by a Unix socket.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    door: Rc<Door>,
    stream: Socket,
    peer: Option<IpAddr>,
    beginning: Beginning,
) {
    let entry = worker.connections.enter((), Deadline::NONE, u64::MAX);
    let Some(begun) = begin::begin(&worker, &door, &entry, stream, peer).await else { return };
    // Counted among those of its source until it ends.
    let Begun { peer, counted: _counted, stream, http2, session } = begun;
    let forwarded_for =
        peer.address.and_then(|address| HeaderValue::try_from(address.to_string()).ok());
    let client = Rc::new(Client {
        door: Rc::clone(&door),
        peer,
        forwarded_for,
        session,
        connection: entry.handle(),
        roster: Rc::clone(&worker.connections),
        clock: Rc::clone(&worker.coarse),
        http2,
        open: Cell::new(0),
        reading_head: Cell::new(true),
        resets: Cell::new(false),
        written: Written::new(&door.settings),
        tunnel: Cell::new(None),
        old_at: door.settings.max_age.map_or(u64::MAX, |age| worker.old_at(age)),
        beginning: Cell::new(Some(beginning)),
    });
    let inspected =
        http2.then(|| Inspected::new(Frames::new(&door.settings), Rc::clone(&worker.read_room)));
    let io = ClientIo::new(stream, Rc::clone(&client), inspected);
    let handler = Rc::clone(&worker);
    let caller = Rc::clone(&client);
    if http2 {
        let streams = Streams::default();
        let builder = door.settings.http2_builder(streams.clone());
        let service = service_fn(move |request| {
            Rc::clone(&handler).handle(Rc::clone(&caller), Some(streams.call()), request)
        });
        let connection = pin!(builder.serve_connection(io, service));
        drive(&worker, &client, &entry, connection, http2::Connection::graceful_shutdown).await;
    } else {
        let service = service_fn(move |request| {
            Rc::clone(&handler).handle(Rc::clone(&caller), None, request)
        });
        let mut connection = door.settings.http1_builder().serve_connection(io, service);
        let driven = Pin::new(&mut connection);
        let done =
            drive(&worker, &client, &entry, driven, http1::Connection::graceful_shutdown).await;
        // Written to its end, or the client was told nothing.
        if let Some(tunnel) = client.tunnel.take().filter(|_| done) {
            let parts = connection.into_parts();
            let mut carried = Box::pin(tunnel.carry(Box::new(parts.io), parts.read_buf));
            poll_fn(|cx| until_ended(&client, &entry, cx, |cx| carried.as_mut().poll(cx))).await;
        }
    }
}

/// Polls a connection until it ends or is ended, and shuts it down once the worker ends or, where
/// that keeps its requests, once it is old. Returns whether it ended by itself and without an error.
async fn drive<C>(
    worker: &Worker,
    client: &Client,
    entry: &Entry<()>,
    mut connection: Pin<&mut C>,
    shut_down: impl Fn(Pin<&mut C>),
) -> bool
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut shutting_down = false;
    let mut poll = |cx: &mut Context<'_>| {
        // HTTP/1.1 would end before a request that is on its way: its last response says so, and
        // it is given some time to ask for one.
        let ending = worker.ending.get();
        let ends = match client.http2 {
            true => ending >= Ending::Last || client.is_old(),
            false => ending >= Ending::Idle,
        };
        if ends && !shutting_down {
            shutting_down = true;
            shut_down(connection.as_mut());
        }
        connection.as_mut().poll(cx)
    };
    match poll_fn(|cx| until_ended(client, entry, cx, &mut poll)).await {
        Some(Ok(())) => true,
        Some(Err(error)) => {
            worker.note_malformed(&error);
            if is_calming(&error) {
                client.turn_away(TurnedAway::Calm);
            }
            false
        }
        None => false,
    }
}

/// Polls what a connection is for, unless it was ended: then there is nothing.
fn until_ended<T>(
    client: &Client,
    entry: &Entry<()>,
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<Option<T>> {
    if let Poll::Ready(refusal) = entry.poll_end(cx) {
        client.ended(refusal);
        return Poll::Ready(None);
    }
    poll(cx).map(Some)
}

/// Whether HTTP/2 has asked the client to calm down.
fn is_calming(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|error| {
        !error.is_remote() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
    })
}

/// Bytes of a request's body that an HTTP/2 stream holds at most, and of a response.
const STREAM_BYTES: u32 = 64 << 10;

impl ListenerSettings {
    fn http1_builder(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        // Deadlines are the roster's: hyper's would allocate a timer a request.
        builder.header_read_timeout(None).max_buf_size(self.max_header_bytes.max(8192));
        builder.max_header_size(self.max_header_bytes);
        // Setting hyper's own default would move the headers of each request to the heap.
        if self.max_headers != 100 {
            builder.max_headers(self.max_headers);
        }
        builder
    }

    fn http2_builder(&self, streams: Streams) -> http2::Builder<Streams> {
        let mut builder = http2::Builder::new(streams);
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20))
            .max_concurrent_streams(self.max_streams)
            .max_local_error_reset_streams(self.max_resets as usize)
            .initial_stream_window_size(STREAM_BYTES)
            .max_send_buf_size(STREAM_BYTES as usize)
            .enable_connect_protocol()
            .max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX));
        builder
    }
}

/// Runs the streams of an upstream's connection on the worker's own thread.
#[derive(Clone, Copy)]
pub(crate) struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(stream);
    }
}
