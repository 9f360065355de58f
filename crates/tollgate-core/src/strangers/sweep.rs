//! What is done about sources now and then, off every road: those that have nothing against them
//! any more give up their place, and those that guess are told of.

use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use super::{Held, Source, Strangers};

/// A source is told of once in so many nanoseconds, and keeps its place until it has been quiet
/// for as long.
const QUIET: u64 = 60 * 1_000_000_000;

/// Sources that one sweep tells of.
const TOLD: usize = 10;

/// A source that went over its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guesser {
    /// Which one.
    pub source: Source,
    /// Credentials that failed since it was last told of, or since it is held.
    pub failed: u64,
    /// Those of them that were over the budget.
    pub throttled: u64,
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sources to be told of: each of them once a minute at most.
    pub guessers: Vec<Guesser>,
    /// How many more there were.
    pub more: usize,
}

impl Strangers {
    /// Drops the sources that have recovered as of `now`, in nanoseconds of the monotonic clock.
    /// To be called every second or so, by one thread.
    pub fn sweep(&self, now: u64) -> Swept {
        let recovered = self.swept.fetch_max(now, AcqRel).max(now);
        let mut swept = Swept::default();
        let (mut guessing, mut begun, mut dropped) = (0, 0, 0);
        self.held.retain(|source, held| {
            let guessed = held.guessing;
            let due = held.look(*source, now);
            begun += u64::from(held.guessing && !guessed);
            match due {
                Some(guesser) if swept.guessers.len() < TOLD => swept.guessers.push(guesser),
                Some(_) => swept.more += 1,
                None => {}
            }
            guessing += usize::from(held.guessing);
            let keep = held.guessing || *held.word.get_mut() > recovered;
            dropped += usize::from(!keep);
            keep
        });
        self.places.fetch_sub(dropped, AcqRel);
        self.counts.guessing.store(guessing, Relaxed);
        self.counts.guessers.fetch_add(begun, Relaxed);
        if self.held.capacity() > 4 * self.held.len().max(super::PARTS) {
            self.held.shrink_to_fit();
        }
        swept
    }
}

impl Held {
    /// Sees whether the source is guessing, and what is to be told of it, if it is time to.
    fn look(&mut self, source: Source, now: u64) -> Option<Guesser> {
        let throttled = *self.over.get_mut();
        self.guessing |= throttled > 0;
        let told = self.told.is_some_and(|told| now.saturating_sub(told) < QUIET);
        if !self.guessing || told {
            return None;
        }
        if throttled == 0 {
            self.guessing = false;
            return None;
        }
        self.told = Some(now);
        *self.over.get_mut() = 0;
        let failed = std::mem::take(self.failed.get_mut());
        Some(Guesser { source, failed, throttled })
    }
}
