//! Rows of an import, made before they are written.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::{thread, vec};

use super::super::{Context, Ids, Refused, words};
use super::NotImported;
use super::basis::Basis;
use super::draft::Planned;
use crate::life_cycle::Entry;
use crate::store::{Change, Kind, NotChanged, StoreError, StoredChain, timeline};

/// So many keys are made and written at once.
const BATCH: usize = 1_000;

/// So many batches are in memory at most. Of more keys, the first are written while others are made.
pub(super) const AHEAD: usize = 200;

/// Some keys, to be written.
pub(super) struct Made {
    chains: Vec<StoredChain>,
    /// What the timeline of each begins with.
    happened: Vec<Vec<Entry>>,
}

/// Makes keys batch by batch, in the order of their document.
pub(super) struct Maker {
    context: Context,
    basis: Arc<Basis>,
    keys: vec::IntoIter<Planned>,
    ids: Ids,
}

impl Made {
    pub(super) fn len(&self) -> usize {
        self.chains.len()
    }

    pub(super) fn write(self, change: &mut Change<'_>) -> Result<(), NotChanged<NotImported>> {
        let Self { chains, happened } = self;
        StoredChain::insert_all(change.connection(), &chains)?;
        let timelines = chains.iter().zip(&happened);
        let timelines = timelines.map(|(chain, entries)| (&*chain.id, &**entries));
        timeline::begin(change.connection(), timelines)?;
        chains.into_iter().for_each(|chain| change.touch(Kind::Key, chain.id));
        Ok(())
    }
}

impl Maker {
    pub(super) fn new(context: Context, basis: Arc<Basis>, keys: Vec<Planned>, ids: Ids) -> Self {
        Self { context, basis, keys: keys.into_iter(), ids }
    }

    pub(super) fn basis(&self) -> Arc<Basis> {
        Arc::clone(&self.basis)
    }

    /// When its keys are made, in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.ids.now
    }

    /// Hands over what is left, which another thread makes meanwhile.
    pub(super) fn meanwhile(
        self,
        mut each: impl FnMut(Made) -> Result<(), NotChanged<NotImported>>,
    ) -> Result<(), NotChanged<NotImported>> {
        if self.keys.len() == 0 {
            return Ok(());
        }
        thread::scope(|scope| {
            let (sender, made) = sync_channel(AHEAD);
            let thread = thread::Builder::new().name("import".to_owned());
            let making = thread.spawn_scoped(scope, move || self.send(&sender));
            let making = making.map_err(StoreError::from)?;
            let taken = made.into_iter().try_for_each(|made| each(made?));
            // A thread that has failed has not made all of them, which is found out.
            drop(making.join());
            taken
        })
    }

    /// Hands batches over until nobody takes them any more.
    fn send(self, to: &SyncSender<Result<Made, Refused>>) {
        for made in self {
            if to.send(made).is_err() {
                return;
            }
        }
    }

    fn make(&self, planned: Planned) -> Result<(StoredChain, Vec<Entry>), Refused> {
        let parts = self.basis.parts(&planned).ok_or(Refused::NotFound("plan"))?;
        let Planned { key, new, name, state, created, .. } = planned;
        let made = self.context.make(self.now(), self.ids.next(), new, key, state, parts);
        let (made, entries) = made?;
        let chain = StoredChain {
            words: words(&name, &parts.application.name, &parts.member.username),
            name,
            created: created.unwrap_or(made.chain.created),
            ..made.chain
        };
        Ok((chain, entries))
    }
}

impl Iterator for Maker {
    type Item = Result<Made, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        let some: Vec<_> = self.keys.by_ref().take(BATCH).collect();
        if some.is_empty() {
            return None;
        }
        let made: Result<(Vec<_>, Vec<_>), _> =
            some.into_iter().map(|planned| self.make(planned)).collect();
        Some(made.map(|(chains, happened)| Made { chains, happened }))
    }
}
