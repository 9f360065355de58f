//! Importing keys of other gateways: all of a document, or nothing of it.
//!
//! What takes its time is done by what is committed, while others go on changing things, and rows are
//! written ahead, seen by nobody. The change itself looks at what others have changed since, and
//! reveals them.

mod accounts;
mod ahead;
mod basis;
mod draft;
mod made;
mod plans;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_core::Revision;

use super::{Context, Refused, Reserved};
use crate::migration::{PlanName, Problem, Reading, Remark};
use crate::store::{Change, Connection, NotChanged, Reason, StoreError};
use draft::Draft;
use made::Maker;

pub use ahead::ImportAhead;

/// An import that was worked out, and is not carried out yet.
pub struct ImportDraft {
    imported: Imported,
    /// The newest revision that it has seen.
    seen: Revision,
    rows: Maker,
}

/// Under which plan keys come, and whose they are where their document does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Destination {
    /// For each group of the document (a plan, a policy, a consumer group) a plan of ours.
    pub groups: BTreeMap<String, PlanName>,
    /// For every other key. Without it, what the document itself names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanName>,
    /// The user name of whom keys belong to that name nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The application of keys that name none; without it, one of its owner's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
}

/// What was imported, or would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many keys.
    pub keys: usize,
    /// How many members were made for them.
    pub members: usize,
    /// How many applications were made for them.
    pub applications: usize,
    /// What was not carried over.
    pub remarks: Vec<Remark>,
}

/// Why nothing was imported.
#[derive(Debug)]
pub enum NotImported {
    /// Rows that cannot be imported, all of them, and what else would not have been carried over.
    Rows(Vec<Problem>, Vec<Remark>),
    /// What it rests on was changed after it was drafted: another draft may come to the same, or say
    /// what stands against it now.
    Overtaken,
    /// Another control plane has been writing an import for long.
    Underway,
    /// The import as a whole is refused.
    Refused(Refused),
}

impl Context {
    /// What an import would do, by what is committed now: it changes nothing, and keeps nobody from
    /// changing anything. `now` is the present instant in milliseconds since 1970.
    ///
    /// # Errors
    /// [`NotImported::Rows`] with every row that cannot be imported.
    pub fn draft_import(
        &self,
        connection: &mut dyn Connection,
        reading: Reading,
        destination: &Destination,
        now: i64,
    ) -> Result<ImportDraft, NotChanged<NotImported>> {
        let ids = Reserved::at(now);
        let draft = Draft::of(self, connection, reading, destination, &ids)?;
        let (imported, seen, basis, keys) = draft.outcome(self).map_err(NotChanged::Refused)?;
        Ok(ImportDraft {
            imported,
            seen,
            rows: Maker::new(self.clone(), Arc::new(basis), keys, ids),
        })
    }

    /// Imports keys with the members and applications that they need: all of them, or none. Members
    /// and applications that are there, by their names, are used as they are.
    ///
    /// # Errors
    /// [`NotImported::Overtaken`] if another draft would be made now.
    pub fn import(
        &self,
        change: &mut Change<'_>,
        written: &ImportAhead,
    ) -> Result<Imported, NotChanged<NotImported>> {
        let ImportAhead { imported, ahead, rests, touched } = written;
        if !ahead.is_open(change.connection())? {
            return Err(NotChanged::Refused(NotImported::Overtaken));
        }
        rests.clone().stand(self, change)?;
        ahead.reveal(change.connection())?;
        touched.iter().for_each(|(kind, id)| change.touch(*kind, id));
        Ok(imported.clone())
    }
}

impl ImportDraft {
    /// What comes of it.
    #[must_use]
    pub fn imported(&self) -> &Imported {
        &self.imported
    }
}

impl Reason for NotImported {
    fn code(&self) -> &str {
        match self {
            Self::Rows(..) => "invalid",
            Self::Overtaken => "overtaken",
            Self::Underway => "underway",
            Self::Refused(refused) => refused.code(),
        }
    }
}

impl fmt::Display for NotImported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(problems, _) => {
                f.write_str("nothing was imported")?;
                problems.iter().try_for_each(|problem| write!(f, "; {problem}"))
            }
            Self::Overtaken => f.write_str("what the import needs was changed in the meantime"),
            Self::Underway => f.write_str("another control plane is importing keys"),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl std::error::Error for NotImported {}

impl From<Refused> for NotChanged<NotImported> {
    fn from(refused: Refused) -> Self {
        Self::Refused(NotImported::Refused(refused))
    }
}

/// A check only reads, so what stops it is the store or the digests.
impl From<draft::Stopped> for NotChanged<NotImported> {
    fn from(stopped: draft::Stopped) -> Self {
        match stopped {
            draft::Stopped::Store(error) => Self::Store(error),
            draft::Stopped::Refused(refused) => refused.into(),
        }
    }
}

impl From<StoreError> for draft::Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
