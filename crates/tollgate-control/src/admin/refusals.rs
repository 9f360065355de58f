//! Clients whom TLS refuses for their certificates, told to operators.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tollgate_core::Clock;

/// Nanoseconds between two lines of the log, so that who connects again and again does not fill it.
const APART: u64 = 1_000_000_000;

/// Tells of refusals, and of those that there were too many of by their number.
pub(super) struct Refusals {
    clock: Arc<dyn Clock>,
    /// When the next one is told, in nanoseconds of the monotonic clock.
    next: AtomicU64,
    untold: AtomicU64,
}

impl Refusals {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, next: AtomicU64::new(0), untold: AtomicU64::new(0) }
    }

    /// Who comes from there was refused.
    pub(super) fn tell(&self, source: IpAddr, why: &str) {
        if let Some(untold) = self.is_told() {
            tracing::warn!(%source, why, untold, "a client of the admin API was refused by TLS");
        }
    }

    /// How many were not told of since the last one that was; `None` = this is one of them.
    fn is_told(&self) -> Option<u64> {
        let now = self.clock.monotonic();
        let due = |next| (now >= next).then_some(now.saturating_add(APART));
        if self.next.fetch_update(Relaxed, Relaxed, due).is_ok() {
            return Some(self.untold.swap(0, Relaxed));
        }
        self.untold.fetch_add(1, Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use tollgate_core::Now;

    use super::*;

    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Now {
            Now { monotonic: self.0.load(Relaxed), unix_ms: 0 }
        }
    }

    #[test]
    fn one_a_second_is_told_and_how_many_were_not() {
        let hand = Arc::new(Hand(AtomicU64::new(5)));
        let refusals = Refusals::new(Arc::clone(&hand) as _);
        let told: Vec<_> = [5, 6, APART, APART + 5, APART + 6, 3 * APART]
            .map(|now| {
                hand.0.store(now, Relaxed);
                refusals.is_told()
            })
            .into();
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
