//! A change while it is made: what it sees and writes, and what it touches.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

#[cfg(doc)]
use super::DONE;
use super::differences::Differences;
use super::{Connection, Deed, StoreError};

/// What proxies decide from: the file as a whole, or a kind of object in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the model says what each one is")]
pub enum Kind {
    File,
    Service,
    Package,
    Member,
    Application,
    Key,
    Proxy,
}

/// A change, in the middle of a transaction. What it does is there wholly or not at all.
pub struct Change<'a> {
    connection: &'a mut dyn Connection,
    now: i64,
    touched: Vec<(Kind, String)>,
    differences: Differences,
    told: bool,
    others: Vec<(Deed, String)>,
}

/// What a change leaves behind beside its rows.
pub(super) struct Traces {
    /// What it touched, each once.
    pub(super) touched: Vec<(Kind, String)>,
    /// What it has noted of objects.
    pub(super) differences: Differences,
    /// It has an entry in the audit log.
    pub(super) told: bool,
    /// What else is to be told of it, with the outcome.
    pub(super) others: Vec<(Deed, String)>,
}

impl<'a> Change<'a> {
    pub(super) fn new(connection: &'a mut dyn Connection, now: i64) -> Self {
        Self {
            connection,
            now,
            touched: Vec::new(),
            differences: Differences::default(),
            told: true,
            others: Vec::new(),
        }
    }

    /// The present instant, in milliseconds since 1970: the same for all that the change writes.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// What it reads and writes by.
    pub fn connection(&mut self) -> &mut dyn Connection {
        self.connection
    }

    /// Says that proxies decide from an object which was made, changed or deleted.
    pub fn touch(&mut self, kind: Kind, id: impl Into<String>) {
        self.touched.push((kind, id.into()));
    }

    /// What it has touched so far, in the order in which it did.
    #[must_use]
    pub fn touched(&self) -> &[(Kind, String)] {
        &self.touched
    }

    /// Notes which properties of an object it changes, from what to what. The audit log says so of the
    /// change, and a rollback goes by it. Nothing secret is a property.
    pub fn note(
        &mut self,
        kind: &str,
        id: &str,
        before: &Map<String, Json>,
        after: &Map<String, Json>,
    ) {
        self.differences.note(kind, id, before, after);
    }

    /// Does something and takes it back: what would come of it.
    ///
    /// # Errors
    /// What `work` or the store said.
    pub fn would<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.connection.script("SAVEPOINT trial")?;
        let came = work(&mut Change::new(&mut *self.connection, self.now));
        self.connection.script("ROLLBACK TO SAVEPOINT trial; RELEASE SAVEPOINT trial")?;
        came
    }

    /// Leaves no entry in the audit log: there was nothing to do, or it is tried again.
    pub fn leave_untold(&mut self) {
        self.told = false;
    }

    /// Tells of one of several deeds of which the change is made, with its outcome: [`DONE`], or
    /// the code of a refusal. It stands in the audit log before the change itself.
    pub fn tell(&mut self, deed: Deed, outcome: &str) {
        self.others.push((deed, outcome.to_owned()));
    }

    pub(super) fn into_traces(mut self) -> Traces {
        self.touched.sort();
        self.touched.dedup();
        let Self { touched, differences, told, others, .. } = self;
        Traces { touched, differences, told, others }
    }
}

/// Of a change that nothing refuses.
impl Reason for Infallible {
    fn code(&self) -> &str {
        match *self {}
    }
}

/// Why a change was not made: a rule, or the store.
#[derive(Debug)]
pub enum NotChanged<E> {
    /// A rule of the domain. It stands in the audit log.
    Refused(E),
    /// The store failed.
    Store(StoreError),
}

impl<E> From<StoreError> for NotChanged<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A rule's refusal, as the audit log names it.
pub trait Reason {
    /// A short, stable name, as in `key_revoked`.
    fn code(&self) -> &str;
}
