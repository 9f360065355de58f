//! A worker that has nothing open does not tick, so that a process that nobody calls sleeps.

use std::cell::Cell;

use tokio::sync::Notify;

use super::Worker;
use crate::upstream::Destination;

/// Whether a worker rests: it has no connection to anybody, and so nothing has a deadline.
#[derive(Debug, Default)]
pub(super) struct Rest {
    on: Cell<bool>,
    over: Notify,
}

impl Rest {
    pub(super) fn is_on(&self) -> bool {
        self.on.get()
    }

    /// Waits until it is over. One may wait.
    pub(super) async fn over(&self) {
        self.over.notified().await;
    }
}

impl Worker {
    /// Begins to rest, if nothing is open. To be asked after a tick, which leaves nothing to be told.
    pub(super) fn rest_if_idle(&self) {
        let idle = self.held.get() == 0
            && self.live.len() + self.forms.len() + self.connections.len() == 0
            && self.destinations.borrow().iter().all(|(_, destination)| match &**destination {
                Destination::Server(pool) => pool.is_bare(),
                Destination::Fixed { .. } => true,
            });
        self.rest.on.set(idle);
    }

    /// Ends a rest as a connection comes. What ticks would have noticed meanwhile is noticed first.
    pub(super) fn rouse(&self) {
        if self.rest.on.replace(false) {
            self.tick();
            self.rest.over.notify_one();
        }
    }
}
