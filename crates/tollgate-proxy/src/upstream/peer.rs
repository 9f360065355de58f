//! What a process knows of one server: whether it works, and how busy it is.
//!
//! A request that goes well writes to nothing here, unless its upstream asks who is least busy.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use tollgate_core::{Ejection, ServerTarget};

use super::servers::At;
use crate::worker::nanoseconds;

/// How often the time of an ejection doubles, and the longest that comes of it: 5 minutes.
const DOUBLINGS: u32 = 10;
const LONGEST: u64 = 300_000_000_000;

/// One server, as all workers see it.
#[derive(Debug)]
pub(crate) struct Peer {
    /// What it is known by over definitions and processes.
    pub(super) id: u64,
    /// Failures in a row.
    failures: AtomicU32,
    /// Ejections without a success in between.
    ejections: AtomicU32,
    /// In nanoseconds of the monotonic clock.
    ejected_until: AtomicU64,
    /// It fails its checks.
    unhealthy: AtomicBool,
    open: AtomicUsize,
}

/// A request that a server has open.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Peer>);

impl Busy {
    pub(super) fn with(peer: &Arc<Peer>) -> Self {
        peer.open.fetch_add(1, Relaxed);
        Self(Arc::clone(peer))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

impl Peer {
    /// What the server `at` a place of `target` is known by, the same in every process of one build.
    pub(super) fn id_of(target: &ServerTarget, at: &At) -> u64 {
        let mut hasher = DefaultHasher::new();
        target.address.hash(&mut hasher);
        if super::servers::name(target).is_some() {
            at.hash(&mut hasher);
        }
        hasher.finish()
    }

    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            ejected_until: AtomicU64::new(0),
            unhealthy: AtomicBool::new(false),
            open: AtomicUsize::new(0),
        }
    }

    /// Requests that it has open, of all workers.
    pub(super) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Whether it is left out at the instant `now`, for whatever reason.
    pub(crate) fn is_out(&self, now: u64) -> bool {
        self.is_unhealthy() || self.is_ejected(now)
    }

    /// Whether it fails its checks.
    pub(crate) fn is_unhealthy(&self) -> bool {
        self.unhealthy.load(Relaxed)
    }

    /// It fails its checks from now on.
    pub(super) fn fail_checks(&self) {
        self.unhealthy.store(true, Relaxed);
    }

    /// It passes its checks from now on, or is not checked any more. What requests have seen of it
    /// before it did is over.
    pub(super) fn pass_checks(&self) {
        if self.unhealthy.swap(false, Relaxed) {
            self.failures.store(0, Relaxed);
            self.ejections.store(0, Relaxed);
            self.ejected_until.store(0, Relaxed);
        }
    }

    /// Whether it is left out at the instant `now` as requests have failed.
    pub(crate) fn is_ejected(&self, now: u64) -> bool {
        now < self.ejected_until.load(Relaxed)
    }

    /// It has answered.
    pub(super) fn succeeded(&self) {
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
            self.ejections.store(0, Relaxed);
        }
    }

    /// It has failed at the instant `now`. Returns whether it is left out for that, from now on.
    pub(super) fn failed<'a>(
        &self,
        now: u64,
        rule: &Ejection,
        all: impl ExactSizeIterator<Item = &'a Self>,
    ) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        let Some(limit) = rule.failures else { return false };
        if failures < limit || self.is_ejected(now) || !may_leave_out(now, rule, all) {
            return false;
        }
        // The first failure after it comes back is one too many again.
        self.failures.store(limit.saturating_sub(1).max(1), Relaxed);
        let before = self.ejections.fetch_add(1, Relaxed).min(DOUBLINGS);
        let time = nanoseconds(rule.time);
        let time = time.saturating_mul(1 << before).min(LONGEST.max(time));
        self.ejected_until.store(now.saturating_add(time), Relaxed);
        true
    }
}

/// Whether one more of `all` may be left out.
fn may_leave_out<'a>(
    now: u64,
    rule: &Ejection,
    all: impl ExactSizeIterator<Item = &'a Peer>,
) -> bool {
    let count = all.len();
    let out = all.filter(|peer| peer.is_out(now)).count() + 1;
    out * 100 <= count * usize::from(rule.max_share)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const RULE: Ejection =
        Ejection { failures: Some(3), time: Duration::from_secs(1), max_share: 50 };

    fn peers(count: u16) -> Vec<Arc<Peer>> {
        (0..count).map(|id| Arc::new(Peer::new(id.into()))).collect()
    }

    fn failed(peer: &Peer, now: u64, all: &[Arc<Peer>]) -> bool {
        peer.failed(now, &RULE, all.iter().map(|peer| &**peer))
    }

    #[test]
    fn failures_in_a_row_leave_a_server_out_longer_each_time_until_it_succeeds() {
        let all = peers(2);
        let peer = &all[0];
        assert!(!failed(peer, 0, &all) && !failed(peer, 0, &all));
        peer.succeeded();
        assert!(!failed(peer, 0, &all) && !failed(peer, 0, &all));
        assert!(failed(peer, 0, &all));
        assert!(peer.is_ejected(SECOND - 1) && !peer.is_ejected(SECOND));
        assert!(failed(peer, SECOND, &all), "the first failure is one too many again");
        assert!(peer.is_ejected(3 * SECOND - 1) && !peer.is_ejected(3 * SECOND));
        peer.succeeded();
        assert!(!failed(peer, 4 * SECOND, &all));
        for time in 0..40 {
            failed(peer, time * 1000 * SECOND, &all);
        }
        assert!(!peer.is_ejected((39 * 1000 + 301) * SECOND), "five minutes are the most");
    }

    #[test]
    fn no_more_than_their_share_are_left_out() {
        let all = peers(3);
        let out = |peer: &Arc<Peer>| (0..3).any(|_| failed(peer, 0, &all));
        assert_eq!(all.iter().map(out).collect::<Vec<_>>(), [true, false, false]);
        let one = peers(1);
        assert!(!(0..9).any(|_| failed(&one[0], 0, &one)), "the only one stays");
    }

    #[test]
    fn checks_leave_out_and_bring_back_whatever_requests_have_seen() {
        let all = peers(4);
        all[1].fail_checks();
        all[2].fail_checks();
        assert!(all[1].is_out(0) && !all[1].is_ejected(0));
        assert!(!(0..9).any(|_| failed(&all[0], 0, &all)), "half of them are out already");
        all[2].pass_checks();
        assert!((0..9).any(|_| failed(&all[0], 0, &all)));
        all[0].pass_checks();
        assert!(all[0].is_out(0), "it never failed one");
        all[0].fail_checks();
        all[0].pass_checks();
        assert!(!all[0].is_out(0));
    }
}
