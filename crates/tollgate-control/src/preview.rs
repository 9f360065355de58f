//! What a change would make of the keys that are there, before it is made: which of them would be
//! decided otherwise, and how.
//!
//! The change is made in a transaction that is taken back. What it has made is read in between, and
//! everything else after it, so that others wait for that no longer than for the change. All of it is
//! compiled as the publisher compiles it, by the numbers that the publisher has given, and put beside
//! the present snapshot. Both are asked the decision itself about every place that a key may call,
//! with the present counters.

mod compare;
mod condense;
mod limits;
mod places;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tollgate_core::Digest;

use crate::model::{Application, Bought, Member, Name, Objects};
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

/// What was read while the change was made: what it can have changed, and no more, since nobody else
/// changes anything meanwhile.
pub(crate) struct After {
    /// Services, packages and plans, and what the file owns.
    for_sale: Objects,
    /// The members, applications and chains that it reaches by what it has touched of these, with
    /// what each is then: `None` = gone.
    members: BTreeMap<String, Option<Member>>,
    applications: BTreeMap<String, Option<Application>>,
    chains: BTreeMap<String, Option<Sold>>,
}

/// A chain, and what it is subscribed to.
type Sold = (StoredChain, Vec<Bought>);

/// What can be reached by what a change has touched.
#[derive(Default)]
struct Reach {
    chains: BTreeSet<String>,
    /// Services or packages were touched, and so any key.
    any: bool,
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
        let for_sale = source::for_sale(files, connection)?;
        let (mut members, mut applications) = (BTreeMap::new(), BTreeMap::new());
        for (kind, id) in touched {
            match kind {
                Kind::Member => {
                    let found = Shelf::Members.find(connection, id)?;
                    members.insert(id.clone(), found.as_ref().map(source::member));
                }
                Kind::Application => {
                    let found = Shelf::Applications.find(connection, id)?;
                    applications.insert(id.clone(), found.as_ref().map(source::application));
                }
                Kind::File | Kind::Service | Kind::Package | Kind::Key | Kind::Proxy => {}
            }
        }
        let mut chains = BTreeMap::new();
        for id in Reach::of(connection, touched)?.chains {
            let sold = match StoredChain::find(connection, &id)? {
                Some(chain) => Some((chain, source::bought(connection, &id)?)),
                None => None,
            };
            chains.insert(id, sold);
        }
        Ok(Self { for_sale, members, applications, chains })
    }

    /// Reads the rest, once it was taken back.
    pub(crate) fn with_rest(
        self,
        files: &Objects,
        connection: &mut dyn Connection,
        touched: &[(Kind, String)],
    ) -> Result<Draft, StoreError> {
        let Self { for_sale, members, applications, chains } = self;
        let reach = Reach::of(connection, touched)?;
        let mut reached = (!reach.any).then(HashSet::new);
        if let Some(digests) = &mut reached {
            for id in &reach.chains {
                digests.extend(StoredChain::find(connection, id)?.iter().flat_map(digests_of));
            }
            digests.extend(chains.values().flatten().flat_map(|(chain, _)| digests_of(chain)));
        }
        let known = source::without_keys(files, connection)?;
        let before =
            Objects { services: known.services, unrouted: known.unrouted, ..files.clone() };
        let mut after =
            Objects { members: known.members, applications: known.applications, ..for_sale };
        overlay(&mut after.members, members);
        overlay(&mut after.applications, applications);
        if reach.any {
            let others = |id: &str| !chains.contains_key(id);
            after.keys = source::keys(files, &after, connection, others)?;
        }
        for (chain, bought) in chains.into_values().flatten() {
            let keys = source::keys_of_chain(&chain, bought, &after);
            after.keys.extend(keys.into_iter().map(|key| (key.name.clone(), key)));
        }
        Ok(Draft { before, after, reached })
    }
}

/// Puts what has changed among what was there.
fn overlay<T>(known: &mut BTreeMap<Name, T>, changed: BTreeMap<String, Option<T>>) {
    for (id, object) in changed {
        match object {
            Some(object) => drop(known.insert(Name::unchecked(&id), object)),
            None => drop(known.remove(id.as_str())),
        }
    }
}

fn digests_of(chain: &StoredChain) -> impl Iterator<Item = Digest> {
    chain.credentials.iter().map(|(_, key)| Digest::new(key.digest.bytes))
}

impl Reach {
    fn of(connection: &mut dyn Connection, touched: &[(Kind, String)]) -> Result<Self, StoreError> {
        let mut reach = Self::default();
        for (kind, id) in touched {
            let applications = match kind {
                Kind::Key => {
                    reach.chains.insert(id.clone());
                    continue;
                }
                Kind::Application => vec![id.clone()],
                Kind::Member => {
                    let documents = Shelf::Applications.below(connection, id)?;
                    documents.into_iter().map(|document| document.id).collect()
                }
                Kind::Proxy => continue,
                Kind::File | Kind::Service | Kind::Package => {
                    reach.any = true;
                    continue;
                }
            };
            for application in applications {
                reach.chains.extend(StoredChain::ids_of_application(connection, &application)?);
            }
        }
        Ok(reach)
    }
}
