//! What a file may not say because of what the store holds (design §4): it would leave a key of the
//! store without what it was made for or may call, or have two keys with one value.

use std::collections::BTreeSet;
use std::{fmt, iter};

use super::routed::Routed;
use super::service::{self, Target};
use crate::document::Place;
use crate::model::{DigestSchemes, Name, Objects, Owner, SchemeSettings, ServiceGrant};
use crate::routing::Clash;
use crate::store::{Connection, Shelf, StoreError, StoredChain};

/// A contradiction between the file and the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Something of the store needs an object that neither source has.
    Missing {
        /// What kind of object is missing.
        kind: &'static str,
        /// Its id.
        id: String,
        /// What of the store needs it, such as `key 0190…`.
        needed_by: String,
    },
    /// A key of the file has the value of a key of the store.
    SameKey {
        /// Where the file's key stands.
        place: Place,
        /// The id of the store's key.
        key: String,
    },
    /// An endpoint of the file takes calls of an endpoint of the store.
    SameCalls {
        /// The file's endpoint and where its service stands.
        of_file: String,
        /// The id of the store's endpoint, behind that of its service.
        endpoint: String,
    },
    /// Keys of the store are digested under a scheme that the file does not name.
    Scheme {
        /// The scheme's mark.
        mark: String,
        /// How many keys, without those that are over.
        keys: i64,
    },
    /// An object of the file has the id of one of the store.
    SameId {
        /// Where the file's object stands.
        place: Place,
        /// The id.
        id: String,
    },
}

/// So many contradictions are told at most.
const MOST: usize = 100;

/// All contradictions between `files` and the store. `present` is what files said before, if they
/// did.
///
/// # Errors
/// What the store said.
pub(crate) fn conflicts(
    files: &Objects,
    present: Option<&Objects>,
    connection: &mut dyn Connection,
) -> Result<Vec<Conflict>, StoreError> {
    let objects = super::without_keys(files, connection)?;
    let mut conflicts = same_ids(files, connection)?;
    for application in objects.applications.values() {
        if application.owner == Owner::Store && !objects.members.contains_key(&application.member) {
            conflicts.push(Conflict::Missing {
                kind: "member",
                id: application.member.to_string(),
                needed_by: format!("application {}", application.name),
            });
        }
    }
    for key in files.keys.values() {
        let taken = StoredChain::key_of_digest(connection, &key.digest.to_string())?;
        if let (Some(taken), Owner::File(place)) = (taken, &key.owner) {
            conflicts.push(Conflict::SameKey { place: place.clone(), key: taken });
        }
    }
    conflicts.extend(unknown_schemes(files, connection)?);
    conflicts.extend(missing(&objects, connection)?);
    conflicts.extend(opened(&objects, connection)?);
    conflicts.extend(of_services(files, present, connection)?);
    conflicts.truncate(MOST);
    Ok(conflicts)
}

/// Schemes under which keys were digested that would be unknown.
fn unknown_schemes(
    files: &Objects,
    connection: &mut dyn Connection,
) -> Result<Vec<Conflict>, StoreError> {
    let DigestSchemes { current, previous } = &files.digests;
    let known: Vec<_> = iter::once(current).chain(previous).map(SchemeSettings::mark).collect();
    let marks = "SELECT scheme, count(*) FROM keys WHERE scheme IS NOT NULL \
                 AND state NOT IN ('revoked', 'expired') GROUP BY scheme ORDER BY scheme";
    let mut conflicts = Vec::new();
    for row in connection.rows(marks, &[])? {
        let mark = row.text(0)?.to_owned();
        if !known.contains(&mark) {
            conflicts.push(Conflict::Scheme { mark, keys: row.integer(1)? });
        }
    }
    Ok(conflicts)
}

/// What chains and subscriptions need and is not there, each once.
fn missing(
    objects: &Objects,
    connection: &mut dyn Connection,
) -> Result<Vec<Conflict>, StoreError> {
    let queries = [
        ("application", "SELECT application, '', min(id) FROM chains GROUP BY application"),
        (
            "plan",
            "SELECT package, plan, min(id) FROM chains WHERE package IS NOT NULL \
             GROUP BY package, plan",
        ),
        (
            "plan",
            "SELECT package, plan, min(chain) FROM subscriptions WHERE cancelled IS NULL \
             GROUP BY package, plan",
        ),
        (
            "service",
            "SELECT service, '', min(chain) FROM subscriptions WHERE cancelled IS NULL \
             GROUP BY service",
        ),
    ];
    let mut missing = Vec::new();
    for (kind, query) in queries {
        for row in connection.rows(query, &[])? {
            let (one, other) = (row.text(0)?, row.text(1)?);
            let there = match kind {
                "application" => objects.applications.contains_key(one),
                "service" => objects.services.contains_key(one),
                _ => objects
                    .packages
                    .get(one)
                    .is_some_and(|package| package.plans.contains_key(other)),
            };
            if !there {
                let id = if other.is_empty() { one.to_owned() } else { format!("{one}/{other}") };
                let needed_by = format!("key {}", row.text(2)?);
                missing.push(Conflict::Missing { kind, id, needed_by });
            }
        }
    }
    Ok(missing)
}

/// What plans of the store open and is not there. What the store has itself it holds together.
fn opened(objects: &Objects, connection: &mut dyn Connection) -> Result<Vec<Conflict>, StoreError> {
    let stored: BTreeSet<_> =
        Shelf::Services.all(connection)?.into_iter().map(|document| document.id).collect();
    let mut missing = Vec::new();
    for package in objects.packages.values() {
        for plan in package.plans.values() {
            let of_files = plan.services.iter().filter(|(name, _)| !stored.contains(&***name));
            for (name, grant) in of_files {
                let needed_by = format!("plan {}/{}", package.name, plan.name);
                let gone = gone(objects, name, grant).into_iter();
                missing.extend(gone.map(|(kind, id)| {
                    let needed_by = needed_by.clone();
                    Conflict::Missing { kind, id, needed_by }
                }));
            }
        }
    }
    Ok(missing)
}

/// The outermost parts of a grant that open nothing that is there: what each is, and its id.
fn gone(objects: &Objects, name: &Name, grant: &ServiceGrant) -> Vec<(&'static str, String)> {
    let Some(service) = objects.services.get(name) else {
        return vec![("service", name.to_string())];
    };
    let mut gone = Vec::new();
    for (endpoint_name, grant) in &grant.endpoints {
        let id = format!("{name}/{endpoint_name}");
        let Some(endpoint) = service.endpoint(endpoint_name) else {
            gone.push(("endpoint", id));
            continue;
        };
        let methods = grant.methods.keys().filter(|name| !endpoint.methods.contains_key(*name));
        gone.extend(methods.map(|method| ("method", format!("{id}/{method}"))));
    }
    gone
}

/// What keeps endpoints of the store from being called: an upstream that is gone, and endpoints of
/// the file that take their calls. One that had no upstream before needs none now.
fn of_services(
    files: &Objects,
    present: Option<&Objects>,
    connection: &mut dyn Connection,
) -> Result<Vec<Conflict>, StoreError> {
    let mut conflicts = Vec::new();
    let mut routed = Routed::of_files(files);
    for document in Shelf::Services.all(connection)? {
        for (endpoint, target) in service::targets(&document) {
            let (id, named) = match &target {
                Target::Named(name) => ((*name).to_owned(), true),
                Target::Addresses(addresses) => (addresses.join(", "), false),
            };
            let needed = named || present.is_some_and(|present| target.find(present).is_ok());
            if needed && target.find(files).is_err() {
                let needed_by = format!("endpoint {}/{endpoint}", document.id);
                conflicts.push(Conflict::Missing { kind: "upstream", id, needed_by });
            }
        }
        let read = service::of_document(&document, files);
        for front in &read.service.fronts {
            let Err(clash) = routed.claim(&document, &read.service, front) else { continue };
            let (Clash::Same(other) | Clash::Below(other) | Clash::Above(other)) = clash;
            // Two of the store are no matter of the file.
            if let Some(part) = front.part.as_ref().filter(|_| other.place.is_some()) {
                let (of_file, endpoint) = (other.to_string(), format!("{}/{part}", document.id));
                conflicts.push(Conflict::SameCalls { of_file, endpoint });
            }
        }
    }
    Ok(conflicts)
}

fn same_ids(files: &Objects, connection: &mut dyn Connection) -> Result<Vec<Conflict>, StoreError> {
    let mut conflicts = Vec::new();
    let mut look = |shelf: Shelf, owners: Vec<(&str, &Owner)>| {
        let stored: BTreeSet<_> =
            shelf.all(connection)?.into_iter().map(|document| document.id).collect();
        for (id, owner) in owners {
            if let Owner::File(place) = owner
                && stored.contains(id)
            {
                conflicts.push(Conflict::SameId { place: place.clone(), id: id.to_owned() });
            }
        }
        Ok::<_, StoreError>(())
    };
    look(Shelf::Members, files.members.iter().map(|(id, it)| (&**id, &it.owner)).collect())?;
    let applications = files.applications.iter().map(|(id, it)| (&**id, &it.owner));
    look(Shelf::Applications, applications.collect())?;
    look(Shelf::Packages, files.packages.iter().map(|(id, it)| (&**id, &it.owner)).collect())?;
    look(Shelf::Services, files.services.iter().map(|(id, it)| (&**id, &it.owner)).collect())?;
    Ok(conflicts)
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { kind, id, needed_by } => {
                write!(f, "{kind} {id} is gone, but {needed_by} of the store needs it")
            }
            Self::SameKey { place, key } => {
                write!(f, "{place}: the key {key} of the store has the same value")
            }
            Self::SameCalls { of_file, endpoint } => {
                write!(f, "{of_file} takes calls of the endpoint {endpoint} of the store")
            }
            Self::Scheme { mark, keys } => write!(
                f,
                "{keys} keys of the store are digested under {mark}, which is neither the present \
                 scheme nor the one before it"
            ),
            Self::SameId { place, id } => {
                write!(f, "{place}: an object of the store has the id {id}")
            }
        }
    }
}
