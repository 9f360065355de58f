//! How a worker ends: for good, or to let another process take its place.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, interval};

use super::Worker;

/// How far a worker has come on its way out. Each step holds what those before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// It serves.
    No,
    /// Every response is the last of its connection: HTTP/1.1 is told by `Connection: close`, HTTP/2
    /// by GOAWAY. Connections without a request stay, for one may be on its way.
    Last,
    /// Connections without a request are closed.
    Idle,
    /// Nothing is admitted any more: another process counts.
    Sealed,
}

/// How long a connection of HTTP/1.1 is given for the request that is told to be its last, when the
/// process ends. Nothing waits for it but the end.
pub(super) const LAST_REQUEST: Duration = Duration::from_secs(1);

/// The same when another process takes over, for which new connections wait meanwhile.
const LAST_REQUEST_OF_ALL: Duration = Duration::from_millis(200);

/// How long connections have to bring their first request then: a handshake that had begun may end.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(5);

/// One connection that has not brought a whole request yet.
#[derive(Debug)]
pub(crate) struct Beginning(Rc<Cell<usize>>);

impl Beginning {
    /// One more of `worker`.
    pub(crate) fn of(worker: &Worker) -> Self {
        let all = Rc::clone(&worker.beginning);
        all.set(all.get() + 1);
        Self(all)
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Worker {
    /// Goes on to a step, or back to serving, and has every connection know.
    pub(super) fn set_ending(&self, ending: Ending) {
        self.ending.set(ending);
        self.crew.set_open(self.number, ending == Ending::No);
        self.connections.wake_all();
    }

    /// Whether no connection is open, or on its way here.
    pub(super) fn is_empty(&self) -> bool {
        self.connections.len() == 0 && self.is_begun()
    }

    /// Whether every connection has brought its first request, and none is on its way from another worker.
    fn is_begun(&self) -> bool {
        self.beginning.get() == 0 && self.crew.count(self.number) <= self.held.get()
    }

    /// Whether no request is to be expected any more, so long after the last connection was accepted.
    fn is_settled(&self, since: Duration) -> bool {
        let quiet = since >= LAST_REQUEST_OF_ALL && self.is_begun();
        self.is_empty() || quiet || since >= FIRST_REQUEST
    }

    /// Returns once no request is to be expected any more of the connections that are open.
    pub(super) async fn settled(&self) {
        let began = Instant::now();
        let mut looks = interval(LOOK);
        while !self.is_settled(began.elapsed()) {
            looks.tick().await;
        }
    }
}
