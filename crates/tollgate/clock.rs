//! The system's clock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use tollgate_core::{Clock, Now};

/// Reads the monotonic and the wall clock of the system. The monotonic one goes on while the machine is
/// suspended, so that no lease outlives what the control plane was told of it. What sets the wall clock is
/// noticed within ten milliseconds, as one clock is read in the place of two.
#[derive(Debug)]
pub(crate) struct SystemClock {
    /// Instant 0 of the monotonic clock, since the machine's start.
    start: Duration,
    /// What the wall clock is ahead of the monotonic one, in nanoseconds, and until when that is taken to be so.
    ahead: AtomicU64,
    until: AtomicU64,
}

/// For so long the difference of the two clocks is not looked at again, in nanoseconds.
const STEADY: u64 = 10_000_000;

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self { start: since_boot(), ahead: AtomicU64::new(0), until: AtomicU64::new(0) }
    }

    /// Threads that look at the same time find the same, give or take nothing that counts.
    fn look(&self, monotonic: u64) -> u64 {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let unix = u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX);
        // One that is behind wraps around, here and back.
        let ahead = unix.wrapping_sub(monotonic);
        self.ahead.store(ahead, Relaxed);
        self.until.store(monotonic.saturating_add(STEADY), Relaxed);
        ahead
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let monotonic = self.monotonic();
        let ahead = match self.until.load(Relaxed) {
            until if monotonic < until => self.ahead.load(Relaxed),
            _ => self.look(monotonic),
        };
        Now { monotonic, unix_ms: monotonic.wrapping_add(ahead) / 1_000_000 }
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
