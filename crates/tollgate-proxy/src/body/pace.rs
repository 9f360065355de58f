//! How fast a body has to come.

use std::time::Duration;

use crate::worker::nanoseconds;

/// How long a body may be waited for before its rate counts.
const GRACE: Duration = Duration::from_secs(5);

const SECOND: u64 = 1_000_000_000;

/// The rate of a body over the time that it was waited for. While the upstream keeps it from being read no
/// time passes.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Bytes in a second; 0 = however few.
    rate: u64,
    received: u64,
    /// Nanoseconds that it was waited for.
    waited: u64,
    /// Since when it is waited for.
    since: Option<u64>,
}

impl Pace {
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate, received: 0, waited: 0, since: None }
    }

    /// The body is waited for at `now`. The instant by which more has to come, unless it was waited for
    /// already.
    pub(crate) fn wait(&mut self, now: u64) -> Option<u64> {
        if self.since.is_some() {
            return None;
        }
        self.since = Some(now);
        let Some(earned) = self.received.saturating_mul(SECOND).checked_div(self.rate) else {
            return Some(u64::MAX);
        };
        let left = nanoseconds(GRACE).saturating_add(earned).saturating_sub(self.waited);
        Some(now.saturating_add(left))
    }

    /// So many bytes have come at `now`.
    pub(crate) fn receive(&mut self, length: u64, now: u64) {
        self.received = self.received.saturating_add(length);
        if let Some(since) = self.since.take() {
            self.waited = self.waited.saturating_add(now.saturating_sub(since));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_has_to_come_by_when_the_rate_is_no_longer_held() {
        let mut pace = Pace::new(100);
        let grace = nanoseconds(GRACE);
        assert_eq!(pace.wait(7), Some(7 + grace));
        assert_eq!(pace.wait(8), None);
        pace.receive(100, 7 + SECOND);
        // A second was waited for and a second was earned; what the upstream takes does not count.
        assert_eq!(pace.wait(60 * SECOND), Some(60 * SECOND + grace));
        pace.receive(1, 62 * SECOND);
        let earned = SECOND / 100;
        assert_eq!(pace.wait(62 * SECOND), Some(60 * SECOND + grace + earned));
    }

    #[test]
    fn without_a_rate_there_is_no_such_instant() {
        assert_eq!(Pace::new(0).wait(7), Some(u64::MAX));
    }
}
