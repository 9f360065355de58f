//! Quotas that are kept beyond the process, by whoever keeps them: he writes down that a chunk of calls
//! is used before any of them is, so that what is written down is never less than what was admitted.
//!
//! A line says how far its count is written down. A call that goes beyond is counted, and has to wait
//! until that is written down, too. Nothing here waits, and where nobody keeps quotas, nothing is asked.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Line, LineTag, MeterId, Meters};
use crate::Quota;
use crate::limits::QuotaTaken;

/// Asks for more of a quota to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whose.
    pub meter: MeterId,
    /// Which line of it.
    pub tag: LineTag,
    /// The ceiling that the call was counted under.
    pub ceiling: u64,
}

/// A call that was counted and is not written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    meter: MeterId,
    lines: Vec<(LineTag, u64, u64)>,
}

/// What quotas are kept by.
pub(super) struct Keeper(Box<dyn Fn(Ask) + Send + Sync>);

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeper(..)")
    }
}

/// Of a line whose quota nobody keeps: any count is as good as written down.
pub(super) const ANY: u64 = u64::MAX;

impl Line {
    /// Whether the count of a call is written down, and whether more is wanted soon.
    #[inline]
    fn keeps(&self, taken: QuotaTaken) -> (bool, bool) {
        match self.reserved.load(Acquire) {
            ANY => (true, false),
            reserved => taken.within(reserved),
        }
    }
}

impl Meters {
    /// Has quotas kept by whoever hears what `keeper` is told. To be said before any meter is made.
    /// False if somebody keeps them already.
    pub fn keep_by(&self, keeper: impl Fn(Ask) + Send + Sync + 'static) -> bool {
        self.keeper.set(Keeper(Box::new(keeper))).is_ok()
    }

    /// Says so of calls that were counted on lines of `meter`; `None` = all of it is written down.
    #[inline]
    pub(crate) fn unkept<'a>(
        &self,
        meter: MeterId,
        taken: impl Iterator<Item = (&'a Line, QuotaTaken)>,
    ) -> Option<Box<Unkept>> {
        let mut unkept = None;
        for (line, taken) in taken {
            let (kept, low) = line.keeps(taken);
            if kept && !low {
                continue;
            }
            let tag = LineTag(line.tag.load(Relaxed));
            self.ask(Ask { meter, tag, ceiling: taken.ceiling() });
            if !kept {
                let new = || Box::new(Unkept { meter, lines: Vec::new() });
                unkept.get_or_insert_with(new).lines.push((tag, taken.word(), taken.ceiling()));
            }
        }
        unkept
    }

    #[cold]
    fn ask(&self, ask: Ask) {
        if let Some(Keeper(keeper)) = self.keeper.get() {
            keeper(ask);
        }
    }

    /// Whether a call is written down by now. If not, it is asked for once more.
    #[must_use]
    pub fn is_kept(&self, unkept: &Unkept) -> bool {
        let meter = unkept.meter;
        let mut all = true;
        for (tag, word, ceiling) in &unkept.lines {
            let Some(line) = self.line(meter, *tag) else { continue };
            // Of a window that has ended, or another period, nobody will ever ask.
            let present = Quota::same_window(line.quota.load(Acquire), *word);
            if present && !Quota::covers(line.reserved.load(Acquire), *word) {
                self.ask(Ask { meter, tag: *tag, ceiling: *ceiling });
                all = false;
            }
        }
        all
    }

    /// What is to be written down for a line next: its quota's word, with a chunk of calls that are not
    /// counted yet. `None` if there is nothing more to it than what is written down already.
    #[must_use]
    pub fn next_reserve(&self, ask: &Ask) -> Option<u64> {
        let line = self.line(ask.meter, ask.tag)?;
        let (counted, reserved) = (line.quota.load(Acquire), line.reserved.load(Acquire));
        let next = Quota::reserve(counted, reserved, ask.ceiling);
        (next != reserved).then_some(next)
    }

    /// Notes that a line's quota is written down as far as this. Nobody else does so meanwhile.
    pub fn note_reserved(&self, meter: MeterId, tag: LineTag, word: u64) {
        if let Some(line) = self.line(meter, tag) {
            line.reserved.store(word, Release);
        }
    }

    /// The word of a line's quota, as it is counted.
    #[must_use]
    pub fn counted(&self, meter: MeterId, tag: LineTag) -> Option<u64> {
        Some(self.line(meter, tag)?.quota.load(Acquire))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use proptest::prelude::*;

    use super::super::{Allotment, LineState};
    use super::*;
    use crate::{Now, Period};

    /// Counts calls, and writes down as whoever keeps quotas does.
    struct Gate {
        meters: Meters,
        allotment: Allotment,
        meter: MeterId,
        quota: Quota,
        asked: Arc<AtomicUsize>,
        waiting: Vec<Unkept>,
    }

    impl Gate {
        fn new(quota: Quota) -> Self {
            let (meters, asked) = (Meters::default(), Arc::<AtomicUsize>::default());
            let asks = Arc::clone(&asked);
            assert!(meters.keep_by(move |_| {
                asks.fetch_add(1, Relaxed);
            }));
            let mut allotment = Allotment::default();
            let meter = allotment.allot(&meters, &[]).unwrap();
            Self { meters, allotment, meter, quota, asked, waiting: Vec::new() }
        }

        /// Forgets everything and goes on with what is written down: a line that is new.
        fn crash(&mut self, disk: u64) {
            self.meter = self.allotment.allot(&self.meters, &[]).unwrap();
            let state = LineState { quota: disk, ..LineState::default() };
            assert!(self.meters.restore(self.meter, LineTag::KEY, &state, 0));
            self.asked.store(0, Relaxed);
            self.waiting.clear();
        }

        /// Whether a call is admitted at once, or has to wait; `None` = it is refused.
        fn call(&mut self, now: Now) -> Option<bool> {
            let line = self.meters.line(self.meter, LineTag::KEY).unwrap();
            let (taken, _) = self.quota.take(&line.quota, now, &0, || ()).ok()?;
            let unkept = self.meters.unkept(self.meter, [(line, taken)].into_iter());
            let waits = unkept.is_some();
            self.waiting.extend(unkept.map(|unkept| *unkept));
            Some(!waits)
        }

        /// Writes down what is asked for, and returns how many waiting calls are admitted by that.
        fn write(&mut self, disk: &mut u64) -> u64 {
            if self.asked.swap(0, Relaxed) == 0 {
                return 0;
            }
            let ask = Ask { meter: self.meter, tag: LineTag::KEY, ceiling: self.quota.ceiling };
            if let Some(next) = self.meters.next_reserve(&ask) {
                *disk = next;
                self.meters.note_reserved(self.meter, LineTag::KEY, next);
            }
            let before = self.waiting.len();
            self.waiting.retain(|unkept| !self.meters.is_kept(unkept));
            (before - self.waiting.len()) as u64
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Calls(u64),
        Write,
        Crash,
        NextWindow,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (1u64..40).prop_map(Step::Calls),
            6 => Just(Step::Write),
            2 => Just(Step::Crash),
            1 => Just(Step::NextWindow),
        ];
        proptest::collection::vec(step, 1..80)
    }

    proptest! {
        /// In each window no more is admitted than the ceiling, however often the process dies; and as
        /// much, but for a chunk for each death and whoever waited then.
        #[test]
        fn no_crash_fills_a_quota_up_and_each_loses_a_chunk_at_most(
            ceiling in 1u64..300,
            steps in steps(),
        ) {
            let quota = Quota { ceiling, period: Period::Minute };
            let mut now = Now { monotonic: 0, unix_ms: 1_767_268_800_000 };
            let (mut disk, mut admitted, mut lost) = (0, 0, 0);
            let mut gate = Gate::new(quota);
            for step in steps {
                match step {
                    Step::Calls(calls) => {
                        for _ in 0..calls {
                            match gate.call(now) {
                                Some(at_once) => admitted += u64::from(at_once),
                                None => prop_assert!(
                                    admitted + lost + gate.waiting.len() as u64 >= ceiling,
                                    "{admitted} {lost}"
                                ),
                            }
                        }
                    }
                    Step::Write => admitted += gate.write(&mut disk),
                    Step::Crash => {
                        lost += Quota::chunk(ceiling);
                        gate.crash(disk);
                    }
                    Step::NextWindow => {
                        // Whoever waits for the window before is let go of: it has ended.
                        (admitted, lost) = (0, 0);
                        gate.waiting.clear();
                        now.unix_ms += 60_000;
                    }
                }
                prop_assert!(admitted <= ceiling, "{admitted} of {ceiling}");
            }
        }
    }
}
