//! What a line has counted, in a form that another process can go on with.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::{Line, LineTag, MeterId, Meters};

/// The counters of a line, apart from the process that has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineState {
    /// How far the arrival time of the QPS limit is ahead of the present, in nanoseconds.
    pub qps: u64,
    /// Period, window and count of the quota, as one word: the same in every process.
    pub quota: u64,
    /// The same as [`LineState::qps`], of failed signatures.
    pub failed_proofs: u64,
    /// Requests open.
    pub open: u32,
    /// The last uses of the two newest keys.
    pub last_uses: [u64; 2],
}

impl LineState {
    /// Whether there is nothing to go on with.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        *self == Self::default()
    }
}

impl Line {
    fn state(&self, monotonic: u64) -> LineState {
        LineState {
            qps: self.qps.load(Acquire).saturating_sub(monotonic),
            quota: self.quota.load(Acquire),
            failed_proofs: self.failed_proofs.load(Acquire).saturating_sub(monotonic),
            open: self.open.load(Acquire),
            last_uses: self.last_uses.words(),
        }
    }
}

impl Meters {
    /// What the lines of a meter have counted, as of an instant of the monotonic clock; lines that
    /// have counted nothing are left out.
    pub fn states(
        &self,
        meter: MeterId,
        monotonic: u64,
    ) -> impl Iterator<Item = (LineTag, LineState)> {
        let lines = self.chain(meter);
        let states =
            lines.map(move |(_, line)| (LineTag(line.tag.load(Relaxed)), line.state(monotonic)));
        states.filter(|(_, state)| !state.is_unused())
    }

    /// Has a line that has counted nothing go on with what another process has counted. False if
    /// the meter has no such line.
    pub fn restore(&self, meter: MeterId, tag: LineTag, state: &LineState, monotonic: u64) -> bool {
        let Some(line) = self.line(meter, tag) else { return false };
        let ahead = |nanoseconds: u64| match nanoseconds {
            0 => 0,
            ahead => monotonic.saturating_add(ahead),
        };
        line.qps.store(ahead(state.qps), Relaxed);
        line.failed_proofs.store(ahead(state.failed_proofs), Relaxed);
        line.open.fetch_add(state.open, Relaxed);
        line.last_uses.restore(state.last_uses);
        line.quota.store(state.quota, Relaxed);
        true
    }

    /// Requests open on a meter.
    #[must_use]
    pub fn open(&self, meter: MeterId) -> u32 {
        self.line(meter, LineTag::KEY).map_or(0, |line| line.open.load(Acquire))
    }

    /// Takes off requests that another process had open on a meter, and has ended.
    pub fn ended_elsewhere(&self, meter: MeterId, ended: u32) {
        if let Some(line) = self.line(meter, LineTag::KEY) {
            line.open.fetch_sub(ended, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allotment;
    use super::*;

    #[test]
    fn another_process_goes_on_where_one_has_stopped() {
        let (old, new) = (Meters::default(), Meters::default());
        // Its lines stand elsewhere, and its clock began at another time.
        let mut allotment = Allotment::default();
        allotment.allot(&new, &[]).unwrap();
        let there = allotment.allot(&new, &[LineTag(5)]).unwrap();
        let here = Allotment::default().allot(&old, &[LineTag(7)]).unwrap();
        let line = old.line(here, LineTag(7)).unwrap();
        line.qps.store(1_500, Relaxed);
        line.quota.store(42, Relaxed);
        line.failed_proofs.store(900, Relaxed);
        line.open.store(3, Relaxed);
        line.note_use(1, 100);
        let states: Vec<_> = old.states(here, 1_000).collect();
        let expected = LineState {
            qps: 500,
            quota: 42,
            failed_proofs: 0,
            open: 3,
            last_uses: [0, 1 << 48 | 100],
        };
        assert_eq!(states, [(LineTag(7), expected)]);
        assert!(!new.restore(there, LineTag(7), &expected, 50));
        assert!(new.restore(there, LineTag(5), &expected, 50));
        let line = new.line(there, LineTag(5)).unwrap();
        assert_eq!(line.qps.load(Relaxed), 550);
        assert_eq!(line.failed_proofs.load(Relaxed), 0);
        assert_eq!(new.states(there, 50).collect::<Vec<_>>(), [(LineTag(5), expected)]);
    }
}
