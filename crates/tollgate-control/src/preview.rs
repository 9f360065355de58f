//! What a change would make of the keys that are there, before it is made: which of them would be
//! decided otherwise, and how.
//!
//! The change is made in a transaction that is taken back. What the store holds in between is
//! compiled as the publisher compiles it, by the numbers that the publisher has given, and put beside
//! the present snapshot. Both are asked the decision itself about every place that a key may call,
//! with the present counters.

mod compare;
mod condense;
mod limits;
mod places;

use std::collections::{BTreeSet, HashSet};

use tollgate_core::Digest;

use crate::model::Objects;
use crate::source;
use crate::store::{Connection, Kind, Shelf, StoreError, StoredChain};

pub(crate) use compare::{Compared, Difference, compare};
pub(crate) use limits::{LimitDifference, LimitSeen};

/// What was read of a change that was made and taken back.
pub(crate) struct Draft {
    /// The services before it.
    before: Objects,
    /// Everything after it, with the keys that it reaches.
    after: Objects,
    /// The keys that it reaches; `None` = any.
    reached: Option<HashSet<Digest>>,
}

/// What was read while the change was made.
pub(crate) struct After {
    objects: Objects,
    chains: Option<BTreeSet<String>>,
}

impl After {
    /// Reads what a change has made, before it is taken back.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub(crate) fn read(
        files: &Objects,
        connection: &mut dyn Connection,
        touched: &[(Kind, String)],
    ) -> Result<Self, StoreError> {
        let chains = reach(connection, touched)?;
        let objects = match &chains {
            None => source::objects(files, connection)?,
            Some(chains) => {
                let mut objects = source::without_keys(files, connection)?;
                let ids: Vec<_> = chains.iter().cloned().collect();
                let known = |id: &str| objects.applications.contains_key(id);
                let keys = source::keys_of_chains(&objects, known, &ids, connection)?;
                let keys = keys.into_iter().flat_map(|(_, keys)| keys);
                objects.keys = keys.map(|key| (key.name.clone(), key)).collect();
                objects
            }
        };
        Ok(Self { objects, chains })
    }

    /// Reads the rest, once it was taken back.
    pub(crate) fn with_before(
        self,
        files: &Objects,
        connection: &mut dyn Connection,
        touched: &[(Kind, String)],
    ) -> Result<Draft, StoreError> {
        let (services, unrouted) = source::services(files, connection)?;
        let before = Objects { services, unrouted, ..files.clone() };
        let reached = match (reach(connection, touched)?, self.chains) {
            (Some(before), Some(after)) => {
                let mut digests = HashSet::new();
                for id in before.union(&after) {
                    let chain = StoredChain::find(connection, id)?;
                    let credentials = chain.into_iter().flat_map(|chain| chain.credentials);
                    digests.extend(credentials.map(|(_, key)| Digest::new(key.digest.bytes)));
                }
                Some(digests)
            }
            _ => None,
        };
        Ok(Draft { before, after: self.objects, reached })
    }
}

/// The chains that can be reached by what a change has touched; `None` = any.
fn reach(
    connection: &mut dyn Connection,
    touched: &[(Kind, String)],
) -> Result<Option<BTreeSet<String>>, StoreError> {
    let mut chains = BTreeSet::new();
    for (kind, id) in touched {
        let applications = match kind {
            Kind::Key => {
                chains.insert(id.clone());
                continue;
            }
            Kind::Application => vec![id.clone()],
            Kind::Member => {
                let documents = Shelf::Applications.below(connection, id)?;
                documents.into_iter().map(|document| document.id).collect()
            }
            Kind::File | Kind::Service | Kind::Package => return Ok(None),
        };
        for application in applications {
            let of_it = StoredChain::of_application(connection, &application)?;
            chains.extend(of_it.into_iter().map(|chain| chain.id));
        }
    }
    Ok(Some(chains))
}
