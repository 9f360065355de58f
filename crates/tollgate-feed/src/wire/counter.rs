//! What keys count under, on the way.

use std::fmt;

use sha2::{Digest, Sha256};

/// Stands for the name that a key counts under: a chain's, or the key's own. It is the same in every
/// process, so that counters go on whatever else begins anew. Of ten million names two share one with
/// a chance of one in 370,000; their keys would count together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Counter(pub u64);

impl Counter {
    /// That of a name: the first 64 bits of its SHA-256.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counter({:016x})", self.0)
    }
}
