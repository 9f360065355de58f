//! Names for requests that come without one.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use bytes::BytesMut;

use crate::hex::hex;

/// Makes ids that no other worker or process makes: random bits, drawn once, before a counter.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// In hexadecimal digits.
    prefix: [u8; 16],
    nonces: RandomState,
    count: Cell<u64>,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The standard library seeds each RandomState from the system's randomness.
        Self {
            prefix: hex(RandomState::new().build_hasher().finish()),
            nonces: RandomState::new(),
            count: Cell::new(0),
        }
    }

    /// Bytes that nobody outside can foretell, for what a WebSocket needs of them (RFC 6455 §5.3, §4.1).
    pub(crate) fn nonce(&self) -> [u8; 16] {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        let halves = [0, 1].map(|half| self.nonces.hash_one((count, half)).to_be_bytes());
        std::array::from_fn(|at| halves[at / 8][at % 8])
    }

    /// The number of the next id.
    pub(crate) fn next(&self) -> u64 {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        count
    }

    /// Writes the id of this number: 16 digits of the prefix and 16 of the number.
    pub(crate) fn write(&self, number: u64, to: &mut BytesMut) {
        to.extend_from_slice(&self.prefix);
        to.extend_from_slice(&hex(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_within_a_worker_and_between_workers() {
        let workers = [RequestIds::new(), RequestIds::new()];
        let mut seen = std::collections::HashSet::new();
        for ids in workers.iter().cycle().take(100) {
            let mut id = BytesMut::new();
            ids.write(ids.next(), &mut id);
            assert_eq!(id.len(), 32);
            assert!(seen.insert(id));
        }
    }
}
