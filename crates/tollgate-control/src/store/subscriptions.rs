//! Subscriptions: which APIs a key set may call, and under which plans.

use super::{Connection, Row, StoreError};

/// An API that a key set was subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The key set.
    pub chain: String,
    /// The service.
    pub service: String,
    /// The package.
    pub package: String,
    /// The plan of that package.
    pub plan: String,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970; `None` while it holds.
    pub cancelled: Option<i64>,
}

const COLUMNS: &str = "id, chain, service, package, plan, created, cancelled";

impl Subscription {
    /// The subscription of an id.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn find(connection: &mut dyn Connection, id: &str) -> Result<Option<Self>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM subscriptions WHERE id = $1");
        connection.row(&query, &[id.into()])?.as_ref().map(Self::read).transpose()
    }

    /// The subscriptions of a key set, the oldest first, those that were cancelled too.
    pub fn of_chain(connection: &mut dyn Connection, chain: &str) -> Result<Vec<Self>, StoreError> {
        let query =
            format!("SELECT {COLUMNS} FROM subscriptions WHERE chain = $1 ORDER BY created, id");
        connection.rows(&query, &[chain.into()])?.iter().map(Self::read).collect()
    }

    /// All subscriptions that hold, the oldest first.
    pub fn held(connection: &mut dyn Connection) -> Result<Vec<Self>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM subscriptions WHERE cancelled IS NULL ORDER BY created, id"
        );
        connection.rows(&query, &[])?.iter().map(Self::read).collect()
    }

    /// Puts a new subscription there.
    pub fn insert(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        connection.run(
            &format!("INSERT INTO subscriptions ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"),
            &[
                self.id.as_str().into(),
                self.chain.as_str().into(),
                self.service.as_str().into(),
                self.package.as_str().into(),
                self.plan.as_str().into(),
                self.created.into(),
                self.cancelled.into(),
            ],
        )?;
        Ok(())
    }

    /// Cancels a subscription at `now`. Returns whether it held until then.
    pub fn cancel(connection: &mut dyn Connection, id: &str, now: i64) -> Result<bool, StoreError> {
        let statement =
            "UPDATE subscriptions SET cancelled = $1 WHERE id = $2 AND cancelled IS NULL";
        Ok(connection.run(statement, &[now.into(), id.into()])? > 0)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let text = |column| row.text(column).map(str::to_owned);
        Ok(Self {
            id: text(0)?,
            chain: text(1)?,
            service: text(2)?,
            package: text(3)?,
            plan: text(4)?,
            created: row.integer(5)?,
            cancelled: row.optional_integer(6)?,
        })
    }
}
