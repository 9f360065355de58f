//! Importing keys of other gateways: all of a document, or nothing of it.

mod accounts;
mod draft;
mod plans;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Context, Ids, Refused, words};
use crate::migration::{PlanName, Problem, Reading, Remark};
use crate::store::{
    Change, Connection, Kind, NotChanged, Reason, Shelf, StoreError, StoredChain, timeline,
};
use draft::{Draft, Planned};

/// Keys that were read, and where they are to go.
#[derive(Debug)]
pub struct Import {
    /// What was read.
    pub reading: Reading,
    /// Where it goes.
    pub destination: Destination,
    /// Do everything but change anything.
    pub dry_run: bool,
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
    /// The import as a whole is refused.
    Refused(Refused),
}

/// So many keys are made and written at once.
const BATCH: usize = 1_000;

impl Context {
    /// What an import would do, by what is committed now: it changes nothing, and keeps nobody from
    /// changing anything. `now` is the present instant in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`Context::import`].
    pub fn preview_import(
        &self,
        connection: &mut dyn Connection,
        reading: Reading,
        destination: &Destination,
        now: i64,
    ) -> Result<Imported, NotChanged<NotImported>> {
        let draft = Draft::of(self, connection, reading, destination, &Ids::at(now))?;
        draft.outcome().map(|(imported, _)| imported)
    }

    /// Imports keys with the members and applications that they need: all of them, or none if one
    /// cannot be. Members and applications that are there, by their names, are used as they are.
    ///
    /// # Errors
    /// [`NotImported::Rows`] with every row that cannot be imported.
    pub fn import(
        &self,
        change: &mut Change<'_>,
        import: Import,
    ) -> Result<Imported, NotChanged<NotImported>> {
        let Import { reading, destination, dry_run } = import;
        let ids = Ids::at(change.now());
        let draft = Draft::of(self, change.connection(), reading, &destination, &ids)?;
        let (imported, draft) = draft.outcome()?;
        if dry_run {
            change.leave_untold();
        } else {
            self.carry_out(change, draft, &ids)?;
        }
        Ok(imported)
    }

    fn carry_out(
        &self,
        change: &mut Change<'_>,
        mut draft: Draft,
        ids: &Ids,
    ) -> Result<(), NotChanged<NotImported>> {
        let now = change.now();
        let members = draft.accounts.new_members(now);
        Shelf::Members.insert_all(change.connection(), &members)?;
        members.into_iter().for_each(|member| change.touch(Kind::Member, member.id));
        let applications = draft.accounts.new_applications(now);
        Shelf::Applications.insert_all(change.connection(), &applications)?;
        applications.into_iter().for_each(|one| change.touch(Kind::Application, one.id));
        let mut keys = std::mem::take(&mut draft.keys).into_iter();
        loop {
            let some: Vec<_> = keys.by_ref().take(BATCH).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.write(change, &draft, some, ids)?;
        }
    }

    fn write(
        &self,
        change: &mut Change<'_>,
        draft: &Draft,
        keys: Vec<Planned>,
        ids: &Ids,
    ) -> Result<(), NotChanged<NotImported>> {
        let mut chains = Vec::with_capacity(keys.len());
        let mut happened = Vec::with_capacity(keys.len());
        for planned in keys {
            let parts = draft.parts(&planned).ok_or(Refused::NotFound("plan"))?;
            let Planned { key, new, name, state, created, .. } = planned;
            let (made, entries) = self.make(change.now(), ids.next(), new, key, state, parts)?;
            chains.push(StoredChain {
                words: words(&name, &parts.application.name, &parts.member.username),
                name,
                created: created.unwrap_or(made.chain.created),
                ..made.chain
            });
            happened.push(entries);
        }
        StoredChain::insert_all(change.connection(), &chains)?;
        let timelines = chains.iter().zip(&happened);
        let timelines = timelines.map(|(chain, entries)| (&*chain.id, &**entries));
        timeline::begin(change.connection(), timelines)?;
        chains.into_iter().for_each(|chain| change.touch(Kind::Key, chain.id));
        Ok(())
    }
}

impl Draft {
    /// What comes of it, if nothing stands against it.
    fn outcome(mut self) -> Result<(Imported, Self), NotChanged<NotImported>> {
        let (members, applications) = self.accounts.new_ones();
        let keys = self.keys.len();
        let remarks = self.reading.remarks();
        let mut problems = std::mem::take(&mut self.reading.problems);
        if !problems.is_empty() {
            problems.sort_by(|one, other| one.place.order().cmp(&other.place.order()));
            return Err(NotChanged::Refused(NotImported::Rows(problems, remarks)));
        }
        Ok((Imported { keys, members, applications, remarks }, self))
    }
}

impl Reason for NotImported {
    fn code(&self) -> &str {
        match self {
            Self::Rows(..) => "invalid",
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
