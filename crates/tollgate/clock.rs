//! The system's clock.

use std::time::{Instant, SystemTime};

use tollgate_core::{Clock, Now};

/// Reads the monotonic and the wall clock of the system.
#[derive(Debug)]
pub(crate) struct SystemClock {
    /// Instant 0 of the monotonic clock.
    start: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now {
            monotonic: self.monotonic(),
            unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
