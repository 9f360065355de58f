//! How many requests a worker may send again: a part of all, so that a server that fails is not asked
//! many times as much, and some a second, so that a few can.

use std::cell::Cell;

use tollgate_core::Retries;

/// One retry, in hundredths.
const RETRY: u64 = 100;
/// So many seconds of the least rate can be saved up, and so many retries of the part of requests.
const SAVED_SECONDS: u64 = 10;
const SAVED_RETRIES: u64 = 100;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    rule: Retries,
    /// Of requests, in hundredths of a retry.
    earned: Cell<u64>,
    /// Of time, in hundredths of a retry.
    granted: Cell<u64>,
    /// Up to when time was granted for.
    since: Cell<u64>,
}

impl Budget {
    pub(super) fn new(rule: Retries) -> Self {
        let granted = Cell::new(u64::from(rule.min_per_second) * RETRY);
        Self { rule, earned: Cell::new(0), granted, since: Cell::new(0) }
    }

    /// A request has come.
    pub(super) fn earn(&self) {
        let earned = self.earned.get() + u64::from(self.rule.budget);
        self.earned.set(earned.min(SAVED_RETRIES * RETRY));
    }

    /// Whether a request that was sent again `times` already may be sent once more, at the instant
    /// `now`. If so, it is taken.
    pub(super) fn take(&self, times: u8, now: u64) -> bool {
        if times >= self.rule.max {
            return false;
        }
        let rate = u64::from(self.rule.min_per_second);
        let waited = now.saturating_sub(self.since.replace(now)) / 1_000_000;
        let grant = waited.saturating_mul(rate) * RETRY / 1000;
        self.granted.set((self.granted.get() + grant).min(rate * RETRY * SAVED_SECONDS));
        for purse in [&self.earned, &self.granted] {
            if purse.get() >= RETRY {
                purse.set(purse.get() - RETRY);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_part_of_requests_and_some_a_second() {
        let budget = Budget::new(Retries { max: 2, budget: 20, min_per_second: 3 });
        let take = |now| (0..100).filter(|_| budget.take(0, now)).count();
        assert_eq!(take(0), 3);
        (0..50).for_each(|_| budget.earn());
        assert_eq!(take(0), 10);
        assert_eq!(take(2_000_000_000), 6);
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!(take(2_000_000_000), 100);
        assert!(!budget.take(2, u64::MAX / 2), "no request goes a fourth time");
    }

    #[test]
    fn nothing_is_sent_again_where_nothing_may_be() {
        let budget = Budget::new(Retries { max: 2, budget: 0, min_per_second: 0 });
        (0..50).for_each(|_| budget.earn());
        assert!(!budget.take(0, 1_000_000_000));
    }
}
