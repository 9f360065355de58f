//! The hand-off of snapshots from the one publisher to all readers.
//!
//! A request loads the root once. A swap stores the next root and then posts a [`Notice`] to every
//! worker; each worker deals with its open requests and answers. Since a worker decides and lists a
//! request in one poll, everything it decides after its answer was decided by the new root.

mod moves;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};
use std::sync::atomic::{AtomicU64, AtomicUsize};

use arc_swap::{ArcSwapOption, Cache};

use crate::{MeterId, Meters, Now, Root};

pub use moves::Moves;
pub use writer::SnapshotWriter;

type Shared = Arc<ArcSwapOption<Root>>;

/// The side that reads. Cheap to clone; has no way to store.
#[derive(Clone, Debug)]
pub struct SnapshotReader {
    shared: Shared,
    told: Arc<Told>,
    meters: Arc<Meters>,
}

/// What a process that is fed was told of time.
#[derive(Debug)]
struct Told {
    /// From this nanosecond of the monotonic clock on nothing is admitted.
    lease: AtomicU64,
    /// Milliseconds from 1970 to instant 0 of the monotonic clock; 0 = nobody has said.
    began: AtomicU64,
}

/// The snapshot as one thread holds it: a load costs a comparison while nothing changes.
#[derive(Debug)]
pub struct SnapshotCache(Cache<Shared, Option<Arc<Root>>>);

impl SnapshotCache {
    /// The newest snapshot; `None` before the first.
    pub fn load(&mut self) -> Option<&Root> {
        self.0.load().as_deref()
    }
}

impl SnapshotReader {
    /// A cache for a thread that decides.
    #[must_use]
    pub fn cache(&self) -> SnapshotCache {
        SnapshotCache(Cache::new(Arc::clone(&self.shared)))
    }

    /// The newest snapshot, for those who ask rarely.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Root>> {
        self.shared.load_full()
    }

    /// Whether the lease has ended under which snapshots are decided from.
    #[must_use]
    pub fn is_stale(&self, now: Now) -> bool {
        now.monotonic >= self.told.lease.load(Relaxed)
    }

    /// The instant that decisions go by: not earlier than what was told, and has passed since.
    pub(crate) fn no_earlier(&self, now: Now) -> Now {
        match self.told.began.load(Relaxed) {
            0 => now,
            began => {
                let unix_ms = now.unix_ms.max(began.saturating_add(now.monotonic / 1_000_000));
                Now { unix_ms, ..now }
            }
        }
    }

    /// Whether `root` is the newest snapshot still.
    pub(crate) fn is_current(&self, root: &Root) -> bool {
        self.shared.load().as_deref().is_some_and(|newest| std::ptr::eq(newest, root))
    }

    /// The counters.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }
}

/// Where a worker is told of swaps.
pub trait Mailbox: Send + Sync {
    /// Delivers a notice without waiting.
    fn post(&self, notice: Notice);
}

/// Tells a worker that a revision has been stored. Dropping it is the worker's answer: nothing it
/// has open contradicts the revision, and all it decides from now on is decided by it.
#[derive(Debug)]
pub struct Notice {
    dead: Arc<Dead>,
    answers: Arc<Answers>,
}

/// Which open requests a revision may have ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Dead {
    /// None.
    None,
    /// Those that count on one of these meters, sorted.
    Meters(Vec<MeterId>),
    /// Any.
    Any,
}

struct Answers {
    left: AtomicUsize,
    enforced: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answers({:?} left)", self.left)
    }
}

impl Notice {
    /// Which open requests to look at.
    #[must_use]
    pub fn dead(&self) -> &Dead {
        &self.dead
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.answers.answer();
    }
}

impl Answers {
    fn answer(&self) {
        if self.left.fetch_sub(1, AcqRel) == 1 {
            (self.enforced)();
        }
    }
}

/// A hand-off that holds no snapshot yet.
#[must_use]
pub fn handoff() -> (SnapshotWriter, SnapshotReader) {
    let shared = Shared::default();
    let meters = Arc::<Meters>::default();
    let told = Arc::new(Told { lease: AtomicU64::new(u64::MAX), began: AtomicU64::new(0) });
    let (shared_too, meters_too) = (Arc::clone(&shared), Arc::clone(&meters));
    let reader = SnapshotReader { shared: shared_too, told: Arc::clone(&told), meters: meters_too };
    (SnapshotWriter::new(shared, told, meters), reader)
}

#[cfg(test)]
mod tests;
