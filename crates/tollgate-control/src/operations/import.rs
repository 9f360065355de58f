//! Importing keys of other gateways: all of a document, or nothing of it.
//!
//! What takes its time is done by what is committed, while others go on changing things; the change
//! itself looks at what they have changed since, and writes.

mod accounts;
mod basis;
mod draft;
mod made;
mod plans;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Context, Ids, Refused};
use crate::migration::{PlanName, Problem, Reading, Remark};
use crate::store::{Change, Connection, Kind, NotChanged, Reason, Shelf, StoreError};
use draft::Draft;
use made::{AHEAD, Made, Maker};

/// An import that was worked out, and is not carried out yet.
pub struct ImportDraft {
    imported: Imported,
    /// The first of its rows.
    ready: Vec<Made>,
    /// All others.
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
        let ids = Ids::at(now);
        let draft = Draft::of(self, connection, reading, destination, &ids)?;
        let (imported, basis, keys) = draft.outcome(self).map_err(NotChanged::Refused)?;
        let rows = Maker::new(self.clone(), Arc::new(basis), keys, ids);
        Ok(ImportDraft { imported, ready: Vec::new(), rows })
    }

    /// Imports keys with the members and applications that they need: all of them, or none. Members
    /// and applications that are there, by their names, are used as they are.
    ///
    /// # Errors
    /// [`NotImported::Overtaken`] if another draft would be made now.
    pub fn import(
        &self,
        change: &mut Change<'_>,
        draft: ImportDraft,
    ) -> Result<Imported, NotChanged<NotImported>> {
        let ImportDraft { imported, ready, rows } = draft;
        let (basis, now) = (rows.basis(), rows.now());
        if !basis.stands(self, change.connection())? {
            return Err(NotChanged::Refused(NotImported::Overtaken));
        }
        let members = basis.accounts.new_members(now);
        Shelf::Members.insert_all(change.connection(), &members)?;
        members.into_iter().for_each(|member| change.touch(Kind::Member, member.id));
        let applications = basis.accounts.new_applications(now);
        Shelf::Applications.insert_all(change.connection(), &applications)?;
        applications.into_iter().for_each(|one| change.touch(Kind::Application, one.id));
        let mut written = 0;
        let mut write = |made: Made| {
            written += made.len();
            made.write(change)
        };
        ready.into_iter().try_for_each(&mut write)?;
        rows.meanwhile(write)?;
        // All of it or nothing, whatever became of the thread that makes them.
        if written == imported.keys { Ok(imported) } else { Err(StoreError::Closed.into()) }
    }
}

impl ImportDraft {
    /// What comes of it.
    #[must_use]
    pub fn imported(&self) -> &Imported {
        &self.imported
    }

    /// Digests and seals what is to be written, as far as there is room for it. Blocks.
    ///
    /// # Errors
    /// What keeps a key from being made.
    pub fn make_ready(mut self) -> Result<Self, NotChanged<NotImported>> {
        self.ready = self.rows.by_ref().take(AHEAD).collect::<Result<_, _>>()?;
        Ok(self)
    }
}

impl Reason for NotImported {
    fn code(&self) -> &str {
        match self {
            Self::Rows(..) => "invalid",
            Self::Overtaken => "overtaken",
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
