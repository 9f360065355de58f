//! Members and applications: what keys' owners have become.

use std::collections::{BTreeMap, BTreeSet};

use super::{application, keys_of_chains, member, name};
use crate::model::{Application, Key, Member, Name, Objects};
use crate::store::{Connection, Shelf, StoreError, StoredChain};

/// Members and applications that were touched, and the keys whose chains were or that came or went
/// with an application: all that a change of owners has proxies decide otherwise.
#[derive(Default)]
pub(crate) struct Owners {
    members: BTreeMap<Name, Option<Member>>,
    applications: BTreeMap<Name, Option<Application>>,
    /// The keys, by the name that they count under: none for a chain that is gone.
    pub(crate) keys: Vec<(Name, Vec<Key>)>,
}

/// What a change touched, by ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    pub(crate) members: BTreeSet<String>,
    pub(crate) applications: BTreeSet<String>,
    pub(crate) chains: BTreeSet<String>,
}

impl Owners {
    /// What has become of what was touched. `objects` are all of both sources as they were last
    /// published, but for the keys.
    ///
    /// # Errors
    /// What the store said.
    pub(crate) fn read(
        files: &Objects,
        objects: &Objects,
        touched: Touched,
        connection: &mut dyn Connection,
    ) -> Result<Self, StoreError> {
        let Touched { members, applications, mut chains } = touched;
        let mut owners = Self::default();
        for id in &members {
            let found = Shelf::Members.find(connection, id)?;
            let found = found.as_ref().map(member).or_else(|| files.members.get(&**id).cloned());
            owners.members.insert(name(id), found);
            for document in Shelf::Applications.below(connection, id)? {
                owners.applications.insert(name(&document.id), Some(application(&document)));
            }
            let of_file = files.applications.values().filter(|one| &*one.member == id.as_str());
            for one in of_file {
                owners.applications.entry(one.name.clone()).or_insert_with(|| Some(one.clone()));
            }
        }
        for id in &applications {
            let found = Shelf::Applications.find(connection, id)?;
            let found = found.as_ref().map(application);
            let found = found.or_else(|| files.applications.get(&**id).cloned());
            owners.applications.insert(name(id), found);
        }
        for (id, found) in &owners.applications {
            // A chain has keys as long as its application is there.
            if found.is_some() != objects.applications.contains_key(id) {
                chains.extend(StoredChain::ids_of_application(connection, id)?);
            }
        }
        let chains: Vec<_> = chains.into_iter().collect();
        let known = |application: &str| match owners.applications.get(application) {
            Some(found) => found.is_some(),
            None => objects.applications.contains_key(application),
        };
        owners.keys = keys_of_chains(objects, known, &chains, connection)?;
        Ok(owners)
    }

    /// Every application whose state may have changed: whether its keys work as far as it and its
    /// member go; `None` = it is gone.
    pub(crate) fn applications<'a>(
        &'a self,
        objects: &'a Objects,
    ) -> impl Iterator<Item = (&'a Name, Option<bool>)> {
        self.applications.iter().map(|(name, found)| {
            let is_active = found.as_ref().map(|application| {
                let member = match self.members.get(&application.member) {
                    Some(found) => found.as_ref(),
                    None => objects.members.get(&application.member),
                };
                application.is_active(member)
            });
            (name, is_active)
        })
    }

    /// Whether it is about keys alone.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.applications.is_empty()
    }

    /// Has objects hold what was read.
    pub(crate) fn take_place(self, objects: &mut Objects) {
        put(&mut objects.members, self.members);
        put(&mut objects.applications, self.applications);
    }
}

fn put<T>(all: &mut BTreeMap<Name, T>, some: BTreeMap<Name, Option<T>>) {
    for (name, found) in some {
        match found {
            Some(found) => drop(all.insert(name, found)),
            None => drop(all.remove(&name)),
        }
    }
}
