//! Names for requests that come without one.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;

/// Makes ids that no other worker or process makes: random bits, drawn once, before a counter.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: u64,
    count: Cell<u64>,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The standard library seeds each RandomState from the system's randomness.
        Self { prefix: RandomState::new().build_hasher().finish(), count: Cell::new(0) }
    }

    /// Writes the next id: 16 digits of the prefix, at least 8 of the counter.
    pub(crate) fn write(&self, to: &mut impl Write) {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        let _ = write!(to, "{:016x}{count:08x}", self.prefix);
    }
}
