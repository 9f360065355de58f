//! Where calls are counted: beside the snapshot, so that counters survive every swap.
//!
//! A meter is a chain of [`Line`]s that never move. The first line, of tag [`LineTag::KEY`], counts
//! the key itself; each further one counts what its tag names, a limited method or one grant of a
//! key set. Lines are handed out and tied together by the one publisher, before the snapshot that
//! needs them is stored; requests only follow the chain and move the counters.

mod counts;
mod event;
mod last_use;
mod needs;
mod reserve;
mod state;

use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

pub use counts::Counts;
pub use event::{KeyEvent, MeterEvent, Watch};
pub use needs::MeterNeeds;
pub use reserve::{Ask, Unkept};
pub use state::LineState;

use crate::Signatures;
use event::Told;
use last_use::LastUses;
use reserve::{ANY, Keeper};

const CHUNK: usize = 4096;
const CHUNKS: usize = 32_768;
const END: u32 = u32::MAX;

/// A meter: the index of its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeterId(pub(crate) u32);

impl MeterId {
    /// None: what stands where a meter is yet to be given. It has no lines.
    pub const NONE: Self = Self(END);

    /// Its number, which no other meter of the process has.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// What a line of a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineTag(pub u32);

impl LineTag {
    /// The key as a whole.
    pub const KEY: Self = Self(0);
}

/// The counters of one thing that is limited: a cache line, so that two keys never share one.
#[derive(Debug)]
#[repr(align(64))]
pub struct Line {
    /// Theoretical arrival time of the GCRA.
    pub(crate) qps: AtomicU64,
    /// Period, window and count of the quota.
    pub(crate) quota: AtomicU64,
    /// How far the quota is written down, as its word: see [`reserve`].
    reserved: AtomicU64,
    /// Failed signatures of the key, as the GCRA of their budget counts them.
    pub(crate) failed_proofs: AtomicU64,
    /// Requests open at this moment, of keys with a concurrency ceiling.
    pub(crate) open: AtomicU32,
    /// When keys that count here were last used. Of a meter's first line only, likewise below.
    last_uses: LastUses,
    /// What was told of lately.
    told: Told,
    tag: AtomicU32,
    next: AtomicU32,
}

impl Line {
    fn unused() -> Self {
        Self {
            qps: AtomicU64::new(0),
            quota: AtomicU64::new(0),
            reserved: AtomicU64::new(ANY),
            failed_proofs: AtomicU64::new(0),
            open: AtomicU32::new(0),
            last_uses: LastUses::default(),
            told: Told::default(),
            tag: AtomicU32::new(0),
            next: AtomicU32::new(END),
        }
    }

    fn reset(&self, tag: LineTag, reserved: u64) {
        self.qps.store(0, Relaxed);
        self.quota.store(0, Relaxed);
        self.reserved.store(reserved, Relaxed);
        self.failed_proofs.store(0, Relaxed);
        self.open.store(0, Relaxed);
        self.last_uses.reset();
        self.told.reset();
        self.tag.store(tag.0, Relaxed);
        self.next.store(END, Relaxed);
    }
}

type Chunk = Box<[Line]>;

/// All lines of a process. Grows by chunks up to 134,217,728 lines and never shrinks.
#[derive(Debug)]
pub struct Meters {
    chunks: Box<[OnceLock<Chunk>]>,
    stepped_back: AtomicU64,
    signatures: Signatures,
    unused: Line,
    /// Who keeps quotas beyond the process; none = nobody.
    keeper: OnceLock<Keeper>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            stepped_back: AtomicU64::new(0),
            signatures: Signatures::default(),
            unused: Line::unused(),
            keeper: OnceLock::new(),
        }
    }
}

impl Meters {
    /// The line of `meter` that counts `tag`; `None` only if the publisher never tied one.
    pub(crate) fn line(&self, meter: MeterId, tag: LineTag) -> Option<&Line> {
        let mut line = self.at(meter.0)?;
        while line.tag.load(Relaxed) != tag.0 {
            line = self.at(line.next.load(Acquire))?;
        }
        Some(line)
    }

    /// Has the first line of a meter come near the processor, without waiting for it.
    #[inline]
    pub(crate) fn fetch(&self, meter: MeterId) {
        black_box(self.at(meter.0).map(|line| line.tag.load(Relaxed)));
    }

    /// A line that counts nothing, for whoever looks at what is not counted yet.
    pub(crate) fn unused(&self) -> &Line {
        &self.unused
    }

    /// The signatures that were spent.
    #[must_use]
    pub fn signatures(&self) -> &Signatures {
        &self.signatures
    }

    /// How often the wall clock went back so far that a quota window went back with it.
    #[must_use]
    pub fn stepped_back(&self) -> u64 {
        self.stepped_back.load(Relaxed)
    }

    pub(crate) fn note_step_back(&self) {
        self.stepped_back.fetch_add(1, Relaxed);
    }

    fn at(&self, index: u32) -> Option<&Line> {
        let index = index as usize;
        self.chunks.get(index / CHUNK)?.get()?.get(index % CHUNK)
    }

    /// The lines of `meter`, first to last.
    fn chain(&self, meter: MeterId) -> impl Iterator<Item = (u32, &Line)> {
        let mut index = meter.0;
        std::iter::from_fn(move || {
            let line = self.at(index)?;
            let here = index;
            index = line.next.load(Acquire);
            Some((here, line))
        })
    }
}

/// Which lines are free. Belongs to the one publisher.
#[derive(Debug, Default)]
pub(crate) struct Allotment {
    fresh: u32,
    free: Vec<u32>,
}

impl Allotment {
    /// A new meter with a line for the key and one for each of `tags`; `None` when all lines of
    /// the process are in use.
    pub(crate) fn allot(&mut self, meters: &Meters, tags: &[LineTag]) -> Option<MeterId> {
        let meter = MeterId(self.line(meters, LineTag::KEY)?);
        self.extend(meters, meter, tags)?;
        Some(meter)
    }

    /// Ties a line to `meter` for each of `tags` that has none yet.
    pub(crate) fn extend(
        &mut self,
        meters: &Meters,
        meter: MeterId,
        tags: &[LineTag],
    ) -> Option<()> {
        for tag in tags {
            if meters.line(meter, *tag).is_some() {
                continue;
            }
            let added = self.line(meters, *tag)?;
            let (_, last) = meters.chain(meter).last()?;
            last.next.store(added, Release);
        }
        Some(())
    }

    /// Takes the lines of a meter back. No request may know the meter any more.
    pub(crate) fn release(&mut self, meters: &Meters, meter: MeterId) {
        self.free.extend(meters.chain(meter).map(|(index, _)| index));
    }

    /// Lines that are not free.
    pub(crate) fn in_use(&self) -> usize {
        self.fresh as usize - self.free.len()
    }

    fn line(&mut self, meters: &Meters, tag: LineTag) -> Option<u32> {
        let index = if let Some(index) = self.free.pop() {
            index
        } else {
            let index = self.fresh;
            let chunk = meters.chunks.get(index as usize / CHUNK)?;
            chunk.get_or_init(|| (0..CHUNK).map(|_| Line::unused()).collect());
            self.fresh += 1;
            index
        };
        let reserved = if meters.keeper.get().is_some() { 0 } else { ANY };
        meters.at(index)?.reset(tag, reserved);
        Some(index)
    }
}

impl Meters {
    /// Whether requests of a key with a concurrency ceiling are open on `meter`.
    pub(crate) fn in_flight(&self, meter: MeterId) -> bool {
        self.chain(meter).any(|(_, line)| line.open.load(Acquire) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_cache_line() {
        assert_eq!(size_of::<Line>(), 64);
    }

    #[test]
    fn lines_are_found_by_tag_and_keep_their_place() {
        let meters = Meters::default();
        let mut allotment = Allotment::default();
        let first = allotment.allot(&meters, &[LineTag(7)]).unwrap();
        let second = allotment.allot(&meters, &[]).unwrap();
        meters.line(first, LineTag(7)).unwrap().quota.store(42, Relaxed);
        allotment.extend(&meters, first, &[LineTag(3), LineTag(7)]).unwrap();
        assert_eq!(meters.line(first, LineTag(7)).unwrap().quota.load(Relaxed), 42);
        assert!(meters.line(first, LineTag(3)).is_some());
        assert!(meters.line(second, LineTag(3)).is_none());
        assert_eq!(meters.chain(first).count(), 3);
    }

    #[test]
    fn released_lines_come_back_empty() {
        let meters = Meters::default();
        let mut allotment = Allotment::default();
        let old = allotment.allot(&meters, &[LineTag(1)]).unwrap();
        meters.line(old, LineTag(1)).unwrap().qps.store(9, Relaxed);
        allotment.release(&meters, old);
        let new = allotment.allot(&meters, &[LineTag(2)]).unwrap();
        assert_eq!(allotment.fresh, 2, "the old lines serve again");
        assert_eq!(meters.line(new, LineTag(2)).unwrap().qps.load(Relaxed), 0);
        assert!(meters.line(new, LineTag(1)).is_none());
    }
}
