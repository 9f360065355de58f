//! A client's connection: over TLS or plain, HTTP/1.1 or HTTP/2, under deadlines.

mod begin;
mod fits;
mod frames;
mod http1;
mod io;
mod room;
mod serve;
mod streams;
mod turned_away;
mod written;

use std::cell::Cell;
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::rt::Executor;
use tollgate_core::{CertificateFingerprint, Refusal};

use room::Room;
use written::Written;

use crate::account::Account;
use crate::body::Reading;
use crate::listen::ListenerSettings;
use crate::peer::{Peer, Whence};
use crate::roster::{Deadline, Entry, Handle, Roster};
use crate::tls::{ClientCertificate, Session};
use crate::tunnel::{Switched, Tunnel};
use crate::worker::{Beginning, Coarse, Door, Worker, nanoseconds};

pub(crate) use frames::{Frames, StreamRefused};
#[cfg(feature = "fuzzing")]
pub use http1::heard::{HeardRequest, hear_requests};
pub(crate) use http1::{Date, Rooms, Upload};
pub(crate) use serve::serve;
pub(crate) use streams::Stream;
pub(crate) use turned_away::TurnedAway;

/// The connections of a worker; those of HTTP/2 with their clients, once there is one.
pub(crate) type Connections = Roster<Option<Rc<Client>>>;
pub(crate) type ConnectionEntry = Entry<Option<Rc<Client>>>;

/// How long a connection that is asked to go may take once it is idle.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long its last requests may take.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// What a connection of HTTP/2 holds beyond what every connection and each open body may.
#[derive(Clone, Copy)]
pub(crate) struct Surplus {
    pub(crate) bytes: u64,
    /// No request is open.
    pub(crate) idle: bool,
    /// Since when that is so.
    pub(crate) since: u64,
}

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
    roster: Rc<Connections>,
    clock: Rc<Coarse>,
    http2: bool,
    open: Cell<u32>,
    /// Since when requests are open, or none is.
    since: Cell<u64>,
    room: Room,
    reading_head: Cell<bool>,
    resets: Cell<bool>,
    written: Written,
    /// What the connection is about to become.
    tunnel: Cell<Option<Box<Tunnel>>>,
    /// When it is to be used no more, in nanoseconds of the monotonic clock.
    old_at: Cell<u64>,
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

    /// Where a request of its comes from.
    pub(crate) fn whence(&self, headers: &HeaderMap) -> Whence {
        Whence::of(self.peer, self.session.is_some(), headers, &self.door.settings.proxies)
    }

    /// The certificate that it has presented.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        self.session.as_ref()?.certificate.as_deref()
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
            self.since.set(self.clock.now());
        }
        self.open.set(self.open.get() + 1);
        self.room.hold(self.open.get());
        self.reading_head.set(false);
        drop(self.beginning.take());
        self.set_deadline(Deadline::NONE);
    }

    /// A request has ended at `now`. With the last one the connection is idle.
    pub(crate) fn end(&self, now: u64) {
        self.open.set(self.open.get().saturating_sub(1));
        if self.open.get() == 0 {
            self.since.set(now);
            self.wait(now, self.patience());
        }
    }

    /// How long it may be idle.
    fn patience(&self) -> Duration {
        let timeout = self.door.settings.idle_timeout;
        if self.is_retired() { timeout.min(FAREWELL) } else { timeout }
    }

    /// What it holds beyond what it may; `None` = it was asked to go.
    pub(crate) fn surplus(&self) -> Option<Surplus> {
        let open = self.open.get();
        let bytes = self.room.beyond(self.session.is_some(), open);
        let surplus = Surplus { bytes, idle: open == 0, since: self.since.get() };
        (!self.is_retired()).then_some(surplus)
    }

    /// Asks the connection to go, to make room.
    pub(crate) fn retire(&self, now: u64) {
        self.turn_away(TurnedAway::IdleRoom);
        self.old_at.set(0);
        self.roster.set_limit(self.connection, now.saturating_add(nanoseconds(LAST_REQUESTS)));
        if self.open.get() == 0 {
            self.wait(now, self.patience());
        }
        self.roster.wake(self.connection);
    }

    fn is_retired(&self) -> bool {
        self.old_at.get() == 0
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
                self.wait(self.clock.now(), self.patience());
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
            // The kernel keeps nothing for whoever was to make room.
            Refusal::RequestTimeout if self.is_retired() && self.open.get() > 0 => self.reset(),
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
        self.clock.now() >= self.old_at.get()
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
