//! Which server a request goes to, and which it has been to.

use std::rc::Rc;

use super::lane::Lane;
use super::lease::Lease;
use super::peer::Busy;

/// The servers that a request has been to, and how often it was sent again for it.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    servers: Vec<u64>,
    pub(super) times: u8,
    /// It goes to this target only.
    pub(super) within: Option<usize>,
}

/// A server that a request goes to, and its place there, given up when dropped.
#[derive(Debug)]
pub(crate) struct Chosen {
    lane: Rc<Lane>,
    /// Counted as long as the request is open, where somebody asks.
    _busy: Option<Busy>,
}

impl Chosen {
    /// The server behind `lane`, with a place there. It is counted for all workers where they ask who is
    /// `busy`.
    pub(super) fn new(lane: Rc<Lane>, busy: bool) -> Self {
        lane.enter();
        let busy = busy.then(|| Busy::with(&lane.peer));
        Self { lane, _busy: busy }
    }

    /// The connections to it.
    pub(crate) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// The server has answered.
    pub(crate) fn succeeded(&self) {
        self.lane.peer.succeeded();
    }

    /// Keeps a connection whose response has ended, for the next request.
    pub(crate) fn give_back(self, lease: Lease, now: u64) {
        self.lane.give_back(lease, now);
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.lane.leave();
    }
}

impl Tried {
    /// The server behind `lane` has failed the request.
    pub(super) fn add(&mut self, lane: &Lane) {
        self.servers.push(lane.peer.id);
    }

    /// Whether it has been to none.
    pub(super) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Whether the request may go to the server behind `lane`.
    pub(super) fn may_try(&self, lane: &Lane) -> bool {
        !self.servers.contains(&lane.peer.id)
            && self.within.is_none_or(|target| target == lane.target)
    }
}
