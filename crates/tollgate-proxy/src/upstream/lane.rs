//! The connections of a worker to one server.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};

use http::HeaderValue;
use tokio::sync::Notify;
use tollgate_core::{Server, ServerTarget};

use super::dial::{Dial, Line};
use super::failure::{ConnectError, Unreached};
use super::http1::Http1;
use super::known::{Known, Upstreams};
use super::lease::{Lease, Road};
use super::own;
use super::peer::Peer;
use super::pending::Pending;
use super::servers::{At, Spot};
use super::shared::{CONNECTIONS, Shared};
use crate::worker::nanoseconds;

/// The connections to one server.
#[derive(Debug)]
pub(crate) struct Lane {
    dial: Dial,
    /// The number of its target.
    pub(super) target: usize,
    /// The server as all workers see it.
    pub(super) peer: Arc<Peer>,
    /// The server's own `Host`.
    pub(super) authority: HeaderValue,
    /// Its share.
    pub(super) weight: u16,
    /// How far its turn has come.
    pub(super) turn: Cell<i64>,
    max_idle: usize,
    /// Connections at once, at most; `None` = no bound.
    max_connections: Option<usize>,
    /// Requests that have a place here.
    open: Cell<usize>,
    /// Who waits for a place.
    pending: Rc<Pending>,
    /// The server is none of the upstream's any more.
    retired: Cell<bool>,
    /// Nanoseconds for which an idle connection is kept.
    keep_alive: u64,
    /// Connections of HTTP/1.1. The most recently used last: it is taken first, so that the others
    /// can grow old.
    idle: RefCell<Vec<Idle>>,
    /// Connections of HTTP/2.
    shared: Shared,
    connecting: Rc<Connecting>,
}

#[derive(Debug)]
struct Idle {
    one: Box<Http1>,
    since: u64,
    /// When it was last looked at.
    looked: u64,
}

/// How often it is looked whether a server has closed an idle connection, in nanoseconds. It only keeps the socket:
/// each is looked at before it is used.
const LOOK: u64 = 1_000_000_000;

/// What is known of the attempt to make a connection that many may use.
#[derive(Debug, Default)]
struct Connecting {
    now: Cell<bool>,
    /// The last one that was made carries one request at a time.
    alone: Cell<bool>,
    /// Why the last one was not made, and its number.
    failed: Cell<Option<(u64, Unreached)>>,
    attempt: Cell<u64>,
    over: Notify,
}

/// An attempt to make a connection. It is over when dropped.
struct Attempt(Rc<Connecting>);

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.now.set(false);
        self.0.over.notify_waiters();
    }
}

impl Lane {
    pub(super) fn new(
        server: &Server,
        target: &ServerTarget,
        spot: &Spot,
        pending: Rc<Pending>,
        known: Arc<Known>,
        upstreams: &Upstreams,
    ) -> Self {
        Self {
            dial: Dial::new(server, target, spot.at.clone(), known, upstreams),
            target: spot.target,
            peer: Arc::clone(&spot.peer),
            authority: own(&target.authority),
            weight: target.weight,
            turn: Cell::new(0),
            max_idle: server.max_idle,
            max_connections: server.max_connections,
            open: Cell::new(0),
            pending,
            retired: Cell::new(false),
            keep_alive: nanoseconds(server.timeouts.keep_alive),
            idle: RefCell::default(),
            shared: Shared::default(),
            connecting: Rc::default(),
        }
    }

    /// Where the server is.
    pub(super) fn at(&self) -> &At {
        self.dial.at()
    }

    /// Whether one more request has a place: a connection to itself, or a stream.
    pub(super) fn has_room(&self) -> bool {
        match self.max_connections {
            None if !self.dial.may_share() => true,
            most => self.open.get() < self.places(most.unwrap_or(usize::MAX)),
        }
    }

    /// How many requests can be open over `most` connections.
    fn places(&self, most: usize) -> usize {
        if !self.dial.may_share() || self.connecting.alone.get() {
            return most;
        }
        let places = self.shared.places(most.min(CONNECTIONS));
        // It may turn out that a connection carries one at a time.
        if self.dial.must_share() || !self.shared.is_empty() { places } else { places.min(most) }
    }

    /// A request has a place here from now on.
    pub(super) fn enter(&self) {
        self.open.set(self.open.get() + 1);
    }

    /// A request has given up its place.
    pub(super) fn leave(&self) {
        self.open.set(self.open.get().saturating_sub(1));
        if !self.pending.is_empty() {
            self.pending.stir();
        }
    }

    /// Keeps no connection any more: the server is gone. Requests that are open end in peace.
    pub(super) fn retire(&self) {
        self.retired.set(true);
        self.idle.borrow_mut().clear();
        self.shared.clear();
    }

    /// Whether all of its connections carry many requests at once.
    pub(crate) fn always_shares(&self) -> bool {
        self.dial.must_share()
    }

    /// A connection that can carry a request: an idle one, or one with room for another stream. One that
    /// cannot be sent twice goes `once`: then the kernel is asked, too, whether the server has closed
    /// an idle connection. One that no other request may share goes `alone`.
    pub(crate) fn take(
        &self,
        once: bool,
        alone: bool,
        now: u64,
        cx: &mut Context<'_>,
    ) -> Option<Lease> {
        if !alone
            && self.dial.may_share()
            && let Some(place) = self.shared.take(now, self.max_shared())
        {
            return Some(Lease::new(Road::http2(place), true));
        }
        loop {
            let mut one = self.idle.borrow_mut().pop()?.one;
            if one.is_ready(once, cx) {
                return Some(Lease::new(Road::http1(one), true));
            }
        }
    }

    /// Keeps a connection whose response has ended, for the next request.
    pub(crate) fn give_back(&self, lease: Lease, now: u64) {
        let mut idle = self.idle.borrow_mut();
        if let Some(one) = lease.into_free()
            && idle.len() < self.max_idle
            && !self.retired.get()
        {
            idle.push(Idle { one, since: now, looked: now });
        }
    }

    /// Closes what has been idle for too long, or was closed by the server.
    pub(crate) fn sweep(&self, now: u64) {
        let keep_alive = self.keep_alive;
        let mut cx = Context::from_waker(Waker::noop());
        self.idle.borrow_mut().retain_mut(|idle| {
            let due = now.saturating_sub(idle.looked) >= LOOK;
            if due {
                idle.looked = now;
            }
            now.saturating_sub(idle.since) < keep_alive
                && (!due || idle.one.is_ready(false, &mut cx))
        });
        self.shared.sweep(now, keep_alive);
    }

    /// Whether no connection is open.
    pub(super) fn is_bare(&self) -> bool {
        self.open.get() == 0 && self.idle.borrow().is_empty() && self.shared.is_bare()
    }

    /// Where a connection is being made that many may use: the end of that attempt, and why it
    /// failed if it did.
    pub(crate) fn join(&self) -> Option<impl Future<Output = Result<(), Unreached>> + use<>> {
        let connecting = &self.connecting;
        if !connecting.now.get() || connecting.alone.get() {
            return None;
        }
        let (connecting, attempt) = (Rc::clone(connecting), connecting.attempt.get());
        Some(async move {
            let over = connecting.over.notified();
            if connecting.now.get() && connecting.attempt.get() == attempt {
                over.await;
            }
            match connecting.failed.get() {
                Some((failed, reason)) if failed == attempt => Err(reason),
                _ => Ok(()),
            }
        })
    }

    /// A new connection, which no other request may share if it is to be `alone`.
    ///
    /// # Errors
    /// Whatever the network or the handshake said.
    pub(crate) async fn connect(&self, alone: bool, now: u64) -> Result<Lease, ConnectError> {
        let attempt = (!alone && self.dial.may_share()).then(|| self.attempt());
        let made = self.make(alone, now).await;
        if let Some(Attempt(connecting)) = &attempt {
            match &made {
                Ok(lease) => connecting.alone.set(!lease.is_shared()),
                Err(error) => {
                    connecting.failed.set(Some((connecting.attempt.get(), error.reason)));
                }
            }
        }
        // What a connection can carry is known from here on.
        self.pending.stir();
        made
    }

    /// Connections that many may use, at most.
    fn max_shared(&self) -> usize {
        self.max_connections.unwrap_or(CONNECTIONS).min(CONNECTIONS)
    }

    /// Has the oldest idle connections make room for another one.
    fn make_room(&self) {
        let Some(most) = self.max_connections else { return };
        let mut idle = self.idle.borrow_mut();
        let over = (self.open.get() + idle.len()).saturating_sub(most).min(idle.len());
        idle.drain(..over);
    }

    fn attempt(&self) -> Attempt {
        let connecting = Rc::clone(&self.connecting);
        connecting.now.set(true);
        connecting.attempt.set(connecting.attempt.get() + 1);
        Attempt(connecting)
    }

    async fn make(&self, alone: bool, now: u64) -> Result<Lease, ConnectError> {
        self.make_room();
        let Line { stream, http2 } = self.dial.connect(alone).await?;
        let road = if http2 {
            Road::http2(self.shared.begin(stream, self.dial.scheme(), now).await?)
        } else {
            Road::http1(Box::new(Http1::over(stream)))
        };
        Ok(Lease::new(road, false))
    }
}
