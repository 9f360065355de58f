//! Chains and their keys, as they are kept.

mod columns;
mod credential;
mod policy;
mod replace;
mod search;

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::batch::{BATCH, insert, numbered};
use super::{Connection, Row, StoreError, Value, uses};
use crate::life_cycle::{Chain, KeyNumber};
use crate::model::{DigestLiteral, Own};
use crate::people::Realm;

pub use credential::Credential;
pub use search::{
    Api, ChainDate, ChainNumber, ChainOrder, ChainPage, ChainSearch, Ordering, Within,
};

/// A chain with all that is known of it: a package key, or a key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChain {
    /// Its id, which is its first key's too.
    pub id: String,
    /// What people call it; a package key may have no name.
    pub name: String,
    /// The application that it belongs to.
    pub application: String,
    /// The organization and group that its application belongs to.
    pub realm: Realm,
    /// How calls with its keys are authenticated.
    pub auth_type: String,
    /// The policy template that its policy came from; `None` for a package key.
    pub template: Option<String>,
    /// Package and plan of a package key; what a key set may call stands in its subscriptions.
    pub bought: Option<Bought>,
    /// Its own queries per second.
    pub qps: Written<u32>,
    /// Its own calls in the plan's period.
    pub quota: Written<u64>,
    /// What it is found by, in lower case: its own name, and those of its application and member.
    pub words: String,
    /// Whatever else a client has said of it.
    pub body: Map<String, Json>,
    /// Its life.
    pub life: Chain,
    /// What is known of each of its keys themselves, by number, in order.
    pub credentials: Vec<(KeyNumber, Credential)>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub updated: i64,
}

/// What somebody wrote of a limit, to be read again as it was written (requirements.md, decision
/// 1), whatever the plan makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written<T> {
    /// A ceiling.
    pub ceiling: Option<T>,
    /// To be without a limit.
    pub exempt: bool,
}

impl<T> Written<T> {
    /// What is meant by it: an exemption beats a ceiling.
    pub fn own(self) -> Own<T> {
        match self {
            Self { exempt: true, .. } => Own::Exempt,
            Self { ceiling: Some(ceiling), .. } => Own::Ceiling(ceiling),
            Self { ceiling: None, .. } => Own::Inherit,
        }
    }
}

/// A package and a plan of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bought {
    /// The package.
    pub package: String,
    /// The plan of that package.
    pub plan: String,
}

impl StoredChain {
    /// What [`Self::limits`] tells of.
    pub const LIMITS: [&str; 5] =
        ["plan", "qpsLimitCeiling", "qpsLimitExempt", "rateLimitCeiling", "rateLimitExempt"];

    /// The plan of a package key and its own limits, by the names of the API.
    #[must_use]
    pub fn limits(&self) -> Map<String, Json> {
        let values = [
            json!(self.bought.as_ref().map(|bought| &bought.plan)),
            json!(self.qps.ceiling),
            json!(self.qps.exempt),
            json!(self.quota.ceiling),
            json!(self.quota.exempt),
        ];
        Self::LIMITS.map(str::to_owned).into_iter().zip(values).collect()
    }

    /// The id of one of its keys.
    #[must_use]
    pub fn key_id(&self, number: KeyNumber) -> Option<&str> {
        self.credential(number).map(|credential| credential.id.as_str())
    }

    /// What is known of one of its keys itself.
    #[must_use]
    pub fn credential(&self, number: KeyNumber) -> Option<&Credential> {
        self.credentials.iter().find(|(known, _)| *known == number).map(|(_, known)| known)
    }

    /// The chain of an id.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn find(connection: &mut dyn Connection, id: &str) -> Result<Option<Self>, StoreError> {
        let query = format!("{} WHERE c.id = $1 ORDER BY k.number", columns::select());
        Ok(gather(connection, &query, &[id.into()])?.pop())
    }

    /// The chain that a key belongs to.
    pub fn of_key(connection: &mut dyn Connection, key: &str) -> Result<Option<Self>, StoreError> {
        let chain = connection.row("SELECT chain FROM keys WHERE id = $1", &[key.into()])?;
        chain.map_or(Ok(None), |row| Self::find(connection, row.text(0)?))
    }

    /// The id of the key with a digest.
    pub fn key_of_digest(
        connection: &mut dyn Connection,
        digest: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = connection.row("SELECT id FROM keys WHERE digest = $1", &[digest.into()])?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// The chains of an application, the oldest first.
    pub fn of_application(
        connection: &mut dyn Connection,
        application: &str,
    ) -> Result<Vec<Self>, StoreError> {
        let query = format!(
            "{} WHERE c.application = $1 ORDER BY c.created, c.id, k.number",
            columns::select()
        );
        gather(connection, &query, &[application.into()])
    }

    /// The ids of the key sets whose policy came from a template and that are not over, behind one
    /// in their order, `most` at most.
    pub fn of_template(
        connection: &mut dyn Connection,
        template: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<String>, StoreError> {
        let query = "SELECT id FROM chains WHERE template = $1 AND id > $2 \
                     AND state NOT IN ('revoked', 'expired') ORDER BY id LIMIT $3";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = connection.rows(query, &[template.into(), after.into(), most.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    /// The ids of the chains of an application.
    pub fn ids_of_application(
        connection: &mut dyn Connection,
        application: &str,
    ) -> Result<Vec<String>, StoreError> {
        let query = "SELECT id FROM chains WHERE application = $1";
        let rows = connection.rows(query, &[application.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    /// Hands over every chain, in no order that means anything.
    pub fn each(
        connection: &mut dyn Connection,
        mut each: impl FnMut(Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let query = format!("{} ORDER BY c.id, k.number", columns::select());
        let mut gathered = Gathered::default();
        connection.each(&query, &[], &mut |row| gathered.add(&row)?.map_or(Ok(()), &mut each))?;
        gathered.finish()?.map_or(Ok(()), each)
    }

    /// The ids of chains for which the scheduler is due at `now` (seconds since 1970), the longest
    /// due first, `most` at most.
    pub fn due(
        connection: &mut dyn Connection,
        now: i64,
        most: i64,
    ) -> Result<Vec<String>, StoreError> {
        let query = "SELECT id FROM chains WHERE due <= $1 ORDER BY due, id LIMIT $2";
        let rows = connection.rows(query, &[now.into(), most.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    /// When the scheduler is due next, in seconds since 1970.
    pub fn next_due(connection: &mut dyn Connection) -> Result<Option<i64>, StoreError> {
        let row = connection.row("SELECT min(due) FROM chains", &[])?;
        row.map_or(Ok(None), |row| row.optional_integer(0))
    }

    /// Of some digests those that keys have.
    pub fn taken(
        connection: &mut dyn Connection,
        digests: &[String],
    ) -> Result<HashSet<String>, StoreError> {
        let mut taken = HashSet::new();
        for some in digests.chunks(BATCH) {
            let numbers = numbered(some.len());
            let query = format!("SELECT digest FROM keys WHERE digest IN ({numbers})");
            let digests: Vec<Value> = some.iter().map(|digest| digest.as_str().into()).collect();
            connection.each(&query, &digests, &mut |row| {
                taken.insert(row.text(0)?.to_owned());
                Ok(())
            })?;
        }
        Ok(taken)
    }

    /// Hands over the digests of the keys of some chains.
    pub fn each_digest(
        connection: &mut dyn Connection,
        chains: &[String],
        mut each: impl FnMut(DigestLiteral),
    ) -> Result<(), StoreError> {
        for some in chains.chunks(BATCH) {
            let numbers = numbered(some.len());
            let query = format!("SELECT digest FROM keys WHERE chain IN ({numbers})");
            let chains: Vec<Value> = some.iter().map(|chain| chain.as_str().into()).collect();
            connection.each(&query, &chains, &mut |row| {
                each(columns::digest(&row, 0)?);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Puts a new chain there, with its keys.
    pub fn insert(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        Self::insert_all(connection, std::slice::from_ref(self))
    }

    /// Puts new chains there, with their keys.
    pub fn insert_all(connection: &mut dyn Connection, chains: &[Self]) -> Result<(), StoreError> {
        let rows = chains.iter().map(Self::chain_values);
        insert(connection, "chains", &columns::written(), rows)?;
        let keys =
            chains.iter().flat_map(|chain| chain.life.keys().map(|key| chain.key_values(key)));
        insert(connection, "keys", columns::KEY, keys)
    }

    /// Takes the chain and all that belongs to it away. Returns whether it was there.
    pub fn delete(connection: &mut dyn Connection, id: &str) -> Result<bool, StoreError> {
        uses::forget(connection, id)?;
        Ok(connection.run("DELETE FROM chains WHERE id = $1", &[id.into()])? > 0)
    }
}

/// Chains out of rows of a chain and one of its keys each, those of one chain together.
#[derive(Default)]
struct Gathered {
    rows: Vec<Row>,
}

impl Gathered {
    /// Adds a row. Returns the chain before it, if it begins another.
    fn add(&mut self, row: &Row) -> Result<Option<StoredChain>, StoreError> {
        let begins_another = match self.rows.first() {
            Some(first) => first.text(0)? != row.text(0)?,
            None => false,
        };
        let whole = if begins_another { self.finish()? } else { None };
        self.rows.push(row.clone());
        Ok(whole)
    }

    fn finish(&mut self) -> Result<Option<StoredChain>, StoreError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() { Ok(None) } else { StoredChain::read(&rows).map(Some) }
    }
}

fn gather(
    connection: &mut dyn Connection,
    query: &str,
    parameters: &[Value],
) -> Result<Vec<StoredChain>, StoreError> {
    let mut gathered = Gathered::default();
    let mut chains = Vec::new();
    connection.each(query, parameters, &mut |row| {
        chains.extend(gathered.add(&row)?);
        Ok(())
    })?;
    chains.extend(gathered.finish()?);
    Ok(chains)
}
