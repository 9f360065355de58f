//! What was measured, in order.

use std::time::Duration;

/// Times of one kind.
#[derive(Default)]
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub(super) fn note(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that so many of a thousand do not exceed.
    pub(super) fn of_thousand(&mut self, share: usize) -> Duration {
        self.0.sort_unstable();
        let index = (self.0.len() * share).div_ceil(1000).saturating_sub(1);
        self.0.get(index).copied().unwrap_or_default()
    }

    /// In a line.
    pub(super) fn told(&mut self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let [p50, p99, longest] = [500, 990, 1000].map(|share| ms(self.of_thousand(share)));
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms, longest {longest:.1} ms of {}", self.len())
    }
}

/// Bytes in MiB.
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
