//! What is counted of an upstream, of all workers together, and how metrics call it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use rustls::HandshakeKind;

use super::Known;
use crate::upstream::check::Outcome;
use crate::upstream::failure::Unreached;

/// The counters of one upstream.
#[derive(Debug, Default)]
pub(super) struct Counts {
    unreached: [AtomicU64; Unreached::COUNT],
    full_handshakes: AtomicU64,
    resumed_handshakes: AtomicU64,
    ejections: AtomicU64,
    panics: AtomicU64,
    retries: AtomicU64,
    no_retries: AtomicU64,
    queue_full: AtomicU64,
    waited_in_vain: AtomicU64,
    /// Requests that wait for a server.
    pending: AtomicUsize,
    look_ups: [AtomicU64; LookUp::ALL.len()],
    checks: [AtomicU64; Outcome::ALL.len()],
}

/// What came of a lookup of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) enum LookUp {
    /// It leads elsewhere.
    Changed,
    /// It leads to where it led.
    Unchanged,
    /// Nobody knows.
    Failed,
}

impl LookUp {
    /// With their labels, in the order of the enum.
    const ALL: [(Self, &str); 3] =
        [(Self::Changed, "changed"), (Self::Unchanged, "unchanged"), (Self::Failed, "failed")];
}

impl Known {
    /// Counts a lookup of one of its names.
    pub(in crate::upstream) fn count_look_up(&self, outcome: LookUp) {
        if let Some(counter) = self.counts.look_ups.get(outcome as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Lookups of its names, by what came of them.
    pub(crate) fn look_ups(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = LookUp::ALL.iter().zip(&self.counts.look_ups);
        counts.map(|((_, label), count)| (*label, count.load(Relaxed)))
    }

    /// Counts a check of one of its servers.
    pub(in crate::upstream) fn count_check(&self, outcome: Outcome) {
        if let Some(counter) = self.counts.checks.get(outcome as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Checks of its servers, by what came of them.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = Outcome::ALL.iter().zip(&self.counts.checks);
        counts.map(|(outcome, count)| (outcome.label(), count.load(Relaxed)))
    }

    /// Counts a request that waits for a server from now on.
    pub(in crate::upstream) fn begin_wait(&self) {
        self.counts.pending.fetch_add(1, Relaxed);
    }

    /// Counts that it waits no longer.
    pub(in crate::upstream) fn end_wait(&self) {
        self.counts.pending.fetch_sub(1, Relaxed);
    }

    /// Requests that wait for a server.
    pub(crate) fn pending(&self) -> usize {
        self.counts.pending.load(Relaxed)
    }

    /// Counts a request that found no place in the queue.
    pub(in crate::upstream) fn count_queue_full(&self) {
        self.counts.queue_full.fetch_add(1, Relaxed);
    }

    /// Counts a request that waited in vain.
    pub(crate) fn count_waited_in_vain(&self) {
        self.counts.waited_in_vain.fetch_add(1, Relaxed);
    }

    /// Counts a server that is left out from now on.
    pub(in crate::upstream) fn count_ejection(&self) {
        self.counts.ejections.fetch_add(1, Relaxed);
    }

    /// Counts a request that goes to a server that is left out, as all of them are.
    pub(in crate::upstream) fn count_panic(&self) {
        self.counts.panics.fetch_add(1, Relaxed);
    }

    /// Counts a request that goes to another server.
    pub(in crate::upstream) fn count_retry(&self) {
        self.counts.retries.fetch_add(1, Relaxed);
    }

    /// Counts a request that would, but for the budget.
    pub(in crate::upstream) fn count_no_retry(&self) {
        self.counts.no_retries.fetch_add(1, Relaxed);
    }

    /// What became of the failures of its servers and of their lack of room, each with its word.
    pub(crate) fn events(&self) -> [(&'static str, u64); 6] {
        [
            ("ejection", &self.counts.ejections),
            ("panic", &self.counts.panics),
            ("retry", &self.counts.retries),
            ("no_retry", &self.counts.no_retries),
            ("queue_full", &self.counts.queue_full),
            ("waited_in_vain", &self.counts.waited_in_vain),
        ]
        .map(|(event, count)| (event, count.load(Relaxed)))
    }

    /// Counts a connection that was not made.
    pub(crate) fn count_unreached(&self, reason: Unreached) {
        if let Some(counter) = self.counts.unreached.get(reason.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Counts a handshake that was made.
    pub(in crate::upstream) fn count_handshake(&self, kind: Option<HandshakeKind>) {
        let counter = match kind {
            Some(HandshakeKind::Resumed) => &self.counts.resumed_handshakes,
            _ => &self.counts.full_handshakes,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Connections that were not made, by reason.
    pub(crate) fn unreached(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Unreached::all()
            .zip(&self.counts.unreached)
            .map(|((_, label), count)| (label, count.load(Relaxed)))
    }

    /// Handshakes that were made, by kind.
    pub(crate) fn handshakes(&self) -> [(&'static str, u64); 2] {
        [("full", &self.counts.full_handshakes), ("resumed", &self.counts.resumed_handshakes)]
            .map(|(kind, count)| (kind, count.load(Relaxed)))
    }
}
