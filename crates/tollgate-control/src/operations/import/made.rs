//! Rows of an import, made before they are written.

use std::sync::Arc;
use std::vec;

use super::super::{Context, Refused, Reserved, words};
use super::NotImported;
use super::basis::Basis;
use super::draft::Planned;
use crate::life_cycle::Entry;
use crate::store::{Change, NotChanged, StoredChain, timeline};

/// So many keys are made and written at once: in a change of some tenths of a second.
pub(super) const BATCH: usize = 1_000;

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
    ids: Reserved,
}

impl Made {
    /// The ids of their chains.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.chains.iter().map(|chain| &*chain.id)
    }

    pub(super) fn write(self, change: &mut Change<'_>) -> Result<(), NotChanged<NotImported>> {
        let Self { chains, happened } = self;
        StoredChain::insert_all(change.connection(), &chains)?;
        let timelines = chains.iter().zip(&happened);
        let timelines = timelines.map(|(chain, entries)| (&*chain.id, &**entries));
        timeline::begin(change.connection(), timelines)?;
        Ok(())
    }
}

impl Maker {
    pub(super) fn new(
        context: Context,
        basis: Arc<Basis>,
        keys: Vec<Planned>,
        ids: Reserved,
    ) -> Self {
        Self { context, basis, keys: keys.into_iter(), ids }
    }

    pub(super) fn basis(&self) -> Arc<Basis> {
        Arc::clone(&self.basis)
    }

    /// When its keys are made, in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.ids.now
    }

    /// The ids between which those of everything that it makes lie.
    pub(super) fn bounds(&self) -> (String, String) {
        self.ids.bounds()
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
