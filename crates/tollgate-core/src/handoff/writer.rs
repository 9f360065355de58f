//! The side that publishes.

use std::collections::HashMap;
use std::mem::take;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use super::{Answers, Dead, Mailbox, Notice, Shared, Told};
use crate::meters::Allotment;
use crate::{
    Batch, Change, LineTag, MeterId, Meters, Now, Record, Revision, Root, Service, Status,
};

/// The side that publishes. There is one.
pub struct SnapshotWriter {
    shared: Shared,
    told: Arc<Told>,
    meters: Arc<Meters>,
    mailboxes: Vec<Box<dyn Mailbox>>,
    allotment: Allotment,
    /// Older roots that someone may still hold.
    older: Vec<(u64, Weak<Root>)>,
    /// Meters that no key has any more.
    retired: HashMap<MeterId, Retired>,
    /// Roots stored so far.
    stored: u64,
    /// How many signatures are remembered once a service asks for them.
    remembered: usize,
}

/// How many signatures are remembered unless said otherwise.
const REMEMBERED: usize = 1 << 21;

/// When the lines of a meter may serve again.
#[derive(Debug)]
struct Retired {
    /// Its windows end at this second since 1970.
    until: u64,
    /// The root that was the last to know it.
    root: u64,
}

impl std::fmt::Debug for SnapshotWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SnapshotWriter({} workers)", self.mailboxes.len())
    }
}

impl SnapshotWriter {
    pub(super) fn new(shared: Shared, told: Arc<Told>, meters: Arc<Meters>) -> Self {
        Self {
            shared,
            told,
            meters,
            mailboxes: Vec::new(),
            allotment: Allotment::default(),
            older: Vec::new(),
            retired: HashMap::new(),
            stored: 0,
            remembered: REMEMBERED,
        }
    }

    /// Has every later swap posted to `mailbox`. A worker is added before it serves.
    pub fn add_worker(&mut self, mailbox: Box<dyn Mailbox>) {
        self.mailboxes.push(mailbox);
    }

    /// Has room for so many signatures made, in place of 2,097,152, once a snapshot has a service that
    /// accepts none twice. To be said before the first such snapshot.
    pub fn remember_signatures(&mut self, entries: usize) {
        self.remembered = entries;
    }

    /// Has every decision refused from `monotonic` on, in nanoseconds of the clock that decisions read;
    /// [`u64::MAX`], as it is at first, for never. Requests that are open then go on.
    pub fn lease_until(&self, monotonic: u64) {
        self.told.lease.store(monotonic, Relaxed);
    }

    /// At `now.monotonic` it is `now.unix_ms` at the least, whatever the wall clock says from then on: one that is
    /// set back revives no key that has expired, and begins no quota anew.
    pub fn time_is(&self, now: Now) {
        self.told.began.store(now.unix_ms.saturating_sub(now.monotonic / 1_000_000), Relaxed);
    }

    /// The newest snapshot.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Root>> {
        self.shared.load_full()
    }

    /// The counters.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// A new meter with lines for `tags`; `None` when all 134,217,728 lines are in use.
    pub fn allot(&mut self, tags: &[LineTag]) -> Option<MeterId> {
        self.allotment.allot(&self.meters, tags)
    }

    /// Ties a line to `meter` for each of `tags` that has none yet. To be done before terms that
    /// need the lines are published.
    pub fn extend(&mut self, meter: MeterId, tags: &[LineTag]) -> Option<()> {
        self.allotment.extend(&self.meters, meter, tags)
    }

    /// Lines that are in use, those of retired meters included.
    #[must_use]
    pub fn lines_in_use(&self) -> usize {
        self.allotment.in_use()
    }

    /// Gives a meter up that the present snapshot no longer knows. Its lines serve again once no
    /// older root is held, nothing of it is open, and its windows have ended at `until` (seconds
    /// since 1970).
    pub fn retire(&mut self, meter: MeterId, until: u64) {
        self.retired.insert(meter, Retired { until, root: self.stored });
    }

    /// Takes a retired meter back into use, with its counters as they stand. False if its lines
    /// serve something else by now.
    pub fn revive(&mut self, meter: MeterId) -> bool {
        self.retired.remove(&meter).is_some()
    }

    /// Frees the retired meters whose time has come and returns them.
    pub fn reap(&mut self, unix: u64) -> Vec<MeterId> {
        self.older.retain(|(_, root)| root.strong_count() > 0);
        let oldest = self.older.iter().map(|(stored, _)| *stored).min().unwrap_or(self.stored);
        let (allotment, meters) = (&mut self.allotment, &self.meters);
        let mut freed = Vec::new();
        self.retired.retain(|meter, retired| {
            let keep = unix < retired.until || oldest < retired.root || meters.in_flight(*meter);
            if !keep {
                allotment.release(meters, *meter);
                freed.push(*meter);
            }
            keep
        });
        freed
    }

    /// Stores the revision that `batch` makes of the present one (or of `first`, if there is none)
    /// and posts it. `enforced` is called once, when every worker has answered.
    pub fn publish(
        &mut self,
        mut batch: Batch,
        revision: Revision,
        unix: u64,
        first: impl FnOnce() -> Root,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Root> {
        let before = self.current();
        let dead = before.as_deref().map_or(Dead::None, |before| dead(before, &batch));
        let answers = self.answers(enforced);
        let moved = take(&mut batch.moved);
        let mut next = match &before {
            Some(before) => before.with(batch, revision, unix.max(before.published)),
            None => first().with(batch, revision, unix),
        };
        next.moves.next(moved, &answers);
        if next.routes.services().any(Service::spends_signatures) {
            self.meters.signatures().make_room(self.remembered);
        }
        let next = Arc::new(next);
        self.shared.store(Some(Arc::clone(&next)));
        if let Some(before) = before {
            self.older.push((self.stored, Arc::downgrade(&before)));
        }
        self.older.retain(|(_, root)| root.strong_count() > 0);
        self.stored += 1;
        self.post(dead, &answers);
        next
    }

    fn answers(&self, enforced: impl Fn() + Send + Sync + 'static) -> Arc<Answers> {
        // One more than there are workers, so that it ends after the last post at the earliest.
        let left = AtomicUsize::new(self.mailboxes.len() + 1);
        Arc::new(Answers { left, enforced: Box::new(enforced) })
    }

    fn post(&self, dead: Dead, answers: &Arc<Answers>) {
        let dead = Arc::new(dead);
        for mailbox in &self.mailboxes {
            let (dead, answers) = (Arc::clone(&dead), Arc::clone(answers));
            mailbox.post(Notice { dead, answers });
        }
        answers.answer();
    }
}

/// Which open requests the batch may end. Whether it does end one is decided by the new root.
fn dead(before: &Root, batch: &Batch) -> Dead {
    let owner_ends = batch.owners.iter().any(|(id, next)| {
        before.owners.get(id.0).is_some_and(|owner| owner.active)
            && !next.as_ref().is_some_and(|owner| owner.active)
    });
    let terms_end = batch.terms.iter().any(|(id, next)| {
        before.terms.get(id.0).is_some() && next.as_ref().is_none_or(|terms| terms.inactive())
    });
    if owner_ends || terms_end {
        return Dead::Any;
    }
    let from: HashMap<_, _> = batch.moved.iter().map(|(from, to)| (to, from)).collect();
    let ended = batch.keys.iter().flat_map(|change| match change {
        Change::Remove(digest) if batch.moved.contains_key(digest) => [None, None],
        Change::Remove(digest) => [before.keys.find(digest), None],
        Change::Put(next) => {
            // A digest that is new has no open requests but those that move to it. One that was
            // there has them on the meter that it had, which another key of the same digest need
            // not have.
            let moved = from.get(&next.digest).and_then(|from| before.keys.find(from));
            let present = [before.keys.find(&next.digest), moved];
            present.map(|present| present.filter(|present| may_end(present, next)))
        }
    });
    let mut meters: Vec<_> = ended.flatten().map(|record| record.meter).collect();
    meters.sort_unstable();
    meters.dedup();
    if meters.is_empty() { Dead::None } else { Dead::Meters(meters) }
}

/// Whether open requests of a key may have to end with its next record. Other terms and another
/// owner can be inactive already.
fn may_end(present: &Record, next: &Record) -> bool {
    next.status != Status::Active
        || next.not_after != Record::NEVER
        || next.not_before > present.not_before
        || next.meter != present.meter
        || next.owner != present.owner
        || next.terms != present.terms
}
