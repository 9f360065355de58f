//! A snapshot, taken as a difference.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};
use std::mem::{replace, take};
use std::sync::Arc;

use tollgate_core::{
    Batch, Change, Digest, KeySecret, Owner, OwnerId, Record, Root, Schemes, Table, Terms, TermsId,
};

use super::batch::Placed;
use super::filling::Filling;
use super::ledger::MeterShape;
use super::names::LongNames;
use super::numbers::Translation;
use super::{Receiver, Unfit};
use crate::file::{Header, Piece};
use crate::wire::{SentKey, Wire};

/// A snapshot of which some was received. Nobody sees any of it before [`Staging::finish`]; dropping
/// it leaves everything as it was.
#[derive(Debug)]
pub struct Staging<'a> {
    receiver: &'a mut Receiver,
    header: Header,
    schemes: Arc<Schemes>,
    /// The numbers of the present snapshot, until the new one is published.
    translation: Option<Translation>,
    /// What there is before it; an empty snapshot if there is none.
    before: Arc<Root>,
    is_first: bool,
    /// The keys, where there are none before.
    filling: Filling,
    secrets: Table<KeySecret>,
    batch: Batch,
    /// By our own indexes: what keys need that have the terms.
    shapes: Vec<Option<MeterShape>>,
    /// Terms before, by what they say, unless the new snapshot has them already.
    same_terms: HashMap<u64, Vec<u32>>,
    same_owners: HashMap<Arc<str>, u32>,
    /// The keys of the part of the table that is being received.
    part: Vec<Digest>,
    last: Option<Digest>,
    gone: Vec<Digest>,
    received: u64,
    with_secret: HashSet<Digest>,
}

impl Receiver {
    /// Begins to take a snapshot in place of the present one.
    ///
    /// # Errors
    /// See [`Unfit`]: it goes back, or its keys are digested otherwise.
    pub fn stage(&mut self, header: Header) -> Result<Staging<'_>, Unfit> {
        let present = self.writer.current();
        if let Some(root) = &present
            && header.revision < root.revision
        {
            let (revision, present) = (header.revision, root.revision);
            return Err(Unfit::Back { revision, present });
        }
        let schemes = self.schemes(header.schemes.clone())?;
        let numbering = header.numbering;
        let fresh = Translation { numbering, ..Translation::default() };
        let translation = Some(replace(&mut self.translation, fresh));
        let is_first = present.is_none();
        let filling = Filling::begin(if is_first { header.keys } else { 0 });
        let before = present.unwrap_or_else(|| Arc::new(Root::empty(Arc::clone(&schemes))));
        let mut same_terms: HashMap<u64, Vec<u32>> = HashMap::new();
        for (id, terms) in before.terms.iter() {
            same_terms.entry(hash(terms)).or_default().push(id);
        }
        let owners = before.owners.iter();
        let same_owners = owners.map(|(id, owner)| (Arc::clone(&owner.application), id)).collect();
        Ok(Staging {
            receiver: self,
            header,
            schemes,
            translation,
            before,
            is_first,
            filling,
            secrets: Table::default(),
            batch: Batch::default(),
            shapes: Vec::new(),
            same_terms,
            same_owners,
            part: Vec::new(),
            last: None,
            gone: Vec::new(),
            received: 0,
            with_secret: HashSet::new(),
        })
    }
}

impl Staging<'_> {
    /// Has room made for so many keys. To be told by who knows that they will come.
    pub fn expect(&mut self, keys: usize) {
        let new = keys.saturating_sub(self.before.keys.len());
        self.receiver.ledger.make_room(new);
    }

    /// Takes the next part.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn add(&mut self, piece: Piece) -> Result<(), Unfit> {
        match piece {
            Piece::Given(given) => {
                self.receiver.numbers.learn(given, &mut self.receiver.translation);
            }
            Piece::Routes(routes) => self.receiver.plan_routes(routes, &mut self.batch)?,
            Piece::Terms(terms) => {
                for (id, terms) in terms {
                    self.terms(id, terms)?;
                }
            }
            Piece::Owners(owners) => {
                owners.into_iter().for_each(|(id, owner)| self.owner(id, owner));
            }
            Piece::Keys(keys) => self.keys(&keys)?,
            Piece::Secrets(secrets) => secrets.into_iter().for_each(|secret| self.secret(secret)),
        }
        Ok(())
    }

    /// Publishes it, once all of it was received. Of a large absence of keys see
    /// [`Receiver::withheld`].
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn finish(
        mut self,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Result<Arc<Root>, Unfit> {
        if self.received != self.header.keys {
            return Err(Unfit::Disorder("it has another number of keys than it says"));
        }
        self.part_ends(self.part_of_last(), Table::<Record>::PARTS);
        let mut batch = take(&mut self.batch);
        batch.schemes = Some(Arc::clone(&self.schemes));
        // From here on nothing fails.
        self.translation = None;
        let (revision, published) = (self.header.revision, self.header.published / 1000);
        if self.is_first {
            let filling = replace(&mut self.filling, Filling::Here(Box::default()));
            let (keys, secrets) = (filling.end(), Arc::new(take(&mut self.secrets)));
            let first = Root { keys, secrets, ..(*self.before).clone() };
            for record in first.keys.iter() {
                self.receiver.ledger.note(None, Some(record.meter));
            }
            let writer = &mut self.receiver.writer;
            let root = writer.publish(batch, revision, published, move || first, enforced);
            self.receiver.settle_services(&root, published);
            self.receiver.ledger.settle(&mut self.receiver.writer, published);
            return Ok(root);
        }
        let keys = self.before.keys.len();
        let guarded = self.receiver.guards(self.gone.len(), keys);
        if guarded {
            self.receiver.absent = take(&mut self.gone).into_iter().collect();
        } else {
            self.receiver.absent.clear();
            self.leave(&mut batch);
        }
        Ok(self.receiver.store(&self.before, batch, revision, published, enforced))
    }

    /// Takes out what the snapshot does not have.
    fn leave(&mut self, batch: &mut Batch) {
        for digest in take(&mut self.gone) {
            let Some(known) = self.before.keys.find(&digest) else { continue };
            LongNames::leave(known, None, &mut batch.names);
            batch.keys.push(Change::Remove(digest));
        }
        let secrets = self.before.secrets.iter().map(|secret| secret.key);
        let gone = secrets.filter(|key| !self.with_secret.contains(key));
        batch.secrets.extend(gone.map(Change::Remove));
        for id in take(&mut self.same_terms).into_values().flatten() {
            batch.terms.push((TermsId(id), None));
            self.receiver.terms.give_back(id);
        }
        for id in take(&mut self.same_owners).into_values() {
            batch.owners.push((OwnerId(id), None));
            self.receiver.owners.give_back(id);
        }
    }

    fn terms(&mut self, sent: u32, terms: Terms) -> Result<(), Unfit> {
        let terms = self.receiver.translation.terms(terms)?;
        let candidates = self.same_terms.get_mut(&hash(&terms));
        let known = candidates.and_then(|ids| {
            let same = |id: &u32| self.before.terms.get(*id).is_some_and(|known| **known == terms);
            let at = ids.iter().position(same)?;
            // Each is one's only, as what becomes of one need not become of the other.
            Some(ids.swap_remove(at))
        });
        let id = TermsId(known.unwrap_or_else(|| self.receiver.terms.take()));
        let shape = MeterShape::of(&terms);
        if known.is_none() {
            self.batch.terms.push((id, Some(Arc::new(terms))));
        }
        let at = id.0 as usize;
        if at >= self.shapes.len() {
            self.shapes.resize(at + 1, None);
        }
        if let Some(place) = self.shapes.get_mut(at) {
            *place = Some(shape);
        }
        if self.receiver.translation.terms.insert(sent, id.0).is_some() {
            return Err(Unfit::Disorder("it has terms twice"));
        }
        Ok(())
    }

    fn owner(&mut self, sent: u32, owner: Owner) {
        let known = self.same_owners.remove(&owner.application);
        let id = known.unwrap_or_else(|| self.receiver.owners.take());
        if known.is_none() || self.before.owners.get(id).is_none_or(|known| **known != owner) {
            self.batch.owners.push((OwnerId(id), Some(Arc::new(owner))));
        }
        self.receiver.translation.owners.insert(sent, id);
    }

    fn keys(&mut self, keys: &[SentKey]) -> Result<(), Unfit> {
        self.check_order(keys)?;
        // What each of them is about to look at is far apart in memory, so it is fetched together.
        self.receiver.ledger.look_ahead(keys.iter().map(|key| key.counter));
        self.receiver.translation.owners.look_ahead(keys.iter().map(|key| key.owner));
        let mut placed = Vec::with_capacity(keys.len());
        for key in keys {
            placed.push(self.place(key)?);
        }
        self.received += keys.len() as u64;
        self.last = keys.last().map(|key| key.digest).or(self.last);
        let keys = keys.iter().zip(placed);
        let Self { receiver, before, batch, .. } = self;
        if self.is_first {
            let records =
                keys.map(|(key, placed)| receiver.record(before, None, key, placed, batch));
            self.filling.put(records.collect());
            return Ok(());
        }
        for (key, placed) in keys {
            let known = before.keys.find(&key.digest);
            let record = receiver.record(before, known, key, placed, batch);
            if known != Some(&record) {
                batch.keys.push(Change::Put(record));
            }
        }
        Ok(())
    }

    fn check_order(&self, keys: &[SentKey]) -> Result<(), Unfit> {
        let first = keys.first().map(|key| &key.digest);
        let before = |one: &Digest, next: &Digest| one.bytes() < next.bytes();
        let follows = self.last.as_ref().zip(first).is_none_or(|(last, first)| before(last, first));
        if follows && keys.is_sorted_by(|one, next| before(&one.digest, &next.digest)) {
            return Ok(());
        }
        Err(Unfit::Disorder("its keys are not in the order of their digests"))
    }

    fn place(&mut self, sent: &SentKey) -> Result<Placed, Unfit> {
        if !self.is_first {
            let digest = sent.digest;
            if self.part_of_last() != part(&digest) {
                self.part_ends(self.part_of_last(), part(&digest));
            }
            self.last = Some(digest);
            self.part.push(digest);
        }
        let id = self.receiver.own_terms(sent.terms)?;
        let shape = self.shapes.get(id.0 as usize).and_then(Option::as_ref);
        self.receiver.place(sent, (id, shape.ok_or(Unfit::Unknown("terms"))?))
    }

    fn secret(&mut self, secret: KeySecret) {
        if self.is_first {
            self.secrets.put(secret);
            return;
        }
        self.with_secret.insert(secret.key);
        if self.before.secrets.find(&secret.key) != Some(&secret) {
            self.batch.secrets.push(Change::Put(secret));
        }
    }

    fn part_of_last(&self) -> usize {
        self.last.as_ref().map_or(0, part)
    }

    /// Finds out which keys of the parts from one to before another are not there any more.
    fn part_ends(&mut self, from: usize, to: usize) {
        let present = take(&mut self.part);
        if self.is_first {
            return;
        }
        let stays = |digest: &Digest| {
            present.binary_search_by(|known| known.bytes().cmp(digest.bytes())).is_ok()
        };
        for part in from..to {
            let known = self.before.keys.part(part).map(|record| record.digest);
            self.gone.extend(known.filter(|digest| !stays(digest)));
        }
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if let Some(translation) = self.translation.take() {
            self.receiver.translation = translation;
        }
    }
}

/// The part of a table that a digest stands in.
fn part(digest: &Digest) -> usize {
    let [first, ..] = digest.bytes();
    usize::from(*first) * Table::<Record>::PARTS / 256
}

fn hash(terms: &Terms) -> u64 {
    let mut bytes = Vec::new();
    terms.write(&mut bytes);
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    hasher.finish()
}
