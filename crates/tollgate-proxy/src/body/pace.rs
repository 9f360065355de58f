//! How fast a body has to come, or to be read.

use std::time::Duration;

use crate::worker::nanoseconds;

const SECOND: u64 = 1_000_000_000;

/// The rate of a body over the time that it was waited for. While the other side is what keeps it up no time
/// passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes in a second; 0 = however few.
    rate: u64,
    /// Nanoseconds that it may be waited for before the rate counts.
    grace: u64,
    moved: u64,
    /// Nanoseconds that it was waited for.
    waited: u64,
    /// Since when it is waited for.
    since: Option<u64>,
}

impl Pace {
    pub(crate) fn new(rate: u64, grace: Duration) -> Self {
        Self { rate, grace: nanoseconds(grace), moved: 0, waited: 0, since: None }
    }

    /// The same of another body.
    pub(crate) fn anew(self) -> Self {
        Self { moved: 0, waited: 0, since: None, ..self }
    }

    /// Nanoseconds that a body may be waited for before its rate counts.
    pub(crate) fn grace(&self) -> u64 {
        self.grace
    }

    /// The body is waited for at `now`. The instant by which more has to come, unless it was waited for
    /// already.
    pub(crate) fn wait(&mut self, now: u64) -> Option<u64> {
        if self.since.is_some() {
            return None;
        }
        self.since = Some(now);
        let left = self.grace.saturating_add(self.earns(self.moved)).saturating_sub(self.waited);
        Some(now.saturating_add(left))
    }

    /// How long so many bytes may take, in nanoseconds.
    pub(crate) fn earns(&self, length: u64) -> u64 {
        length.saturating_mul(SECOND).checked_div(self.rate).unwrap_or(u64::MAX)
    }

    /// So many bytes have moved at `now`.
    pub(crate) fn go_on(&mut self, length: u64, now: u64) {
        self.moved = self.moved.saturating_add(length);
        if let Some(since) = self.since.take() {
            self.waited = self.waited.saturating_add(now.saturating_sub(since));
        }
    }

    /// So many bytes have moved at `now`, unless they went where there was room for them anyway: nobody has
    /// waited then, and they say nothing.
    pub(crate) fn go_on_if_waited(&mut self, length: u64, now: u64) {
        match self.since {
            Some(since) if since < now => self.go_on(length, now),
            _ => self.since = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_has_to_come_by_when_the_rate_is_no_longer_held() {
        let grace = 5 * SECOND;
        let mut pace = Pace::new(100, Duration::from_secs(5));
        assert_eq!(pace.wait(7), Some(7 + grace));
        assert_eq!(pace.wait(8), None);
        pace.go_on(100, 7 + SECOND);
        // A second was waited for and a second was earned; what the upstream takes does not count.
        assert_eq!(pace.wait(60 * SECOND), Some(60 * SECOND + grace));
        pace.go_on(1, 62 * SECOND);
        let earned = SECOND / 100;
        assert_eq!(pace.wait(62 * SECOND), Some(60 * SECOND + grace + earned));
    }

    #[test]
    fn without_a_rate_there_is_no_such_instant() {
        assert_eq!(Pace::new(0, Duration::ZERO).wait(7), Some(u64::MAX));
    }

    #[test]
    fn bytes_that_nobody_has_waited_for_earn_nothing() {
        let mut pace = Pace::new(100, Duration::from_secs(5));
        pace.wait(7);
        pace.go_on_if_waited(100_000, 7);
        assert_eq!(pace.wait(7), Some(7 + 5 * SECOND));
        pace.go_on_if_waited(100, 7 + SECOND);
        assert_eq!(pace.wait(7), Some(7 + 5 * SECOND));
    }
}
