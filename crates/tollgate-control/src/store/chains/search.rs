//! Finding chains among many: the filters of S4-1 and S4-2, page by page.

mod condition;
mod order;

use std::collections::HashMap;

use super::{StoredChain, columns, gather};
use crate::life_cycle::State;
use crate::people::Realm;
use crate::store::batch::{BATCH, numbered};
use crate::store::{Connection, StoreError, Value};

use condition::Sought;
pub use order::{ChainOrder, Ordering};

/// Which chains are looked for. What is `None` or empty is not asked about; everything that is has
/// to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainSearch {
    /// Key sets, or package keys.
    pub key_sets: Option<bool>,
    /// Of one application.
    pub application: Option<String>,
    /// Of one of these applications.
    pub applications: Option<Vec<String>>,
    /// Of this organization.
    pub organization: Option<String>,
    /// Of this group.
    pub group: Option<String>,
    /// Within one of these: a realm without a group is all of its organization, one without an
    /// organization that group wherever it is; one without either is what is nobody's.
    pub realms: Option<Vec<Realm>>,
    /// Whose LATEST is in one of these states.
    pub states: Vec<State>,
    /// With this authentication type.
    pub auth_type: Option<String>,
    /// Under one of these packages and plans, or subscribed to this service under any.
    pub api: Option<Api>,
    /// Of this package, and of this plan of it.
    pub plan: Option<(String, Option<String>)>,
    /// Whose dates lie within bounds.
    pub dates: Vec<(ChainDate, Within)>,
    /// In whose name, or whose application's or member's name, this text stands, whatever its case.
    pub text: Option<String>,
    /// With this id.
    pub id: Option<String>,
    /// With a key of one of these digests, LATEST or not.
    pub digests: Option<Vec<String>>,
    /// Of one of these packages.
    pub packages: Option<Vec<String>>,
    /// Of one of these plans, whatever their packages.
    pub plans: Option<Vec<String>>,
    /// Whose numbers are these.
    pub numbers: Vec<(ChainNumber, i64)>,
    /// In whatever else a client has said of which, as JSON, these texts stand. It may find others
    /// too, with the text elsewhere.
    pub told: Vec<String>,
    /// No chain at all.
    pub none: bool,
}

/// A number of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainNumber {
    /// Its own queries per second.
    QpsCeiling,
    /// Whether it is to be without such a limit: 0 or 1.
    QpsExempt,
    /// Its own calls in the plan's period.
    QuotaCeiling,
    /// Whether it is to be without such a limit: 0 or 1.
    QuotaExempt,
    /// Whether LATEST dies with the end of a day: 0 or 1.
    ExpirationIsDay,
}

/// An API, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// The service.
    pub service: String,
    /// Packages and plans that open it.
    pub plans: Vec<(String, String)>,
}

/// A date of a chain, or of its LATEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainDate {
    /// When the chain was made, in milliseconds since 1970.
    Created,
    /// When it was last changed, in milliseconds since 1970.
    Updated,
    /// When LATEST was first made to work, in seconds since 1970; likewise below.
    Provisioned,
    /// When LATEST is to be replaced.
    RotationPlanned,
    /// When LATEST dies of age.
    Expiration,
    /// When LATEST was revoked.
    Revoked,
}

/// From the first to the last, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Within {
    /// Not before.
    pub from: Option<i64>,
    /// Not after.
    pub to: Option<i64>,
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPage {
    /// The chains, the oldest first.
    pub chains: Vec<StoredChain>,
    /// How many there are in all.
    pub total: u64,
}

impl ChainSearch {
    /// A page of the chains that are looked for.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn page(
        &self,
        connection: &mut dyn Connection,
        offset: u64,
        limit: u64,
    ) -> Result<ChainPage, StoreError> {
        self.sorted_page(connection, &[], offset, limit)
    }

    /// A page of the chains that are looked for, ordered by the first in which they differ. Those
    /// that differ in none stand by age: the oldest first, or last if the last order descends.
    pub fn sorted_page(
        &self,
        connection: &mut dyn Connection,
        orders: &[ChainOrder],
        offset: u64,
        limit: u64,
    ) -> Result<ChainPage, StoreError> {
        let sought = Sought::of(self, connection)?;
        let total = sought.count(connection)?;
        let ids = sought.ids(connection, orders, total, Some((offset, limit)))?;
        let chains = StoredChain::of_ids(connection, &ids)?;
        Ok(ChainPage { chains, total })
    }

    /// The ids of all chains that are looked for, in that order.
    pub fn ids(
        &self,
        connection: &mut dyn Connection,
        orders: &[ChainOrder],
    ) -> Result<Vec<String>, StoreError> {
        let sought = Sought::of(self, connection)?;
        sought.ids(connection, orders, u64::MAX, None)
    }
}

impl StoredChain {
    /// The chains of these ids that there are, in the order of the ids.
    ///
    /// # Errors
    /// What the store said.
    pub fn of_ids(
        connection: &mut dyn Connection,
        ids: &[String],
    ) -> Result<Vec<Self>, StoreError> {
        let mut found = HashMap::with_capacity(ids.len());
        for some in ids.chunks(BATCH) {
            let query = format!(
                "{} WHERE c.id IN ({}) ORDER BY c.id, k.number",
                columns::select(),
                numbered(some.len())
            );
            let values: Vec<Value> = some.iter().map(|id| id.as_str().into()).collect();
            let chains = gather(connection, &query, &values)?;
            found.extend(chains.into_iter().map(|chain| (chain.id.clone(), chain)));
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}
