//! PostgreSQL: one database for several control planes.

mod home;
mod refused;
mod tls;
mod url;

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::BytesMut;
use postgres::config::SslMode;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};
use rustls::ClientConfig;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::texts::{Narrowed, Words};
use super::{Connection, Engine, Listening, Presence, Row, StoreError, Value};
use refused::NotConnected;

pub use tls::{ClientFiles, PostgresTls, WrongFile};
pub use url::PostgresUrl;

/// How long a server may say nothing where it is to say something.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database on a server, which other control planes may use too.
pub struct Postgres {
    config: Config,
    /// How TLS is spoken; `None` = it is not.
    tls: Option<MakeRustlsConnect>,
    /// By what others know this process.
    id: i32,
    /// Each connection is to lead to where the store is at home.
    held: AtomicBool,
}

impl Postgres {
    /// The database that `url` names, as in `postgresql://user@host/database` or
    /// `host=/run/postgresql dbname=tollgate`, over a plain connection. It is not asked for anything
    /// yet.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] for a text that names no database. It does not repeat the text,
    /// which may hold a password.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(StoreError::unavailable)?;
        config.application_name("tollgate");
        // A server that is gone without a word is noticed.
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(PATIENCE);
        }
        config.keepalives_idle(PATIENCE);
        config.notice_callback(|notice| {
            tracing::warn!(said = notice.message(), "the server of the store warns");
        });
        config.ssl_mode(SslMode::Disable);
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(StoreError::unavailable)?;
        // Not negative, so that it comes back as it was.
        let id = i32::from_ne_bytes(random) & i32::MAX;
        Ok(Self { config, tls: None, id, held: AtomicBool::new(false) })
    }

    /// With this password in place of the URL's.
    #[must_use]
    pub fn with_password(mut self, password: &[u8]) -> Self {
        self.config.password(password);
        self
    }

    /// Over TLS and never without.
    #[must_use]
    pub fn with_tls(mut self, tls: ClientConfig) -> Self {
        self.config.ssl_mode(SslMode::Require);
        self.tls = Some(MakeRustlsConnect::new(tls));
        self
    }

    fn connect(&self, settings: &str) -> Result<Box<Session>, StoreError> {
        let connected = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        let client = connected.map_err(|error| StoreError::unavailable(NotConnected(error)))?;
        let mut session = Session { client, prepared: HashMap::new() };
        if self.held.load(Relaxed) {
            home::refuse_copied(&mut session)?;
        }
        session.client.batch_execute(settings).map_err(StoreError::unavailable)?;
        Ok(Box::new(session))
    }
}

impl Engine for Postgres {
    fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        Ok(self.connect("SET synchronous_commit = on; SET client_min_messages = warning")?)
    }

    fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        // What a text is decides how it is best looked for, so no plan is made for whatever text.
        Ok(self.connect(
            "SET default_transaction_read_only = on; SET plan_cache_mode = force_custom_plan",
        )?)
    }

    fn begin(&self) -> &'static str {
        // Orders the changes of all control planes, the first one's setting up included. The number is
        // only ours: another program in the same database would take another.
        "BEGIN; SELECT pg_advisory_xact_lock(7304211873)"
    }

    fn begin_reading(&self) -> &'static str {
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn listen(&self) -> Result<Option<Box<dyn Listening>>, StoreError> {
        // Held as long as the connection, which a server that nobody speaks to any more ends soon.
        let present = format!(
            "SET default_transaction_read_only = on; SET tcp_keepalives_idle = 5; \
             SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
             SELECT pg_advisory_lock_shared(730421188, {}); LISTEN tollgate_revisions",
            self.id
        );
        Ok(Some(self.connect(&present)?))
    }

    fn presence(&self) -> Option<Presence> {
        Some(Presence {
            id: self.id.into(),
            live: "SELECT DISTINCT CAST(objid AS BIGINT) FROM pg_locks WHERE locktype = 'advisory' \
                   AND classid = 730421188 AND objsubid = 2 AND database = \
                   (SELECT oid FROM pg_database WHERE datname = current_database())",
        })
    }

    fn tell_others(&self) -> Option<&'static str> {
        Some("NOTIFY tollgate_revisions")
    }

    fn take_home(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        home::take(connection)
    }

    fn hold_home(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        home::refuse_copied(connection)?;
        self.held.store(true, Relaxed);
        Ok(())
    }

    fn still_home(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        home::noted(connection).map(|_| ())
    }

    fn index_words(&self) -> &'static str {
        include_str!("words/postgres.sql")
    }

    fn lists(&self) -> &'static str {
        include_str!("lists/postgres.sql")
    }
}

/// A connection and what it has prepared.
struct Session {
    client: Client,
    prepared: HashMap<String, Statement>,
}

impl Session {
    fn prepare(&mut self, statement: &str) -> Result<Statement, StoreError> {
        if let Some(prepared) = self.prepared.get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(statement).map_err(failed)?;
        self.prepared.insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

impl Connection for Session {
    fn run(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepare(statement)?;
        let parameters: Vec<_> =
            parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect();
        self.client.execute(&statement, &parameters).map_err(failed)
    }

    fn each(
        &mut self,
        query: &str,
        parameters: &[Value],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.prepare(query)?;
        let mut rows = self.client.query_raw(&statement, parameters).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let values = (0..row.len()).map(|column| read(&row, column));
            each(Row(values.collect::<Result<_, _>>()?))?;
        }
        Ok(())
    }

    fn script(&mut self, statements: &str) -> Result<(), StoreError> {
        self.client.batch_execute(statements).map_err(failed)
    }

    /// The server knows by itself when to use its index.
    fn narrow(&mut self, _: Words<'_>, _: &str) -> Result<Option<Narrowed>, StoreError> {
        Ok(None)
    }

    fn one_of(&self, column: &str, parameter: &str) -> String {
        // An array, because the planner looks into one to see how many they are.
        format!("{column} = ANY({parameter})")
    }
}

impl Listening for Session {
    fn wait(&mut self, at_most: Duration) -> Result<(), StoreError> {
        let mut notifications = self.client.notifications();
        notifications.timeout_iter(at_most).next().map_err(failed)?;
        // Several are as good as one.
        let mut more = notifications.iter();
        while more.next().map_err(failed)?.is_some() {}
        Ok(())
    }
}

/// What the server said, or that it says nothing any more.
fn failed(error: postgres::Error) -> StoreError {
    if error.is_closed() { StoreError::unavailable(error) } else { StoreError::failed(error) }
}

fn read(row: &postgres::Row, column: usize) -> Result<Value, StoreError> {
    let of = |error| StoreError::failed(error);
    let kind = row.columns().get(column).map(postgres::Column::type_);
    match kind {
        Some(&Type::INT8) => row.try_get::<_, Option<i64>>(column).map(Value::from).map_err(of),
        // What a literal is.
        Some(&Type::INT4) => {
            let number = row.try_get::<_, Option<i32>>(column);
            number.map(|number| number.map(i64::from).into()).map_err(of)
        }
        Some(&Type::TEXT) => row.try_get::<_, Option<&str>>(column).map(Value::from).map_err(of),
        Some(&Type::BYTEA) => row.try_get::<_, Option<&[u8]>>(column).map(Value::from).map_err(of),
        Some(other) => Err(StoreError::Corrupt(format!("column {column} of type {other}"))),
        None => Err(StoreError::Corrupt(format!("no column {column}"))),
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Texts(texts) => texts.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA | Type::TEXT_ARRAY)
    }

    to_sql_checked!();
}
