//! Durations in fixed buckets.

use super::Counter;

/// Upper bounds in nanoseconds: from ten microseconds to a minute, three a decade.
pub(super) const BOUNDS: [u64; 20] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
    10_000_000_000,
    60_000_000_000,
];

/// A histogram with one writer.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// Of each bucket alone, not cumulated; the last holds what is beyond the last bound.
    buckets: [Counter; BOUNDS.len() + 1],
    sum: Counter,
}

impl Histogram {
    /// Counts a duration in nanoseconds.
    pub(crate) fn record(&self, nanoseconds: u64) {
        let bucket = BOUNDS.partition_point(|bound| nanoseconds > *bound);
        if let Some(counter) = self.buckets.get(bucket) {
            counter.add(1);
        }
        self.sum.add(nanoseconds);
    }

    pub(super) fn read(&self) -> ([u64; BOUNDS.len() + 1], u64) {
        (std::array::from_fn(|at| self.buckets[at].get()), self.sum.get())
    }
}
