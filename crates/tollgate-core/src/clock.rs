//! Time, passed in.

/// One reading of the time. A request takes it once; everything decided about the request, and
/// everything measured of it, uses that reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds on a clock that never goes backwards, counted from an instant of the process's
    /// choice. QPS limits and durations use it.
    pub monotonic: u64,
    /// Milliseconds since 1970 in UTC. Quota windows and validity use it; it may be stepped.
    pub unix_ms: u64,
}

impl Now {
    /// Whole seconds since 1970 in UTC.
    #[must_use]
    pub fn unix(self) -> u64 {
        self.unix_ms / 1000
    }
}

/// Where readings of the time come from: the system in a running process, a test's hand in a test.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Now;

    /// The monotonic part of it alone, where that is all that matters.
    fn monotonic(&self) -> u64 {
        self.now().monotonic
    }
}
