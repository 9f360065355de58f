//! Queries per second: governor's GCRA over one atomic word of ours.
//!
//! The word is the theoretical arrival time (TAT) in nanoseconds of the monotonic clock; 0 means
//! that it was never used. The policy lives in the terms, so it can change while the word stays.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};

use super::{Over, Present, Reading};

const SECOND: u64 = 1_000_000_000;

/// A ceiling of queries per second with its burst. Over any `w` seconds it admits at most
/// `burst + ceiling · w`: the interval between two calls is rounded up to whole nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Qps {
    ceiling: NonZeroU32,
    burst: NonZeroU32,
}

/// A call that was taken from a word, to be given back if a later limit refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QpsTaken {
    before: u64,
    after: u64,
}

impl Qps {
    /// At most `ceiling` calls per second, up to 1,000,000,000, of which `burst` may come at once.
    #[must_use]
    pub fn new(ceiling: NonZeroU32, burst: NonZeroU32) -> Self {
        Self { ceiling, burst }
    }

    /// Calls per second in the long run.
    #[must_use]
    pub fn ceiling(&self) -> NonZeroU32 {
        self.ceiling
    }

    /// Calls that may come at once.
    #[must_use]
    pub fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    /// Nanoseconds until a burst that was spent at once is there again as a whole.
    #[must_use]
    pub fn recovery(&self) -> u64 {
        self.interval() * u64::from(self.burst.get())
    }

    /// Whether `word` would admit a call now. Nothing is taken, but a word left over from older
    /// terms is lowered to what these terms can have left.
    pub(crate) fn read(
        &self,
        word: &AtomicU64,
        now: u64,
        present: &impl Present,
    ) -> Result<(), Over> {
        self.check(word, now, present, Use::Read).map(|_| ())
    }

    /// Whether `word` would admit a call now, and where it stands. `present` lowers nothing, so
    /// nothing is written.
    pub(crate) fn look(
        &self,
        word: &AtomicU64,
        now: u64,
        present: &impl Present,
    ) -> (Result<(), Over>, Reading) {
        match self.check(word, now, present, Use::Read) {
            Ok(stands) => (Ok(()), self.reading(stands.before, now)),
            Err(over) => (Err(over), over.reading.unwrap_or(self.reading(0, now))),
        }
    }

    /// Takes a call from `word`, if it admits one now.
    pub(crate) fn take(
        &self,
        word: &AtomicU64,
        now: u64,
        present: &impl Present,
    ) -> Result<(QpsTaken, Reading), Over> {
        let taken = self.check(word, now, present, Use::Take)?;
        Ok((taken, self.reading(taken.after, now)))
    }

    /// Gives a taken call back, unless another call has come between: then it stays spent, and no
    /// bound is passed.
    pub(crate) fn give_back(word: &AtomicU64, taken: QpsTaken) {
        let _ = word.compare_exchange(taken.after, taken.before, AcqRel, Relaxed);
    }

    fn check(
        &self,
        word: &AtomicU64,
        now: u64,
        present: &impl Present,
        purpose: Use,
    ) -> Result<QpsTaken, Over> {
        let word = Word {
            tat: word,
            now,
            reach: self.recovery(),
            present,
            purpose,
            taken: Cell::new(QpsTaken { before: 0, after: 0 }),
        };
        let quota = governor::Quota::with_period(Duration::from_nanos(self.interval()))
            .ok_or(Over::CLOSED)?
            .allow_burst(self.burst);
        let limiter: RateLimiter<_, _, _, NoOpMiddleware<Nanos>> =
            RateLimiter::new(quota, word, OneReading { now, started: Cell::new(false) });
        match limiter.check() {
            Ok(()) => Ok(limiter.into_state_store().taken.get()),
            Err(not_until) => {
                let wait = not_until.earliest_possible().as_u64().saturating_sub(now);
                let stands = limiter.into_state_store().taken.get().before;
                Err(Over { wait: Some(wait), reading: Some(self.reading(stands, now)) })
            }
        }
    }

    /// Nanoseconds between two calls, rounded up.
    fn interval(&self) -> u64 {
        SECOND.div_ceil(u64::from(self.ceiling.get()))
    }

    fn reading(&self, tat: u64, now: u64) -> Reading {
        let ahead = tat.saturating_sub(now);
        let burst = u64::from(self.burst.get());
        let spent = ahead.div_ceil(self.interval());
        let ceiling = u64::from(self.ceiling.get());
        Reading {
            ceiling,
            quota: burst,
            window: burst.div_ceil(ceiling),
            remaining: burst.saturating_sub(spent),
            reset: ahead.div_ceil(SECOND),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Take,
}

/// A word as governor's state store. What is read or written passes by here and is kept for the
/// caller.
struct Word<'a, P> {
    tat: &'a AtomicU64,
    now: u64,
    /// The most that a word can be ahead of the clock under these terms: tau + t.
    reach: u64,
    present: &'a P,
    purpose: Use,
    taken: Cell<QpsTaken>,
}

impl<P: Present> Word<'_, P> {
    /// What stands for these terms. A word beyond their reach was left by older terms, unless it
    /// was written by a later request than this one, or under later terms: both can have
    /// happened since this request read the clock and loaded its snapshot. So both are looked at
    /// again, after the word was read; whoever wrote it had looked before.
    fn within_reach(&self, stands: u64) -> u64 {
        if stands <= self.now.saturating_add(self.reach) {
            return stands;
        }
        match self.present.confirm() {
            Some(now) => stands.min(now.saturating_add(self.reach)),
            None => stands,
        }
    }
}

impl<P: Present> StateStore for Word<'_, P> {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut stands = self.tat.load(Acquire);
        loop {
            // Lowered in place, before the answer and whatever it is: a lowered copy would open
            // the limit, for those who take.
            let before = self.within_reach(stands);
            if P::LOWERS
                && before != stands
                && let Err(other) = self.tat.compare_exchange(stands, before, AcqRel, Acquire)
            {
                stands = other;
                continue;
            }
            self.taken.set(QpsTaken { before, after: before });
            let (outcome, next) = f(Some(Nanos::new(before)))?;
            if self.purpose == Use::Read {
                return Ok(outcome);
            }
            let after = next.as_u64();
            match self.tat.compare_exchange_weak(before, after, AcqRel, Acquire) {
                Ok(_) => {
                    self.taken.set(QpsTaken { before, after });
                    return Ok(outcome);
                }
                Err(other) => stands = other,
            }
        }
    }
}

/// The request's one reading of the time as governor's clock. A limiter takes its first reading
/// when it is made and counts from it: that one is 0, so that every limiter that is ever laid over
/// a word counts from the same instant.
#[derive(Clone)]
struct OneReading {
    now: u64,
    started: Cell<bool>,
}

impl Clock for OneReading {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(if self.started.replace(true) { self.now } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn qps(ceiling: u32, burst: u32) -> Qps {
        Qps::new(NonZeroU32::new(ceiling).unwrap(), NonZeroU32::new(burst).unwrap())
    }

    fn admitted(limit: Qps, word: &AtomicU64, now: u64, calls: u32) -> u32 {
        (0..calls).map(|_| u32::from(limit.take(word, now, &now).is_ok())).sum()
    }

    #[test]
    fn admits_its_burst_and_then_one_an_interval() {
        let word = AtomicU64::new(0);
        let limit = qps(10, 10);
        assert_eq!(admitted(limit, &word, SECOND, 100), 10);
        assert_eq!(admitted(limit, &word, SECOND + 99_999_999, 5), 0);
        assert_eq!(admitted(limit, &word, SECOND + 100_000_000, 5), 1);
        assert_eq!(admitted(limit, &word, 3 * SECOND, 100), 10);
    }

    #[test]
    fn a_refusal_says_when_and_spends_nothing() {
        let word = AtomicU64::new(0);
        let limit = qps(2, 1);
        limit.take(&word, SECOND, &(SECOND)).unwrap();
        let stands = word.load(Relaxed);
        let over = limit.take(&word, SECOND + 100, &(SECOND + 100)).unwrap_err();
        assert_eq!(over.wait, Some(SECOND / 2 - 100));
        assert_eq!(over.reading.unwrap().remaining, 0);
        assert_eq!(word.load(Relaxed), stands);
    }

    #[test]
    fn reading_takes_nothing_and_giving_back_restores_the_word() {
        let word = AtomicU64::new(0);
        let limit = qps(1, 1);
        limit.read(&word, SECOND, &(SECOND)).unwrap();
        limit.read(&word, SECOND, &(SECOND)).unwrap();
        let (taken, reading) = limit.take(&word, SECOND, &(SECOND)).unwrap();
        assert_eq!(reading, Reading { ceiling: 1, quota: 1, window: 1, remaining: 0, reset: 1 });
        Qps::give_back(&word, taken);
        assert_eq!(word.load(Relaxed), 0);
        let (first, _) = limit.take(&word, SECOND, &(SECOND)).unwrap();
        let (_second, _) = limit.take(&word, 2 * SECOND, &(2 * SECOND)).unwrap();
        let stands = word.load(Relaxed);
        Qps::give_back(&word, first);
        assert_eq!(word.load(Relaxed), stands, "another call came between");
    }

    #[test]
    fn a_changed_ceiling_bites_at_once_and_never_opens() {
        let word = AtomicU64::new(0);
        // 100 at once under a slow ceiling leave a debt of 100 s.
        assert_eq!(admitted(qps(1, 100), &word, SECOND, 1000), 100);
        // Under 50 a second the debt is lowered to one burst: full, not open.
        let raised = qps(50, 5);
        assert_eq!(admitted(raised, &word, SECOND, 1000), 0);
        assert_eq!(admitted(raised, &word, SECOND + SECOND / 50, 1000), 1);
        // Over the next second at most burst + ceiling come through, however often it is asked.
        let mut through = 0;
        for step in 0..10_000 {
            through += admitted(raised, &word, 2 * SECOND + step * 100_000, 1);
        }
        assert!((50..=55).contains(&through), "{through}");
    }

    #[test]
    fn a_late_request_lowers_nothing() {
        let word = AtomicU64::new(0);
        let limit = qps(10, 10);
        assert_eq!(admitted(limit, &word, 5 * SECOND, 20), 10);
        let stands = word.load(Relaxed);
        // It read the clock two seconds ago; the present is five.
        assert!(limit.take(&word, 3 * SECOND, &(5 * SECOND)).is_err());
        assert_eq!(word.load(Relaxed), stands);
        // It was decided by terms that are no longer the present ones.
        assert!(qps(10, 2).take(&word, 5 * SECOND, &Superseded).is_err());
        assert_eq!(word.load(Relaxed), stands);
    }

    struct Superseded;

    impl Present for Superseded {
        fn confirm(&self) -> Option<u64> {
            None
        }
    }

    /// The instant itself.
    impl Present for u64 {
        fn confirm(&self) -> Option<u64> {
            Some(*self)
        }
    }

    proptest! {
        /// Over any stretch of the history at most burst + ceiling · w calls come through.
        #[test]
        fn no_stretch_admits_more_than_burst_and_ceiling(
            ceiling in 1u32..2000,
            burst in 1u32..200,
            steps in proptest::collection::vec((0u64..20_000_000, 1u32..40), 1..200),
        ) {
            let word = AtomicU64::new(0);
            let limit = qps(ceiling, burst);
            let mut now = SECOND;
            let mut history = Vec::new();
            for (pause, calls) in steps {
                now += pause;
                history.push((now, admitted(limit, &word, now, calls)));
            }
            for (first, (start, _)) in history.iter().enumerate() {
                let mut sum = 0u64;
                for (end, count) in &history[first..] {
                    sum += u64::from(*count);
                    let bound = u128::from(burst) * u128::from(SECOND)
                        + u128::from(ceiling) * u128::from(end - start);
                    prop_assert!(u128::from(sum) * u128::from(SECOND) <= bound);
                }
            }
        }

        /// Any sequence of ceilings against a naive bucket that is told of each change: the word
        /// never admits more than the bucket, and never less by more than rounding costs.
        #[test]
        fn any_sequence_of_ceilings_matches_a_naive_bucket(
            steps in proptest::collection::vec(
                (1u32..500, 1u32..100, 0u64..500_000_000, 1u32..60), 1..60),
        ) {
            let word = AtomicU64::new(0);
            let mut now = SECOND;
            let mut bucket: Option<(u32, u32, f64)> = None;
            for (ceiling, burst, pause, calls) in steps {
                let limit = qps(ceiling, burst);
                // The naive bucket holds a debt in seconds, as the standard words it.
                let pause_s = pause as f64 / 1e9;
                let debt = bucket.map_or(0.0, |(_, _, debt)| (debt - pause_s).max(0.0));
                let interval = 1.0 / f64::from(ceiling);
                let mut debt = debt.min(interval * f64::from(burst));
                now += pause;
                for _ in 0..calls {
                    let room = interval * f64::from(burst) - debt - interval;
                    let admits = limit.take(&word, now, &now).is_ok();
                    if room.abs() > 1e-6 {
                        prop_assert_eq!(admits, room > 0.0, "room {}", room);
                    }
                    if admits {
                        debt += interval;
                    }
                }
                bucket = Some((ceiling, burst, debt));
            }
        }
    }
}
