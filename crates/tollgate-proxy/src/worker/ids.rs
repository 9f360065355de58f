//! Names for requests that come without one.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use bytes::BytesMut;

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

    /// Writes the next id: 16 digits of the prefix and 16 of the counter.
    pub(crate) fn write(&self, to: &mut BytesMut) {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        to.extend_from_slice(&hex(self.prefix));
        to.extend_from_slice(&hex(count));
    }
}

fn hex(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|at| DIGITS[(number >> (60 - 4 * at)) as usize & 15])
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
            ids.write(&mut id);
            assert_eq!(id.len(), 32);
            assert!(seen.insert(id));
        }
    }

    #[test]
    fn digits_stand_in_their_order() {
        assert_eq!(&hex(0x0123_4567_89ab_cdef), b"0123456789abcdef");
    }
}
