//! Ids of traces and spans: random, and never zero, which means none (Trace Context §3.2.2.3 and §3.2.2.4).

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// Draws ids: SipHash, under a key that the standard library seeds from the system's randomness, of a
/// counter. It costs no system call.
#[derive(Debug)]
pub(crate) struct SpanIds {
    random: RandomState,
    count: Cell<u64>,
}

impl SpanIds {
    pub(crate) fn new() -> Self {
        Self { random: RandomState::new(), count: Cell::new(0) }
    }

    /// An id for a span.
    pub(crate) fn span(&self) -> u64 {
        loop {
            let count = self.count.get();
            self.count.set(count.wrapping_add(1));
            let id = self.random.hash_one(count);
            if id != 0 {
                return id;
            }
        }
    }

    /// An id for a trace.
    pub(crate) fn trace(&self) -> u128 {
        u128::from(self.span()) << 64 | u128::from(self.span())
    }
}
