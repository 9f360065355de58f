//! The system's clock.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use tollgate_core::{Clock, Now};

/// Reads the monotonic and the wall clock of the system. The monotonic one goes on while the machine is
/// suspended, so that no lease outlives what the control plane was told of it.
#[derive(Debug)]
pub(crate) struct SystemClock {
    /// Instant 0 of the monotonic clock, since the machine's start.
    start: Duration,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { start: since_boot() }
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
        u64::try_from(since_boot().saturating_sub(self.start).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Since the machine's start, also while it was suspended (clock_gettime(2)).
pub(crate) fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    // Of this clock both are positive.
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}
