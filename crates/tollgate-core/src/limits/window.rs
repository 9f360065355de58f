//! Quotas: calls within a UTC-aligned window, counted in one atomic word.
//!
//! The word holds, from the top: the period (2 bits), the number of the window since 1970 (28
//! bits: minutes last until the year 2480) and the count (34 bits).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::{Over, Period, Present, Reading};
use crate::Now;

const COUNT_BITS: u32 = 34;
const WINDOW_BITS: u32 = 28;

/// The largest quota ceiling.
pub const MAX_QUOTA: u64 = (1 << COUNT_BITS) - 1;

/// How far the wall clock may step back before the window goes back with it, in seconds.
const STEP_BACK: u64 = 300;

/// At most `ceiling` calls in each window of `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Calls in a window, at most [`MAX_QUOTA`].
    pub ceiling: u64,
    /// The window.
    pub period: Period,
}

/// A call that was counted, to be given back if a later limit refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotaTaken {
    counted: Count,
    ceiling: u64,
}

impl QuotaTaken {
    /// The count of the window, with the call.
    pub(crate) fn count(self) -> u64 {
        self.counted.count
    }

    /// The ceiling that it was counted under.
    pub(crate) fn ceiling(self) -> u64 {
        self.ceiling
    }

    /// The word that it has left.
    pub(crate) fn word(self) -> u64 {
        self.counted.word()
    }

    /// Whether the call is within what is reserved, and whether it is the one by which half of a chunk
    /// is used.
    pub(crate) fn within(self, reserved: u64) -> (bool, bool) {
        let (reserved, counted) = (Count::of(reserved), self.counted);
        let same = (reserved.period, reserved.window) == (counted.period, counted.window);
        let left = reserved.count.checked_sub(counted.count).filter(|_| same);
        let half = Quota::chunk(self.ceiling) / 2;
        let more = reserved.count < self.ceiling;
        (left.is_some(), left == Some(half) && more)
    }
}

/// A word, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    period: u64,
    window: u64,
    count: u64,
}

impl Count {
    fn of(word: u64) -> Self {
        Self {
            period: word >> (COUNT_BITS + WINDOW_BITS),
            window: word >> COUNT_BITS & ((1 << WINDOW_BITS) - 1),
            count: word & MAX_QUOTA,
        }
    }

    fn word(self) -> u64 {
        self.period << (COUNT_BITS + WINDOW_BITS) | self.window << COUNT_BITS | self.count
    }
}

impl Quota {
    /// Whether `word` would admit a call now. Nothing is written.
    pub(crate) fn read(
        &self,
        word: &AtomicU64,
        now: Now,
        present: &impl Present,
    ) -> Result<(), Over> {
        let (stands, _) = self.stands(word.load(Acquire), now, present);
        if stands.count < self.ceiling { Ok(()) } else { Err(self.over(stands, now)) }
    }

    /// Whether `word` would admit a call now, how many it has counted, and where it stands. Nothing
    /// is written.
    pub(crate) fn look(
        &self,
        word: &AtomicU64,
        now: Now,
        present: &impl Present,
    ) -> (Result<(), Over>, u64, Reading) {
        let (stands, _) = self.stands(word.load(Acquire), now, present);
        let admits = if stands.count < self.ceiling { Ok(()) } else { Err(self.over(stands, now)) };
        (admits, stands.count, self.reading(stands, now))
    }

    /// Counts a call, if the window has room. `stepped_back` is told of a wall clock that went
    /// back so far that the window went with it.
    pub(crate) fn take(
        &self,
        word: &AtomicU64,
        now: Now,
        present: &impl Present,
        stepped_back: impl Fn(),
    ) -> Result<(QuotaTaken, Reading), Over> {
        let mut current = word.load(Acquire);
        loop {
            let (stands, back) = self.stands(current, now, present);
            if stands.count >= self.ceiling {
                return Err(self.over(stands, now));
            }
            let next = Count { count: stands.count + 1, ..stands };
            match word.compare_exchange_weak(current, next.word(), AcqRel, Acquire) {
                Ok(_) => {
                    if back {
                        stepped_back();
                    }
                    let taken = QuotaTaken { counted: next, ceiling: self.ceiling };
                    return Ok((taken, self.reading(next, now)));
                }
                Err(other) => current = other,
            }
        }
    }

    /// Takes one off the count of the window in which the call was counted; in any other window
    /// there is nothing left to give back.
    pub(crate) fn give_back(word: &AtomicU64, taken: QuotaTaken) {
        let QuotaTaken { counted, .. } = taken;
        let mut current = word.load(Relaxed);
        loop {
            let stands = Count::of(current);
            let same = stands.period == counted.period && stands.window == counted.window;
            let Some(count) = stands.count.checked_sub(1).filter(|_| same) else { return };
            let next = Count { count, ..stands };
            match word.compare_exchange_weak(current, next.word(), Relaxed, Relaxed) {
                Ok(_) => return,
                Err(other) => current = other,
            }
        }
    }

    /// How many calls are reserved at once: what a crash can lose of a quota.
    #[must_use]
    pub fn chunk(ceiling: u64) -> u64 {
        (ceiling / 10).clamp(1, 1 << 16)
    }

    /// The word that reserves a chunk beyond what is counted, up to the ceiling, and what is reserved
    /// already.
    pub(crate) fn reserve(counted: u64, reserved: u64, ceiling: u64) -> u64 {
        let (counted, reserved) = (Count::of(counted), Count::of(reserved));
        let same = (reserved.period, reserved.window) == (counted.period, counted.window);
        let before = if same { reserved.count } else { 0 };
        let ahead = (counted.count + Self::chunk(ceiling)).min(ceiling.min(MAX_QUOTA));
        Count { count: ahead.max(before).max(counted.count), ..counted }.word()
    }

    /// Whether two words are of one window.
    pub(crate) fn same_window(one: u64, other: u64) -> bool {
        one >> COUNT_BITS == other >> COUNT_BITS
    }

    /// Whether what is reserved has what was counted in it.
    pub(crate) fn covers(reserved: u64, counted: u64) -> bool {
        Self::same_window(reserved, counted) && reserved >= counted
    }

    /// Whether the window of a word has ended at `unix`, long enough ago that no clock goes back there.
    #[must_use]
    pub fn is_over(word: u64, unix: u64) -> bool {
        let Count { period, window, .. } = Count::of(word);
        let period = match period {
            0 => Period::Minute,
            1 => Period::Hour,
            2 => Period::Day,
            _ => Period::Month,
        };
        period.start(window + 1) + STEP_BACK <= unix
    }

    /// The count that applies now, and whether the clock went back for it.
    fn stands(&self, word: u64, now: Now, present: &impl Present) -> (Count, bool) {
        let unix = now.unix();
        let window = self.period.window(unix);
        let held = Count::of(word);
        let fresh = Count { period: self.period as u64, window, count: 0 };
        if held.period != fresh.period {
            // Of two terms only the present ones may start the count anew.
            let used = held != Count::of(0);
            let late = used && present.confirm().is_none();
            return (if late { held } else { fresh }, false);
        }
        match held.window {
            later if later > window => {
                let small = self.period.window(unix + STEP_BACK) >= later;
                if small { (held, false) } else { (fresh, true) }
            }
            same if same == window => (held, false),
            _ => (fresh, false),
        }
    }

    fn over(&self, stands: Count, now: Now) -> Over {
        let end = self.period.start(stands.window + 1) * 1000;
        let wait = end.saturating_sub(now.unix_ms) * 1_000_000;
        let wait = (self.ceiling > 0).then_some(wait);
        Over { wait, reading: Some(self.reading(stands, now)) }
    }

    fn reading(&self, stands: Count, now: Now) -> Reading {
        let start = self.period.start(stands.window);
        let end = self.period.start(stands.window + 1);
        Reading {
            ceiling: self.ceiling,
            quota: self.ceiling,
            window: end - start,
            remaining: self.ceiling.saturating_sub(stands.count),
            reset: (end * 1000).saturating_sub(now.unix_ms).div_ceil(1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;

    const NOON: u64 = 1_767_268_800; // 2026-01-01T12:00:00Z

    fn at(unix: u64) -> Now {
        Now { monotonic: 0, unix_ms: unix * 1000 }
    }

    fn quota(ceiling: u64, period: Period) -> Quota {
        Quota { ceiling, period }
    }

    fn admitted(limit: Quota, word: &AtomicU64, unix: u64, calls: u64) -> u64 {
        (0..calls).filter(|_| limit.take(word, at(unix), &0, || ()).is_ok()).count() as u64
    }

    #[test]
    fn admits_its_ceiling_in_each_window_and_says_when_the_next_begins() {
        let word = AtomicU64::new(0);
        let limit = quota(3, Period::Minute);
        assert_eq!(admitted(limit, &word, NOON + 59, 10), 3);
        let over = limit.take(&word, at(NOON + 59), &0, || ()).unwrap_err();
        assert_eq!(over.wait, Some(1_000_000_000));
        assert_eq!(admitted(limit, &word, NOON + 60, 10), 3);
    }

    #[test]
    fn s3_8_windows_hold_until_after_the_year_2100() {
        let word = AtomicU64::new(0);
        for period in [Period::Minute, Period::Hour, Period::Day, Period::Month] {
            let limit = quota(MAX_QUOTA, period);
            let (_, reading) = limit.take(&word, at(4_133_980_799), &0, || ()).unwrap();
            assert_eq!(reading.remaining, MAX_QUOTA - 1);
        }
    }

    #[test]
    fn a_changed_period_starts_a_new_count_and_a_changed_ceiling_does_not() {
        let word = AtomicU64::new(0);
        assert_eq!(admitted(quota(5, Period::Hour), &word, NOON, 10), 5);
        assert_eq!(admitted(quota(7, Period::Hour), &word, NOON, 10), 2);
        assert_eq!(admitted(quota(1, Period::Hour), &word, NOON, 10), 0);
        assert_eq!(admitted(quota(5, Period::Day), &word, NOON, 10), 5);
    }

    #[test]
    fn a_small_step_back_stays_in_the_later_window_and_a_large_one_goes_back() {
        let word = AtomicU64::new(0);
        let limit = quota(2, Period::Hour);
        let steps = Cell::new(0);
        let take = |unix| limit.take(&word, at(unix), &0, || steps.set(steps.get() + 1)).is_ok();
        assert!(take(NOON) && take(NOON) && !take(NOON));
        assert!(!take(NOON - 1) && !take(NOON - 300), "still the window of noon");
        assert_eq!(steps.get(), 0);
        assert!(take(NOON - 301), "eleven o'clock's");
        assert_eq!(steps.get(), 1);
    }

    #[test]
    fn giving_back_counts_only_in_the_same_window() {
        let word = AtomicU64::new(0);
        let limit = quota(1, Period::Minute);
        let (taken, _) = limit.take(&word, at(NOON), &0, || ()).unwrap();
        Quota::give_back(&word, taken);
        let (taken, _) = limit.take(&word, at(NOON), &0, || ()).unwrap();
        limit.take(&word, at(NOON + 60), &0, || ()).unwrap();
        Quota::give_back(&word, taken);
        assert_eq!(admitted(limit, &word, NOON + 60, 1), 0, "the new window keeps its call");
    }

    #[test]
    fn a_ceiling_of_zero_never_opens() {
        let over = quota(0, Period::Day).read(&AtomicU64::new(0), at(NOON), &0).unwrap_err();
        assert_eq!(over.wait, None);
    }

    proptest! {
        /// Any history with a clock that moves forward, against a map from window to count.
        #[test]
        fn matches_a_naive_counter(
            steps in proptest::collection::vec((0u64..40, 0u64..6, prop::bool::ANY), 1..200),
            ceiling in 0u64..8,
        ) {
            let word = AtomicU64::new(0);
            let limit = quota(ceiling, Period::Minute);
            let mut counts = std::collections::HashMap::<u64, u64>::new();
            let mut unix = NOON;
            for (pause, calls, give_back) in steps {
                unix += pause;
                let count = counts.entry(unix / 60).or_default();
                for _ in 0..calls {
                    prop_assert_eq!(limit.read(&word, at(unix), &0).is_ok(), *count < ceiling);
                    match limit.take(&word, at(unix), &0, || ()) {
                        Ok((taken, _)) if give_back => Quota::give_back(&word, taken),
                        Ok(_) => *count += 1,
                        Err(_) => prop_assert_eq!(*count, ceiling),
                    }
                }
            }
        }
    }
}
