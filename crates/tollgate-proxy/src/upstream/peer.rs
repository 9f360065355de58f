//! What a process knows of one server: whether it works, and how busy it is.
//!
//! A request that goes well writes to nothing here, unless its upstream asks who is least busy.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use tollgate_core::{Ejection, ServerTarget};

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
    pub(super) fn new(target: &ServerTarget) -> Self {
        Self {
            id: id(target),
            failures: AtomicU32::new(0),
            ejections: AtomicU32::new(0),
            ejected_until: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        }
    }

    /// Requests that it has open, of all workers.
    pub(super) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Whether it is left out at the instant `now`.
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
    pub(super) fn failed(&self, now: u64, rule: &Ejection, all: &[Arc<Self>]) -> bool {
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
fn may_leave_out(now: u64, rule: &Ejection, all: &[Arc<Peer>]) -> bool {
    let out = all.iter().filter(|peer| peer.is_ejected(now)).count() + 1;
    out * 100 <= all.len() * usize::from(rule.max_share)
}

/// The same in every process of one build.
fn id(target: &ServerTarget) -> u64 {
    let mut hasher = DefaultHasher::new();
    target.address.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use tollgate_core::ServerAddress;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const RULE: Ejection =
        Ejection { failures: Some(3), time: Duration::from_secs(1), max_share: 50 };

    fn peers(count: u16) -> Vec<Arc<Peer>> {
        let target = |port| ServerTarget {
            address: ServerAddress::Tcp { host: "api".into(), port },
            authority: HeaderValue::from_static("api"),
            tls: None,
            weight: 1,
        };
        (0..count).map(|port| Arc::new(Peer::new(&target(port)))).collect()
    }

    #[test]
    fn failures_in_a_row_leave_a_server_out_longer_each_time_until_it_succeeds() {
        let all = peers(2);
        let peer = &all[0];
        assert!(!peer.failed(0, &RULE, &all) && !peer.failed(0, &RULE, &all));
        peer.succeeded();
        assert!(!peer.failed(0, &RULE, &all) && !peer.failed(0, &RULE, &all));
        assert!(peer.failed(0, &RULE, &all));
        assert!(peer.is_ejected(SECOND - 1) && !peer.is_ejected(SECOND));
        assert!(peer.failed(SECOND, &RULE, &all), "the first failure is one too many again");
        assert!(peer.is_ejected(3 * SECOND - 1) && !peer.is_ejected(3 * SECOND));
        peer.succeeded();
        assert!(!peer.failed(4 * SECOND, &RULE, &all));
        for time in 0..40 {
            peer.failed(time * 1000 * SECOND, &RULE, &all);
        }
        assert!(!peer.is_ejected((39 * 1000 + 301) * SECOND), "five minutes are the most");
    }

    #[test]
    fn no_more_than_their_share_are_left_out() {
        let all = peers(3);
        let out = |peer: &Arc<Peer>| (0..3).any(|_| peer.failed(0, &RULE, &all));
        assert_eq!(all.iter().map(out).collect::<Vec<_>>(), [true, false, false]);
        let one = peers(1);
        assert!(!(0..9).any(|_| one[0].failed(0, &RULE, &one)), "the only one stays");
    }
}
