//! Signatures that were spent, so that none is accepted twice.
//!
//! One fixed array of atomic words, shared by all workers, without a lock. A signature has a home in it
//! and is put into the first word from there on that is free *for its own time*: that is empty, or
//! holds a signature so much older that whoever still accepts the one cannot accept the other. Since
//! that depends on the two times alone and never on a clock, everyone who looks for the same signature
//! sees the same words as free; since a word only ever gets a later time, none becomes free again for
//! it. So of several who spend the same signature at once all meet at one word, and one of them
//! wins it. Where a word holds a signature so much later that ours may have been overwritten, the
//! clock of somebody has left ours behind: it is refused. Nothing is ever forgotten into acceptance.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use crate::ProofFailure;

/// The greatest distance between a signature's time and the clock, in seconds.
pub const MAX_TOLERANCE: u64 = 300;

/// Seconds in a unit of the times that are kept.
const UNIT: u64 = 64;

/// How many units two signatures are apart at most that are accepted at one instant.
const APART: u64 = (2 * MAX_TOLERANCE).div_ceil(UNIT);

/// How many words from its home on a signature can be in.
const REACH: usize = 64;

/// Bits of a word that tell signatures of one time apart; the others are the time.
const TAG_BITS: u32 = 37;

/// A signature and its time, as a word of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    home: u64,
    word: u64,
}

impl Signed {
    /// A signature of 256 bits, made at this second since 1970.
    pub(crate) fn new(signature: &[u8; 32], second: u64) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *signature;
        let tag = u64::from_be_bytes([i, j, k, l, m, n, o, p]) >> (u64::BITS - TAG_BITS);
        let home = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        // Beyond the year 2242 nothing is free any more.
        let unit = (second / UNIT).min(u64::MAX >> TAG_BITS);
        Self { home, word: unit << TAG_BITS | tag }
    }

    fn unit(self) -> u64 {
        self.word >> TAG_BITS
    }
}

/// The signatures that were spent, as far as they could be presented again.
#[derive(Debug, Default)]
pub struct Signatures(OnceLock<Box<[AtomicU64]>>);

impl Signatures {
    /// Makes room for so many, once; off the road of requests. Until then nothing is accepted.
    pub(crate) fn make_room(&self, entries: usize) {
        self.0.get_or_init(|| (0..entries.max(REACH)).map(|_| AtomicU64::new(0)).collect());
    }

    /// Whether the signature could be spent now.
    ///
    /// # Errors
    /// Why not: it was spent before, its time has gone, or there is no room for it.
    pub(crate) fn look(&self, signed: Signed) -> Result<(), ProofFailure> {
        self.find(signed).map(|_| ())
    }

    /// Spends the signature. Of all who try, one succeeds.
    ///
    /// # Errors
    /// As [`Signatures::look`].
    pub(crate) fn spend(&self, signed: Signed) -> Result<(), ProofFailure> {
        loop {
            let (word, found) = self.find(signed)?;
            // Whoever was faster may have spent the same one, or just this word.
            if word.compare_exchange(found, signed.word, AcqRel, Acquire).is_ok() {
                return Ok(());
            }
        }
    }

    /// The words that hold a signature, by their places, and how many words there are: what another
    /// process with as many goes on with.
    #[must_use]
    pub fn spent(&self) -> (usize, Vec<(u32, u64)>) {
        let Some(words) = self.0.get() else { return (0, Vec::new()) };
        let words_held = (0u32..).zip(words.iter()).map(|(at, word)| (at, word.load(Acquire)));
        (words.len(), words_held.filter(|(_, word)| *word != 0).collect())
    }

    /// Remembers what another process has spent. False if it remembers another number of them: then a
    /// signature would be looked for in another place.
    #[must_use]
    pub fn remember(&self, entries: usize, spent: &[(u32, u64)]) -> bool {
        let words = self.0.get_or_init(|| (0..entries).map(|_| AtomicU64::new(0)).collect());
        for (at, spent) in spent {
            if let Some(word) = words.get(*at as usize) {
                word.fetch_max(*spent, AcqRel);
            }
        }
        words.len() == entries
    }

    /// The word for the signature, and what it holds.
    fn find(&self, signed: Signed) -> Result<(&AtomicU64, u64), ProofFailure> {
        let words = self.0.get().ok_or(ProofFailure::MemoryFull)?;
        let home = (u128::from(signed.home) * words.len() as u128) >> u64::BITS;
        let home = usize::try_from(home).unwrap_or_default();
        let (before, from) = words.split_at_checked(home).ok_or(ProofFailure::MemoryFull)?;
        for word in from.iter().chain(before).take(REACH) {
            let found = word.load(Acquire);
            let unit = found >> TAG_BITS;
            if found == signed.word {
                return Err(ProofFailure::Replayed);
            }
            if unit + APART < signed.unit() {
                return Ok((word, found));
            }
            if unit > signed.unit() + APART {
                return Err(ProofFailure::Untimely);
            }
        }
        Err(ProofFailure::MemoryFull)
    }
}

#[cfg(test)]
mod tests;
