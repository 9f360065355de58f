//! Sources of credentials that failed, held to a budget each.
//!
//! Only what was refused for its credential comes here: a request with a valid key meets none of
//! it, whoever shares its address. What a source has failed is a word of governor's GCRA, as for
//! every other limit; the words of all sources stand in a map of bounded size.

mod source;
mod sweep;

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

#[expect(
    clippy::disallowed_types,
    reason = "a request comes here only after its credential was refused; an admitted one never does"
)]
use dashmap::DashMap;
use dashmap::Entry;

use crate::limits::{Over, Present};
use crate::{Now, Qps, Refusal, Refused};

pub use source::Source;
pub use sweep::{Guesser, Swept};

/// How finely the map is locked. A sweep holds one part at a time: a few hundred sources at most,
/// so a worker waits microseconds for it.
const PARTS: usize = 256;

/// What strangers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrangerBudget {
    /// Failed credentials of one source.
    pub failures: Qps,
    /// Sources that are held at a time. All others share one budget.
    pub max_sources: usize,
}

/// The sources of failed credentials. Shared by all workers.
#[derive(Debug)]
#[expect(clippy::disallowed_types, reason = "only refused credentials reach it")]
pub struct Strangers {
    budget: StrangerBudget,
    held: DashMap<Source, Held>,
    /// Places taken in `held`, before they are filled and until after they are empty.
    places: AtomicUsize,
    /// The word of all sources that found no place.
    overflow: AtomicU64,
    /// The last sweep: every word that it dropped had recovered by then. A source that is not held
    /// is judged as of then at the earliest, so that nothing is forgotten towards a request that
    /// read the clock before.
    swept: AtomicU64,
    counts: Counts,
}

/// A source that has a place.
#[derive(Debug)]
struct Held {
    word: AtomicU64,
    /// Credentials that failed, and those of them that were over the budget, since the source was
    /// last told of.
    failed: AtomicU64,
    over: AtomicU64,
    guessing: bool,
    /// When it was last told of.
    told: Option<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    guessing: AtomicUsize,
    guessers: AtomicU64,
    overflowed: AtomicU64,
}

/// What is counted of strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrangerCounts {
    /// Sources held now.
    pub sources: usize,
    /// Those of them that went over their budget within the last minute or so.
    pub guessing: usize,
    /// How often a source began to go over its budget.
    pub guessers: u64,
    /// Failed credentials of sources that found no place.
    pub overflowed: u64,
}

impl Strangers {
    /// Nobody has failed yet.
    #[must_use]
    #[expect(clippy::disallowed_types, reason = "only refused credentials reach it")]
    pub fn new(budget: StrangerBudget) -> Self {
        Self {
            budget,
            held: DashMap::with_shard_amount(PARTS),
            places: AtomicUsize::new(0),
            overflow: AtomicU64::new(0),
            swept: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    /// What a refused request is answered with: what it was refused for, or, if that is a
    /// credential that failed and `source` has failed too often, that.
    #[must_use]
    pub fn judge(&self, source: Source, refused: Refused, now: Now) -> Refused {
        if !refused.refusal.failed_credential() {
            return refused;
        }
        match self.take(source, now.monotonic) {
            Ok(()) => refused,
            Err(over) => Refused::over(Refusal::SourceThrottled, over, None),
        }
    }

    /// Counts an attempt of a source outside of the decision, such as to log in.
    ///
    /// # Errors
    /// How long the source has to wait, if that was one too many.
    pub fn attempt(&self, source: Source, now: Now) -> Result<(), Duration> {
        let over = self.take(source, now.monotonic).err();
        over.map_or(Ok(()), |over| Err(Duration::from_nanos(over.wait.unwrap_or(u64::MAX))))
    }

    /// What is counted.
    #[must_use]
    pub fn counts(&self) -> StrangerCounts {
        StrangerCounts {
            sources: self.places.load(Relaxed),
            guessing: self.counts.guessing.load(Relaxed),
            guessers: self.counts.guessers.load(Relaxed),
            overflowed: self.counts.overflowed.load(Relaxed),
        }
    }

    fn take(&self, source: Source, now: u64) -> Result<(), Over> {
        // A flood from few sources shares the lock.
        if let Some(held) = self.held.get(&source) {
            return held.take(self.budget.failures, now);
        }
        match self.held.entry(source) {
            Entry::Occupied(held) => held.get().take(self.budget.failures, now),
            // The place stays locked meanwhile: no sweep and no other request of the source comes
            // between.
            Entry::Vacant(place) => {
                let now = now.max(self.swept.load(Acquire));
                if self.take_place() {
                    // What it has failed without a place stands against it.
                    let begin = self.overflow.load(Acquire);
                    return place.insert(Held::at(begin)).take(self.budget.failures, now);
                }
                self.counts.overflowed.fetch_add(1, Relaxed);
                take(self.budget.failures, &self.overflow, now)
            }
        }
    }

    fn take_place(&self) -> bool {
        let free = |taken| (taken < self.budget.max_sources).then_some(taken + 1);
        self.places.fetch_update(AcqRel, Relaxed, free).is_ok()
    }
}

impl Held {
    fn at(word: u64) -> Self {
        Self {
            word: AtomicU64::new(word),
            failed: AtomicU64::new(0),
            over: AtomicU64::new(0),
            guessing: false,
            told: None,
        }
    }

    fn take(&self, failures: Qps, now: u64) -> Result<(), Over> {
        self.failed.fetch_add(1, Relaxed);
        take(failures, &self.word, now).inspect_err(|_| {
            self.over.fetch_add(1, Relaxed);
        })
    }
}

fn take(failures: Qps, word: &AtomicU64, now: u64) -> Result<(), Over> {
    failures.take(word, now, &Settled).map(|_| ())
}

/// The budget never changes: a word that is far ahead was written by a later request.
struct Settled;

impl Present for Settled {
    fn confirm(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests;
