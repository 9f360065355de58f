//! What a store fails with.

use std::sync::Arc;
use std::{error, fmt, io};

use super::Value;

/// Why the store did not do what it was asked. Nothing has changed then, unless it is
/// [`StoreError::Unknown`].
#[derive(Debug)]
pub enum StoreError {
    /// The database cannot be reached or opened.
    Unavailable(Box<dyn error::Error + Send + Sync>),
    /// The database refused a statement: a full or read-only disk, or a constraint.
    Failed(Box<dyn error::Error + Send + Sync>),
    /// The connection was lost while a change was being committed: it may have been.
    Unknown(Box<dyn error::Error + Send + Sync>),
    /// A change that shared the commit brought the whole of it down.
    Group(Arc<Self>),
    /// What is stored is not what this version stores.
    Corrupt(String),
    /// The store was made by a later version of the program.
    TooNew {
        /// Its version.
        found: i64,
        /// The newest one that is known here.
        known: i64,
    },
    /// Another process has the store.
    InUse(String),
    /// The store was copied into this database, and nobody has reconciled it with the present one.
    NotReconciled,
    /// The store is being closed.
    Closed,
}

impl StoreError {
    /// The database cannot be reached or opened.
    pub(super) fn unavailable(error: impl error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Box::new(error))
    }

    /// The database refused a statement.
    pub(crate) fn failed(error: impl error::Error + Send + Sync + 'static) -> Self {
        Self::Failed(Box::new(error))
    }

    /// A column holds something else. What it holds is not repeated: it can be a secret.
    pub(super) fn corrupt(expected: &str, column: usize, found: Option<&Value>) -> Self {
        let found = match found {
            None => "no such column",
            Some(Value::Null) => "nothing",
            Some(Value::Integer(_)) => "a number",
            Some(Value::Text(_)) => "text",
            Some(Value::Bytes(_)) => "bytes",
            Some(Value::Texts(_)) => "texts",
        };
        Self::Corrupt(format!("column {column} holds {found}, expected {expected}"))
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::unavailable(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error) => write!(f, "the store cannot be reached: {error}"),
            Self::Failed(error) => write!(f, "the store has failed: {error}"),
            Self::Unknown(error) => {
                write!(f, "the store was lost while it committed, it may have: {error}")
            }
            Self::Group(error) => error.fmt(f),
            Self::Corrupt(what) => write!(f, "the store holds what it should not: {what}"),
            Self::TooNew { found, known } => write!(
                f,
                "the store has version {found}, expected {known} at most: it was made by a later \
                 version of this program"
            ),
            Self::InUse(path) => write!(f, "another process has the store {path}"),
            Self::NotReconciled => f.write_str(
                "the store was copied into this database, as pg_restore does, so what was revoked \
                 since the copy was made may live in it again; expected `tollgate restore --config \
                 FILE --present URL` first, with the database that has the history since, or \
                 --forget-present where there is none",
            ),
            Self::Closed => f.write_str("the store is being closed"),
        }
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Unavailable(error) | Self::Failed(error) | Self::Unknown(error) => Some(&**error),
            Self::Group(error) => error.source(),
            Self::Corrupt(_)
            | Self::TooNew { .. }
            | Self::InUse(_)
            | Self::NotReconciled
            | Self::Closed => None,
        }
    }
}
