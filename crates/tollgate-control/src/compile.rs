//! Objects of the model into what the core decides from.
//!
//! Everything is compiled anew from all objects and then held against the present snapshot: the
//! difference is the batch. Numbers stay with what they stand for over revisions, so that an
//! unchanged object compiles to the same bits and is no difference.

mod numbers;
mod routes;
mod secrets;
mod switches;
mod terms;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tollgate_core::{
    Batch, Change, Digest, KeyId, KeySecret, MeterId, Owner, OwnerId, Record, Root, Status, Terms,
    TermsId,
};

use crate::model::{Bought, Key, KeyStatus, Name, Objects, Owner as ObjectOwner, Plan};

pub use numbers::GivenNumbers;
pub(crate) use numbers::Numbers;
pub(crate) use routes::RoutePlan;
pub use routes::Upstreams;
pub(crate) use terms::TermsKey;

/// Keys and their terms, compiled.
pub(crate) struct Compiled {
    /// The keys.
    pub(crate) records: Vec<Record>,
    /// Of each of these whether its key is the store's: there a number of a meter stands for one
    /// value for good. A digest in the file may be replaced by that of another value.
    of_store: Vec<bool>,
    /// The secrets of those that need one.
    pub(crate) secrets: Vec<KeySecret>,
    /// The terms that they name.
    pub(crate) terms: HashMap<TermsId, Arc<Terms>>,
    /// Their applications.
    pub(crate) owners: HashMap<OwnerId, Owner>,
    /// Names that do not fit into a key's id.
    pub(crate) names: HashMap<u32, Name>,
}

/// Compiles everything. `meter` says where a key counts.
pub(crate) fn all(
    objects: &Objects,
    numbers: &mut Numbers,
    meter: impl FnMut(&Key, &Terms) -> Option<MeterId>,
) -> Option<Compiled> {
    let mut compiled = keys(objects, objects.keys.values(), numbers, meter)?;
    let owners = objects.applications.values();
    let owners = owners.map(|application| {
        let id = OwnerId(numbers.owners.number(&application.name));
        let member = objects.members.get(&application.member);
        (id, owner(&application.name, application.is_active(member)))
    });
    compiled.owners = owners.collect();
    Some(compiled)
}

/// Compiles some keys, whose applications are published already.
pub(crate) fn keys<'a>(
    objects: &Objects,
    keys: impl Iterator<Item = &'a Key>,
    numbers: &mut Numbers,
    mut meter: impl FnMut(&Key, &Terms) -> Option<MeterId>,
) -> Option<Compiled> {
    let mut terms = HashMap::new();
    let mut names = HashMap::new();
    let mut records = Vec::with_capacity(keys.size_hint().0);
    let mut of_store = Vec::with_capacity(records.capacity());
    let mut secrets = Vec::new();
    for key in keys {
        let name = &key.name;
        let plans = plans(objects, key)?;
        secrets.extend(secrets::compile(objects, key, &plans));
        let id = TermsId(numbers.terms.number(&TermsKey::of(key)));
        let compiled = match terms.get(&id) {
            Some(known) => Arc::clone(known),
            None => {
                let compiled = Arc::new(terms::compile(objects, key, &plans, numbers));
                terms.insert(id, Arc::clone(&compiled));
                compiled
            }
        };
        let key_id = KeyId::inline(name).unwrap_or_else(|| {
            let number = numbers.names.number(name);
            names.insert(number, name.clone());
            KeyId::long(number)
        });
        of_store.push(key.owner == ObjectOwner::Store);
        records.push(Record {
            digest: Digest::new(key.digest.bytes),
            id: key_id,
            meter: meter(key, &compiled)?,
            terms: id,
            owner: OwnerId(numbers.owners.number(&key.application)),
            not_before: key.not_before.map_or(0, second),
            not_after: key.expires.map_or(Record::NEVER, second),
            number: (key.number & u32::from(u16::MAX)) as u16,
            status: status(key.status),
        });
    }
    Some(Compiled { records, of_store, secrets, terms, owners: HashMap::new(), names })
}

/// Adds what has become of some applications: whether their keys work as far as their owners go, or
/// that they are gone. The number of one that is gone stays its own until everything is compiled, so
/// that it never leads a key to another owner.
pub(crate) fn difference_of_owners<'a>(
    root: &Root,
    applications: impl Iterator<Item = (&'a Name, Option<bool>)>,
    numbers: &mut Numbers,
    batch: &mut Batch,
) {
    for (name, active) in applications {
        let id = OwnerId(numbers.owners.number(name));
        let owner = active.map(|active| owner(name, active));
        if root.owners.get(id.0).map(|known| &**known) != owner.as_ref() {
            batch.owners.push((id, owner.map(Arc::new)));
        }
    }
}

/// The difference that makes `compiled` out of `root`.
pub(crate) fn difference(root: Option<&Root>, compiled: &Compiled) -> Batch {
    let Some(root) = root else { return everything(compiled) };
    let mut batch = held(root, compiled);
    let present: HashSet<_> = compiled.records.iter().map(|record| record.digest).collect();
    let gone = root.keys.iter().filter(|record| !present.contains(&record.digest));
    compiled.remove(&mut batch, gone);
    batch.secrets = secrets::difference(root, &compiled.secrets);
    batch
}

/// The difference that makes some keys in `root` what was compiled of them, and takes those of the
/// digests in `gone` out.
pub(crate) fn difference_of_keys(root: &Root, compiled: &Compiled, gone: &[Digest]) -> Batch {
    let mut batch = held(root, compiled);
    batch.secrets = secrets::difference_of_keys(root, compiled, gone);
    // A value that went from one key to another is not gone.
    let stays: HashSet<_> = compiled.records.iter().map(|record| record.digest).collect();
    let gone = gone.iter().filter(|digest| !stays.contains(*digest));
    compiled.remove(&mut batch, gone.filter_map(|digest| root.keys.find(digest)));
    batch
}

impl Compiled {
    /// Takes keys out, and says which digest those of them stand under now that have moved.
    fn remove<'a>(&self, batch: &mut Batch, gone: impl Iterator<Item = &'a Record>) {
        let gone: Vec<_> = gone.collect();
        batch.keys.extend(gone.iter().map(|was| Change::Remove(was.digest)));
        if gone.is_empty() {
            return;
        }
        let gone: HashMap<_, _> =
            gone.into_iter().map(|was| ((was.meter, was.number), was)).collect();
        let stay = self.records.iter().zip(&self.of_store).filter(|(_, of_store)| **of_store);
        batch.moved.extend(stay.filter_map(|(is, _)| {
            let was = *gone.get(&(is.meter, is.number))?;
            Some((was.digest, is.digest))
        }));
    }
}

/// What has `root` hold what was compiled, whatever else it holds.
fn held(root: &Root, compiled: &Compiled) -> Batch {
    let mut batch = Batch::default();
    let changed = |record: &&Record| root.keys.find(&record.digest) != Some(*record);
    batch.keys.extend(compiled.records.iter().filter(changed).copied().map(Change::Put));
    for (id, terms) in &compiled.terms {
        if root.terms.get(id.0) != Some(terms) {
            batch.terms.push((*id, Some(Arc::clone(terms))));
        }
    }
    for (id, owner) in &compiled.owners {
        if root.owners.get(id.0).map(|owner| &**owner) != Some(owner) {
            batch.owners.push((*id, Some(Arc::new(owner.clone()))));
        }
    }
    for (number, name) in &compiled.names {
        if root.names.get(*number).is_none_or(|known| ***known != **name) {
            batch.names.push((*number, Some(long_name(name))));
        }
    }
    batch
}

fn everything(compiled: &Compiled) -> Batch {
    let owners = compiled.owners.iter();
    let names = compiled.names.iter();
    Batch {
        keys: compiled.records.iter().copied().map(Change::Put).collect(),
        moved: HashMap::new(),
        secrets: compiled.secrets.iter().cloned().map(Change::Put).collect(),
        terms: compiled.terms.iter().map(|(id, terms)| (*id, Some(Arc::clone(terms)))).collect(),
        owners: owners.map(|(id, owner)| (*id, Some(Arc::new(owner.clone())))).collect(),
        names: names.map(|(number, name)| (*number, Some(long_name(name)))).collect(),
        routes: None,
        schemes: None,
    }
}

fn long_name(name: &Name) -> Arc<Box<str>> {
    Arc::new(name.as_str().into())
}

/// What was bought, with the plans themselves.
fn plans<'a>(objects: &'a Objects, key: &'a Key) -> Option<Vec<(&'a Bought, &'a Plan)>> {
    key.bought.iter().map(|bought| Some((bought, objects.plan(bought)?))).collect()
}

fn owner(application: &Name, active: bool) -> Owner {
    Owner { application: application.as_str().into(), active }
}

fn status(status: KeyStatus) -> Status {
    match status {
        KeyStatus::Waiting => Status::Waiting,
        KeyStatus::Active => Status::Active,
        KeyStatus::Suspended => Status::Suspended,
        KeyStatus::Revoked => Status::Revoked,
    }
}

/// A second since 1970 as a record holds it: before 1970 is always past, after 2106 never comes.
fn second(unix: i64) -> u32 {
    u32::try_from(unix.max(0)).unwrap_or(Record::NEVER)
}
