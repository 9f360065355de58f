//! SQLite: a file beside the process, for one control plane.

mod backup;
mod copy;
mod lock;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{Value as SqliteValue, ValueRef};
use rusqlite::{OpenFlags, params_from_iter};

use super::texts::{FEW, GRAM, Narrowed, SHARE, Words};
use super::{Connection, Engine, Row, StoreError, Value};
pub use backup::{BackupError, back_up};
pub use copy::inspect;
pub(crate) use copy::{copy, sync_folder_of};
pub use lock::SqliteLock;

/// How long a reader waits for the one moment in which a checkpoint keeps others out.
const PATIENCE: Duration = Duration::from_secs(5);

/// Statements that stay prepared.
const PREPARED: usize = 256;

/// A database in a file. It belongs to one process, which a lock on a file beside it holds to.
pub struct Sqlite {
    path: PathBuf,
    /// `None` = another process may have it: it is only read here.
    lock: Option<SqliteLock>,
}

impl Sqlite {
    /// Opens the database, or makes it. The file is for its owner only.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has it, else [`StoreError::Unavailable`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_locked(path, SqliteLock::take(path)?)
    }

    /// Opens the database, or makes it, under a lock that was taken before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn open_locked(path: &Path, lock: SqliteLock) -> Result<Self, StoreError> {
        private_file(path)?;
        let sqlite = Self { path: path.to_owned(), lock: Some(lock) };
        let writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Kept in the file from here on: readers and the writer do not wait for each other.
        writer.pragma_update(None, "journal_mode", "WAL").map_err(StoreError::unavailable)?;
        Ok(sqlite)
    }

    /// The database of a file that is there, to be read beside the process that has it.
    #[must_use]
    pub fn beside(path: &Path) -> Self {
        Self { path: path.to_owned(), lock: None }
    }

    /// Gives the database up, with all that it holds in its one file, and the lock back.
    ///
    /// # Errors
    /// What the database said; also while connections to it are open.
    pub fn settle(self) -> Result<Option<SqliteLock>, StoreError> {
        if self.lock.is_some() {
            copy::leave_wal(&connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?)?;
        }
        Ok(self.lock)
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<rusqlite::Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        rusqlite::Connection::open_with_flags(path, flags).map_err(StoreError::unavailable)?;
    connection.busy_timeout(PATIENCE).map_err(StoreError::unavailable)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // One plan for a statement, whatever is asked. Otherwise each new value could mean another plan, and SQLite prepares
    // nearly every statement anew each time it is asked.
    let same_plan = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true);
    same_plan.map_err(StoreError::unavailable)?;
    // A commit is on the disk before it is answered.
    let settings = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                    PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY";
    connection.execute_batch(settings).map_err(StoreError::unavailable)?;
    Ok(connection)
}

/// Opens a file that only its owner may read, and makes it if it is not there.
fn private_file(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

impl Engine for Sqlite {
    fn writer(&self) -> Result<Box<dyn Connection>, StoreError> {
        if self.lock.is_none() {
            return Err(StoreError::InUse(self.path.display().to_string()));
        }
        Ok(Box::new(connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?))
    }

    fn reader(&self) -> Result<Box<dyn Connection>, StoreError> {
        let reader = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // There can be many of them, and the system has what they read in its memory too.
        reader.execute_batch("PRAGMA cache_size = -16384").map_err(StoreError::unavailable)?;
        Ok(Box::new(reader))
    }

    /// As many as look who brings a token when many call at once: one that is opened reads the whole schema first, and
    /// prepares all that it is asked.
    fn idle_readers(&self) -> usize {
        32
    }

    fn begin(&self) -> &'static str {
        "BEGIN IMMEDIATE"
    }

    fn begin_reading(&self) -> &'static str {
        "BEGIN"
    }

    fn index_words(&self) -> &'static str {
        include_str!("words/sqlite.sql")
    }

    fn lists(&self) -> &'static str {
        include_str!("lists/sqlite.sql")
    }

    fn plan_queries(&self) -> &'static str {
        include_str!("plans/sqlite.sql")
    }
}

impl Connection for rusqlite::Connection {
    fn run(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.prepare_cached(statement).map_err(StoreError::failed)?;
        let changed = statement.execute(params_from_iter(parameters.iter().map(bind)));
        changed.map(|count| count as u64).map_err(StoreError::failed)
    }

    fn each(
        &mut self,
        query: &str,
        parameters: &[Value],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(query).map_err(StoreError::failed)?;
        let columns = statement.column_count();
        let bound = params_from_iter(parameters.iter().map(bind));
        let mut rows = statement.query(bound).map_err(StoreError::failed)?;
        while let Some(row) = rows.next().map_err(StoreError::failed)? {
            let values = (0..columns).map(|column| read(row.get_ref(column)));
            each(Row(values.collect::<Result<_, _>>()?))?;
        }
        Ok(())
    }

    fn script(&mut self, statements: &str) -> Result<(), StoreError> {
        self.execute_batch(statements).map_err(StoreError::failed)
    }

    fn narrow(&mut self, within: Words<'_>, text: &str) -> Result<Option<Narrowed>, StoreError> {
        if text.chars().count() < GRAM || text.contains('\0') {
            return Ok(None);
        }
        let (index, table, ids) = match within {
            Words::Documents(_) => {
                ("word_index", "worded", "worded w ON w.number = i.rowid AND w.shelf = $2")
            }
            Words::Chains => ("wording_index", "wordings", "wordings w ON w.number = i.rowid"),
        };
        let connection: &mut dyn Connection = self;
        // No fewer than there are, and soon told.
        let all = connection.row(&format!("SELECT max(number) FROM {table}"), &[])?;
        let all = all.map_or(Ok(None), |row| row.optional_integer(0))?.unwrap_or(0);
        let few = FEW.max(all / SHARE);
        let mut values = vec![Value::Text(format!("\"{}\"", text.replace('"', "\"\"")))];
        let counted = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {index} WHERE words MATCH $1 LIMIT {})",
            few + 1
        );
        let found = connection.row(&counted, &values)?;
        if found.map_or(Ok(0), |row| row.integer(0))? > few {
            return Ok(None);
        }
        if let Words::Documents(shelf) = within {
            values.push(shelf.into());
        }
        // In this order: SQLite takes the word for it. The text is the first parameter all the same.
        let query = format!(
            "SELECT w.id FROM (SELECT rowid FROM {index} WHERE words MATCH $1) i CROSS JOIN {ids}"
        );
        Ok(Some(Narrowed { query, values }))
    }

    fn one_of(&self, column: &str, parameter: &str) -> String {
        format!("{column} IN (SELECT value FROM json_each({parameter}))")
    }

    fn past_queries(&self) -> &'static str {
        "main."
    }
}

fn bind(value: &Value) -> SqliteValue {
    match value {
        Value::Null => SqliteValue::Null,
        Value::Integer(number) => SqliteValue::Integer(*number),
        Value::Text(text) => SqliteValue::Text(text.clone()),
        Value::Bytes(bytes) => SqliteValue::Blob(bytes.clone()),
        Value::Texts(texts) => {
            SqliteValue::Text(serde_json::Value::from(texts.as_slice()).to_string())
        }
    }
}

fn read(value: rusqlite::Result<ValueRef<'_>>) -> Result<Value, StoreError> {
    match value.map_err(StoreError::failed)? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(StoreError::Corrupt("text that is not UTF-8".to_owned())),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(StoreError::Corrupt("a fraction".to_owned())),
    }
}
