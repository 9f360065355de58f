//! Registered proxies, as the store keeps them (design decision 10).

use tollgate_core::Revision;

use crate::store::{Connection, Row, StoreError, Value};

/// A proxy that has come once, and has not been forgotten since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredProxy {
    /// Its name.
    pub name: String,
    /// The id of the access key that it came by last.
    pub access_key: String,
    /// Where it stands.
    pub region: String,
    /// The version of the program.
    pub software: String,
    /// When it came first, in milliseconds since 1970; likewise below.
    pub registered: i64,
    /// When it was heard of last.
    pub seen: i64,
    /// Whether it is connected.
    pub connected: bool,
    /// The newest revision that all of its workers enforce.
    pub enforced: Option<Revision>,
    /// When that was heard.
    pub enforced_at: Option<i64>,
    /// How many keys it has.
    pub keys: i64,
    /// How far its wall clock is ahead of this one, in milliseconds.
    pub skew: i64,
    /// For how many seconds it goes on without a control plane; `None` = without a bound.
    pub serve_for: Option<i64>,
    /// It may go on up to this instant at most, without having heard of anything more.
    pub leased_until: i64,
    /// Why it does not enforce a revision, in its own words.
    pub problem: Option<String>,
    /// Its last connection, by a number drawn at random.
    pub session: i64,
}

/// Its parameters stand in their order, as SQLite counts them. A lease that the store was told of by another control plane and that ends later is kept.
const UPDATE: &str = "UPDATE proxies SET name = $1, access_key = $2, region = $3, software = $4, registered = $5, \
                      seen = $6, connected = $7, epoch = $8, number = $9, enforced_at = $10, \
                      keys = $11, skew = $12, serve_for = $13, leased_until = \
                      CASE WHEN leased_until > $14 THEN leased_until ELSE $14 END, problem = $15, \
                      session = $16";

impl RegisteredProxy {
    /// The columns of its table, the name first.
    pub(crate) const COLUMNS: &str = "name, access_key, region, software, registered, seen, connected, epoch, number, \
                       enforced_at, keys, skew, serve_for, leased_until, problem, session";

    /// All of them, by name.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn all(connection: &mut dyn Connection) -> Result<Vec<Self>, StoreError> {
        let columns = Self::COLUMNS;
        let query = format!("SELECT {columns} FROM proxies ORDER BY name");
        connection.rows(&query, &[])?.iter().map(Self::read).collect()
    }

    /// The one of a name.
    pub fn find(connection: &mut dyn Connection, name: &str) -> Result<Option<Self>, StoreError> {
        let columns = Self::COLUMNS;
        let query = format!("SELECT {columns} FROM proxies WHERE name = $1");
        connection.row(&query, &[name.into()])?.as_ref().map(Self::read).transpose()
    }

    /// How many there are.
    pub fn count(connection: &mut dyn Connection) -> Result<i64, StoreError> {
        let row = connection.row("SELECT count(*) FROM proxies", &[])?;
        row.map_or(Ok(0), |row| row.integer(0))
    }

    /// Keeps it, as a new one.
    pub fn insert(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let columns = Self::COLUMNS;
        let statement = format!(
            "INSERT INTO proxies ({columns}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        );
        connection.run(&statement, &self.values()).map(|_| ())
    }

    /// Keeps it as it is now, with a new connection.
    pub fn take_over(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let statement = format!("{UPDATE} WHERE name = $1");
        connection.run(&statement, &self.values()).map(|_| ())
    }

    /// Keeps what was heard over its connection. One that was forgotten meanwhile stays so, and what
    /// comes of a later connection stands.
    pub fn update(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let statement = format!("{UPDATE} WHERE name = $1 AND session = $16");
        connection.run(&statement, &self.values()).map(|_| ())
    }

    /// Forgets one.
    pub fn forget(connection: &mut dyn Connection, name: &str) -> Result<(), StoreError> {
        connection.run("DELETE FROM proxies WHERE name = $1", &[name.into()]).map(|_| ())
    }

    /// Whether it enforces a revision.
    #[must_use]
    pub fn enforces(&self, revision: Revision) -> bool {
        self.enforced.is_some_and(|enforced| enforced >= revision)
    }

    fn values(&self) -> [Value; 16] {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        [
            self.name.as_str().into(),
            self.access_key.as_str().into(),
            self.region.as_str().into(),
            self.software.as_str().into(),
            self.registered.into(),
            self.seen.into(),
            self.connected.into(),
            self.enforced.map(|revision| number(revision.epoch)).into(),
            self.enforced.map(|revision| number(revision.number)).into(),
            self.enforced_at.into(),
            self.keys.into(),
            self.skew.into(),
            self.serve_for.into(),
            self.leased_until.into(),
            self.problem.as_deref().into(),
            self.session.into(),
        ]
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let text = |column| row.text(column).map(str::to_owned);
        let enforced = row.optional_integer(7)?.zip(row.optional_integer(8)?);
        let enforced = enforced.map(|(epoch, number)| Revision {
            epoch: epoch.cast_unsigned(),
            number: number.cast_unsigned(),
        });
        Ok(Self {
            name: text(0)?,
            access_key: text(1)?,
            region: text(2)?,
            software: text(3)?,
            registered: row.integer(4)?,
            seen: row.integer(5)?,
            connected: row.switch(6)?,
            enforced,
            enforced_at: row.optional_integer(9)?,
            keys: row.integer(10)?,
            skew: row.integer(11)?,
            serve_for: row.optional_integer(12)?,
            leased_until: row.integer(13)?,
            problem: row.optional_text(14)?.map(str::to_owned),
            session: row.integer(15)?,
        })
    }
}
