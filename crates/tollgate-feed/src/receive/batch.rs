//! A batch.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tollgate_core::{
    Batch, Change, Digest, KeyId, LineTag, MeterId, MeterNeeds, OwnerId, Record, Root, Status,
    Terms, TermsId,
};

use super::ledger::MeterShape;
use super::names::LongNames;
use super::translate::{Upstreams, service_meter};
use super::{Receiver, Unfit};
use crate::wire::{KeyChange, Numbering, SentBatch, SentKey, SentRoutes};

/// What a key has to do with, by our own numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    meter: MeterId,
    terms: TermsId,
    owner: OwnerId,
}

impl Receiver {
    /// Publishes a batch, as the revision that it makes. `enforced` is called once every worker
    /// decides by it. What cannot be enforced of it is told by [`Receiver::withheld`].
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn batch(
        &mut self,
        numbering: Numbering,
        sent: SentBatch,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Result<Arc<Root>, Unfit> {
        let (environment, keys) = &self.signers;
        keys.check(environment, numbering, &sent).map_err(Unfit::Unsigned)?;
        let root = self.follows(numbering, &sent)?;
        let unix = sent.published / 1000;
        self.numbers.learn(sent.given, &mut self.translation);
        let schemes = sent.schemes.map(|schemes| self.schemes(schemes)).transpose()?;
        let mut batch = Batch { schemes, ..Batch::default() };
        for (id, terms) in sent.terms {
            let terms = terms.map(|terms| self.translation.terms(terms)).transpose()?;
            let next = || self.terms.take();
            let own = self.translation.terms.or_insert_with(id, next);
            batch.terms.push((TermsId(own), terms.map(Arc::new)));
        }
        for (id, owner) in sent.owners {
            let next = || self.owners.take();
            let own = self.translation.owners.or_insert_with(id, next);
            batch.owners.push((OwnerId(own), owner.map(Arc::new)));
        }
        if let Some(routes) = sent.routes {
            self.plan_routes(*routes, &mut batch)?;
        }
        self.widen(&root, &batch.terms)?;
        let shape = |terms: &Arc<Terms>| MeterShape::of(terms);
        let changed = batch.terms.iter();
        let shapes: HashMap<_, _> =
            changed.map(|(id, terms)| (*id, terms.as_ref().map(shape))).collect();
        let (removed, guarded) = self.removals(&root, &sent.keys, &sent.moved);
        for change in sent.keys {
            let stays = |digest: &Digest| guarded && removed.contains(digest);
            self.change(&root, change, &shapes, stays, &mut batch)?;
        }
        let secrets = sent.secrets.into_iter().filter(|change| match change {
            Change::Remove(digest) => !(guarded && removed.contains(digest)),
            Change::Put(_) => true,
        });
        batch.secrets = secrets.collect();
        batch.moved = sent.moved.into_iter().collect();
        let root = self.store(&root, batch, sent.revision, unix, enforced);
        if guarded {
            self.absent.extend(removed);
        }
        Ok(root)
    }

    /// Whether a batch may take something away from somebody: it has to be on the disk before it is
    /// acknowledged.
    #[must_use]
    pub fn takes_away(&self, sent: &SentBatch) -> bool {
        let others = sent.terms.len() + sent.owners.len() + sent.secrets.len() + sent.moved.len();
        if others > 0 || sent.routes.is_some() || sent.schemes.is_some() {
            return true;
        }
        let Some(root) = self.writer.current() else { return true };
        sent.keys.iter().any(|change| match change {
            Change::Remove(_) => true,
            Change::Put(key) if key.status != Status::Active => true,
            Change::Put(key) => root.keys.find(&key.digest).is_some_and(|before| {
                key.not_after < before.not_after
                    || key.not_before > before.not_before
                    || self.own_terms(key.terms) != Ok(before.terms)
            }),
        })
    }

    fn follows(&self, numbering: Numbering, sent: &SentBatch) -> Result<Arc<Root>, Unfit> {
        let root = self.writer.current();
        let root = root.filter(|_| self.translation.numbering == numbering);
        let root = root.ok_or(Unfit::Numbering)?;
        let present = root.revision;
        if sent.revision <= present {
            return Err(Unfit::Back { revision: sent.revision, present });
        }
        if sent.previous != present {
            return Err(Unfit::Gap { previous: sent.previous, present });
        }
        Ok(root)
    }

    /// Adds the routes, unless the process cannot have them; then those before stay.
    pub(super) fn plan_routes(&mut self, sent: SentRoutes, batch: &mut Batch) -> Result<(), Unfit> {
        let meter = service_meter(&mut self.ledger, &mut self.writer);
        let upstreams = &self.settings.upstreams;
        match self.translation.routes(sent.clone(), upstreams, &self.numbers, meter)? {
            Ok(routes) => {
                batch.routes = Some(Arc::new(routes));
                self.routes_withheld = None;
            }
            Err(withheld) => self.routes_withheld = Some(withheld),
        }
        self.sent_routes = Some(sent);
        Ok(())
    }

    /// Has the process these upstreams from now on. Routes are published with them as they were last
    /// sent, unless they cannot be had.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn replace_upstreams(
        &mut self,
        upstreams: Upstreams,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Result<(), Unfit> {
        self.settings.upstreams = upstreams;
        let sent = self.sent_routes.clone();
        let (Some(root), Some(sent)) = (self.writer.current(), sent) else { return Ok(()) };
        let mut batch = Batch::default();
        self.plan_routes(sent, &mut batch)?;
        self.store(&root, batch, root.revision, root.published, enforced);
        Ok(())
    }

    /// Ties the lines that changed terms need to the meters of the keys that have them.
    fn widen(&mut self, root: &Root, terms: &[(TermsId, Option<Arc<Terms>>)]) -> Result<(), Unfit> {
        let mut wider: HashMap<TermsId, (Vec<LineTag>, MeterNeeds)> = HashMap::new();
        for (id, terms) in terms {
            if let (Some(before), Some(terms)) = (root.terms.get(id.0), terms) {
                let before: Vec<_> = before.tags().collect();
                let tags: Vec<_> = terms.tags().filter(|tag| !before.contains(tag)).collect();
                wider.insert(*id, (tags, MeterNeeds::of(terms)));
            }
        }
        if wider.is_empty() {
            return Ok(());
        }
        for record in root.keys.iter() {
            let Some((tags, needs)) = wider.get(&record.terms) else { continue };
            let tied = self.ledger.extend(&mut self.writer, record.meter, tags, *needs);
            tied.ok_or(Unfit::MetersExhausted)?;
        }
        Ok(())
    }

    /// The keys that are there and would be gone, and whether they are so many that they stay.
    fn removals(
        &self,
        root: &Root,
        keys: &[KeyChange],
        moved: &[(Digest, Digest)],
    ) -> (HashSet<Digest>, bool) {
        let moved: HashSet<_> = moved.iter().map(|(from, _)| *from).collect();
        let gone = keys.iter().filter_map(|change| match change {
            Change::Remove(digest) if moved.contains(digest) => None,
            Change::Remove(digest) => root.keys.find(digest).map(|_| *digest),
            Change::Put(_) => None,
        });
        let gone: HashSet<_> = gone.collect();
        let guarded = self.guards(gone.len(), root.keys.len());
        (gone, guarded)
    }

    /// Whether so many absent keys of all wait for an operator.
    pub(super) fn guards(&self, absent: usize, keys: usize) -> bool {
        let absence = self.settings.absence;
        absent >= absence.at_least.max(1)
            && absent as u128 * 100 > keys as u128 * u128::from(absence.max_share)
    }

    fn change(
        &mut self,
        root: &Root,
        change: KeyChange,
        shapes: &HashMap<TermsId, Option<MeterShape>>,
        stays: impl Fn(&Digest) -> bool,
        batch: &mut Batch,
    ) -> Result<(), Unfit> {
        match change {
            Change::Put(sent) => {
                let before = root.keys.find(&sent.digest);
                let id = self.own_terms(sent.terms)?;
                let present = || root.terms.get(id.0).map(|terms| MeterShape::of(terms));
                let present = if shapes.contains_key(&id) { None } else { present() };
                let shape = shapes.get(&id).and_then(Option::as_ref).or(present.as_ref());
                let terms = (id, shape.ok_or(Unfit::Unknown("terms"))?);
                let placed = self.place(&sent, terms)?;
                let record = self.record(root, before, &sent, placed, batch);
                batch.keys.push(Change::Put(record));
            }
            Change::Remove(digest) => {
                let gone = root.keys.find(&digest).filter(|_| !stays(&digest));
                if let Some(before) = gone {
                    LongNames::leave(before, None, &mut batch.names);
                    batch.keys.push(Change::Remove(digest));
                }
            }
        }
        Ok(())
    }

    /// Where a key stands among what is ours.
    #[inline]
    pub(super) fn place(
        &mut self,
        sent: &SentKey,
        (terms, shape): (TermsId, &MeterShape),
    ) -> Result<Placed, Unfit> {
        let owner = self.translation.owners.get(sent.owner);
        let owner = owner.map(OwnerId).ok_or(Unfit::Unknown("an owner"))?;
        let meter = self.ledger.meter(&mut self.writer, sent.counter, shape);
        Ok(Placed { meter: meter.ok_or(Unfit::MetersExhausted)?, terms, owner })
    }

    /// A key by our own numbers.
    #[inline]
    pub(super) fn record(
        &mut self,
        root: &Root,
        before: Option<&Record>,
        sent: &SentKey,
        placed: Placed,
        batch: &mut Batch,
    ) -> Record {
        let Placed { meter, terms, owner } = placed;
        let name: KeyId = self.names.id(root, before, &sent.name, &mut batch.names);
        if let Some(before) = before {
            LongNames::leave(before, Some(name), &mut batch.names);
        }
        Record {
            digest: sent.digest,
            id: name,
            meter,
            terms,
            owner,
            not_before: sent.not_before,
            not_after: sent.not_after,
            number: sent.number,
            status: sent.status,
        }
    }
}
