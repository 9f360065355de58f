//! How a client reads what it is sent, as its connection tells.

use std::cell::Cell;

use super::TurnedAway;
use crate::body::Pace;
use crate::listen::ListenerSettings;

/// Whether a client reads, and how fast. Only bytes that the connection has no room for are waited for.
#[derive(Debug)]
pub(super) struct Written {
    pace: Cell<Pace>,
    /// What it means if the present wait takes too long; `None` = nothing waits.
    late: Cell<Option<TurnedAway>>,
}

impl Written {
    pub(super) fn new(settings: &ListenerSettings) -> Self {
        let pace = Pace::new(settings.min_response_rate, settings.write_timeout);
        Self { pace: Cell::new(pace), late: Cell::new(None) }
    }

    /// Nothing more can be written at `now`. When that has to have changed, unless it was said before.
    pub(super) fn stall(&self, now: u64) -> Option<u64> {
        if self.is_stalled() {
            return None;
        }
        let mut pace = self.pace.get();
        let slow = pace.wait(now).unwrap_or(u64::MAX);
        self.pace.set(pace);
        let deaf = now.saturating_add(pace.grace());
        let late = if slow < deaf { TurnedAway::ResponseRate } else { TurnedAway::WriteTimeout };
        self.late.set(Some(late));
        Some(slow.min(deaf))
    }

    /// So many bytes are written at `now`. Whether that was waited for.
    pub(super) fn go_on(&self, length: u64, now: u64) -> bool {
        let stalled = self.late.take().is_some();
        if stalled {
            let mut pace = self.pace.get();
            pace.go_on(length, now);
            self.pace.set(pace);
        }
        stalled
    }

    /// A request has come while none was open: what it is answered counts by itself.
    pub(super) fn begin(&self) {
        if !self.is_stalled() {
            self.pace.set(self.pace.get().anew());
        }
    }

    /// Whether something waits for the client to read.
    pub(super) fn is_stalled(&self) -> bool {
        self.late().is_some()
    }

    /// Why the connection ends if the present wait does not.
    pub(super) fn late(&self) -> Option<TurnedAway> {
        self.late.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    fn written() -> Written {
        let pace = Pace::new(100, Duration::from_secs(60));
        Written { pace: Cell::new(pace), late: Cell::new(None) }
    }

    #[test]
    fn who_reads_nothing_is_late_and_who_reads_a_little_is_slow() {
        let written = written();
        // What there was room for is nobody's reading.
        assert!(!written.go_on(1_000_000, 0));
        assert_eq!(written.stall(0), Some(60 * SECOND));
        assert_eq!(written.late(), Some(TurnedAway::WriteTimeout));
        assert_eq!(written.stall(SECOND), None);
        assert!(written.go_on(1000, 50 * SECOND));
        assert!(!written.is_stalled());
        // An hour in which nothing waits, then 60 s + 10 s - 50 s.
        assert_eq!(written.stall(3600 * SECOND), Some(3620 * SECOND));
        assert_eq!(written.late(), Some(TurnedAway::ResponseRate));
    }

    #[test]
    fn a_new_request_begins_anew_unless_something_waits() {
        let written = written();
        written.stall(0);
        written.begin();
        written.go_on(0, 50 * SECOND);
        assert_eq!(written.stall(50 * SECOND), Some(60 * SECOND));
        written.go_on(0, 50 * SECOND);
        written.begin();
        assert_eq!(written.stall(50 * SECOND), Some(110 * SECOND));
    }
}
