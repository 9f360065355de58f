//! The store of a simulation: the truth, which outlives every process.

use std::collections::BTreeMap;

use tollgate_core::{Batch, Change, Digest, Record, Revision, Root, Status};

use super::{World, synthetic};
use crate::wire::Numbering;

pub(super) struct Store {
    pub(super) root: Root,
    backup: Root,
    /// Keys that were revoked, and by which revision.
    pub(super) revoked: BTreeMap<usize, Revision>,
    pub(super) rotated: Vec<Rotated>,
    /// When each revision was committed, those included that a backup has undone.
    pub(super) committed: BTreeMap<Revision, u64>,
    /// Of the keys, by their numbers.
    pub(super) digests: Vec<Digest>,
}

/// A key that goes on as another: both are told of in one batch.
pub(super) struct Rotated {
    pub(super) from: usize,
    pub(super) to: usize,
    made: Revision,
    /// The epoch that does not know of it, as it began with an older backup.
    pub(super) undone: Option<u64>,
}

impl Store {
    pub(super) fn new() -> Self {
        let made = synthetic(Numbering(1));
        let root = made.root();
        Self {
            committed: BTreeMap::from([(root.revision, 0)]),
            backup: root.clone(),
            root,
            revoked: BTreeMap::new(),
            rotated: Vec::new(),
            digests: (0..made.keys).map(|number| made.record(number).digest).collect(),
        }
    }

    pub(super) fn back_up(&mut self) {
        self.backup = self.root.clone();
    }

    /// A key that was not there before, after the example of another.
    fn another(&mut self, known: Record) -> (usize, Record) {
        let number = self.digests.len();
        let record = synthetic(Numbering(1)).record(u32::try_from(number).unwrap());
        self.digests.push(record.digest);
        (number, Record { owner: known.owner, terms: known.terms, ..record })
    }

    /// What a draw of a kind changes of a key.
    fn change(&mut self, kind: u64, number: usize, revision: Revision) -> Vec<Change> {
        let Some(known) = self.root.keys.find(&self.digests[number]).copied() else {
            return Vec::new();
        };
        let revoked = Change::Put(Record { status: Status::Revoked, ..known });
        match kind {
            _ if known.status == Status::Revoked => vec![Change::Put(self.another(known).1)],
            0 => {
                self.revoked.insert(number, revision);
                vec![revoked]
            }
            1 => {
                let (to, Record { digest, .. }) = self.another(known);
                self.revoked.insert(number, revision);
                self.rotated.push(Rotated { from: number, to, made: revision, undone: None });
                vec![revoked, Change::Put(Record { digest, ..known })]
            }
            _ => vec![Change::Put(Record { not_after: known.not_after.wrapping_add(1), ..known })],
        }
    }
}

impl World {
    /// One more revision.
    pub(super) fn commit(&mut self) {
        let kind = self.draw.below(5);
        let number = self.draw.below(self.store.digests.len() as u64) as usize;
        let before = self.store.root.clone();
        let revision = Revision { number: before.revision.number + 1, ..before.revision };
        let keys = self.store.change(kind, number, revision);
        if keys.is_empty() {
            return;
        }
        let batch = Batch { keys, ..Batch::default() };
        self.store.committed.insert(revision, self.now);
        self.store.root = before.with(batch.clone(), revision, 0);
        self.tell(&before, &batch);
    }

    /// Goes on from the backup, as a new epoch that revokes again what was revoked since.
    pub(super) fn restore(&mut self) {
        self.control = None;
        let (store, now) = (&mut self.store, self.now);
        let backup = &store.backup;
        let epoch = store.root.revision.epoch + 1;
        let revision = Revision { epoch, number: backup.revision.number + 1 };
        let known = |number: &usize| backup.keys.find(&store.digests[*number]).copied();
        let revoked = store.revoked.keys().filter_map(known);
        let revoked = revoked.map(|known| Change::Put(Record { status: Status::Revoked, ..known }));
        let batch = Batch { keys: revoked.collect(), ..Batch::default() };
        store.root = backup.with(batch, revision, 0);
        store.committed.insert(revision, now);
        let since = backup.revision;
        let undone = |rotated: &&mut Rotated| rotated.made > since && rotated.undone.is_none();
        store.rotated.iter_mut().filter(undone).for_each(|rotated| rotated.undone = Some(epoch));
    }
}
