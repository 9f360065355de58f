//! Numbers that nobody foresees, unless the seed is known.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

/// xorshift64.
pub(crate) struct Random(Cell<u64>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(seed.max(1)))
    }

    /// Another one, whose numbers are not ours again.
    pub(crate) fn other(&self) -> Self {
        Self::new(self.below(u64::MAX).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A seed of this moment.
    pub(crate) fn seed() -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(1, |now| now.as_nanos() as u64)
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: u64) -> u64 {
        let mut word = self.0.get();
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        self.0.set(word);
        word % end.max(1)
    }

    pub(crate) fn millis(&self, from: u64, to: u64) -> Duration {
        Duration::from_micros(from * 1000 + self.below((to - from) * 1000))
    }
}
