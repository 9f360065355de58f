//! How fast the client of an HTTP/2 stream reads its response.

use std::time::Duration;

use super::Pace;
use crate::worker::nanoseconds;

/// Follows a response piece by piece. A piece is read when the next is asked for: HTTP/2 asks once the client's
/// window, and 64 KiB of room for what is on its way, have taken it.
#[derive(Debug)]
pub(crate) struct Reading {
    pace: Pace,
    /// Nanoseconds for each piece where no rate is asked for.
    timeout: u64,
    /// Bytes of the last piece.
    given: u64,
    /// When it has to be read; `None` = it is.
    by: Option<u64>,
}

impl Reading {
    /// Waits for the head to be read, from `now` on.
    pub(crate) fn new(rate: u64, timeout: Duration, now: u64) -> Self {
        let pace = Pace::new(rate, timeout);
        let mut reading = Self { pace, timeout: nanoseconds(timeout), given: 0, by: None };
        reading.give(0, now);
        reading
    }

    /// So many bytes are given to the client at `now`.
    pub(crate) fn give(&mut self, length: u64, now: u64) {
        self.given = length;
        let by = self.pace.wait(now).unwrap_or(u64::MAX).saturating_add(self.pace.earns(length));
        self.by = Some(if by == u64::MAX { now.saturating_add(self.timeout) } else { by });
    }

    /// More is asked for at `now`.
    pub(crate) fn take(&mut self, now: u64) {
        if self.by.take().is_some() {
            self.pace.go_on_if_waited(self.given, now);
        }
    }

    /// When what was given has to be read.
    pub(crate) fn by(&self) -> u64 {
        self.by.unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn reading(rate: u64) -> Reading {
        Reading::new(rate, Duration::from_secs(60), 0)
    }

    #[test]
    fn a_piece_has_as_long_as_it_takes_at_the_rate_and_some_patience_in_all() {
        let mut slow = reading(100);
        assert_eq!(slow.by(), 60 * SECOND);
        // Rooms take these.
        for _ in 0..4 {
            slow.take(0);
            assert_eq!(slow.by(), u64::MAX);
            slow.give(1000, 0);
        }
        assert_eq!(slow.by(), 70 * SECOND);
        // Half as fast as it should be: 10 s of 60 are gone with each piece.
        slow.take(20 * SECOND);
        slow.give(1000, 20 * SECOND);
        assert_eq!(slow.by(), 20 * SECOND + 60 * SECOND);
        slow.take(40 * SECOND);
        slow.give(1000, 40 * SECOND);
        assert_eq!(slow.by(), 40 * SECOND + 50 * SECOND);
    }

    #[test]
    fn time_in_which_nothing_is_given_does_not_count() {
        let mut waiting = reading(100);
        waiting.take(0);
        waiting.give(1000, 3600 * SECOND);
        assert_eq!(waiting.by(), 3600 * SECOND + 70 * SECOND);
    }

    #[test]
    fn without_a_rate_each_piece_has_the_timeout() {
        let mut any = reading(0);
        for now in [0, 59, 118] {
            any.take(now * SECOND);
            any.give(1_000_000, now * SECOND);
            assert_eq!(any.by(), (now + 60) * SECOND);
        }
    }
}
