//! Putting a backup in the place of a store (design decision 11): in a new epoch, and without
//! anything living again that was revoked since.
//!
//! What the present store still tells is asked of it: which keys were revoked or deleted, who was
//! disabled or logged out, what was suspended.

mod access;
mod again;
mod chains;
mod credentials;
mod database;
mod file;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::{error, fmt, io};

use serde_json::json;
use tollgate_core::{Clock, Revision};

use crate::operations::{Context, Refused};
use crate::secret::SecretFileError;
use crate::store::{
    Connection, Deed, Engine, Inspected, Kind, NotChanged, StoreError, change_within, history,
};

pub use again::Again;
pub use again::reconcile;
pub use database::{DatabaseRestore, PreparedDatabase};
pub use file::{FileRestore, PreparedFile};

/// What a store is restored under.
pub struct Terms {
    /// What keys are revoked within.
    pub context: Context,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Objects that may live again, by their ids.
    pub leave: BTreeSet<String>,
}

/// What a restored store is like.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What the backup held.
    pub backup: Inspected,
    /// The revision in which the restored store begins.
    pub begins: Revision,
    /// What does not live again.
    pub again: Again,
    /// How many keys cannot be shown, because they were sealed with a key that is not here.
    pub sealed_otherwise: i64,
}

/// Why nothing was restored.
#[derive(Debug)]
pub enum RestoreError {
    /// A file cannot be used.
    File(io::Error),
    /// Others can read the backup.
    Open(SecretFileError),
    /// The backup cannot be used.
    Backup(StoreError),
    /// A process uses the store, or the restored one cannot be written.
    Store(StoreError),
    /// The present store cannot be asked what was revoked since.
    Present(StoreError),
    /// There is no present store to ask.
    NoPresent,
    /// What is said to be the present store is the one that is to be restored.
    Same,
    /// The backup is not of the present store's past.
    OtherHistory,
    /// Of what was to be left nothing would have been revoked again.
    NothingToLeave(Vec<String>),
    /// A key could not be revoked.
    Refused(Refused),
}

impl Terms {
    fn now(&self) -> u64 {
        self.clock.now().unix_ms
    }

    /// Begins the new epoch in a restored store, on whose connection a transaction has begun, does to
    /// it what was done since, and has it be at home where it is.
    fn restore(
        &self,
        engine: &dyn Engine,
        connection: &mut dyn Connection,
        present: &mut Option<Box<dyn Connection>>,
        backup: Inspected,
    ) -> Result<Restored, RestoreError> {
        let asked = present.as_mut().map(|present| &mut **present as &mut dyn Connection);
        if !history::go_on(engine, connection, asked, self.now()).map_err(RestoreError::Store)? {
            return Err(RestoreError::OtherHistory);
        }
        let now = i64::try_from(self.now()).unwrap_or(i64::MAX);
        let changed = change_within(connection, now, deed(), |change, deed| {
            let again = match present {
                Some(present) => reconcile(&self.context, change, &mut **present, &self.leave)?,
                None => Again::default(),
            };
            deed.details = details(&again, backup, present.is_some());
            change.touch(Kind::File, "");
            Ok::<_, NotChanged<Refused>>(again)
        });
        let (again, begins) = changed.map_err(|not| match not {
            NotChanged::Refused(refused) => RestoreError::Refused(refused),
            NotChanged::Store(error) => RestoreError::Store(error),
        })?;
        let unknown: Vec<_> =
            self.leave.iter().filter(|id| !again.left.contains(*id)).cloned().collect();
        if !unknown.is_empty() {
            return Err(RestoreError::NothingToLeave(unknown));
        }
        let sealed_otherwise = sealed_otherwise(connection, &self.context)?;
        engine.take_home(connection).map_err(RestoreError::Store)?;
        Ok(Restored { backup, begins: begins.unwrap_or_default(), again, sealed_otherwise })
    }
}

/// How many sealed texts neither of the sealing keys opens.
fn sealed_otherwise(
    connection: &mut dyn Connection,
    context: &Context,
) -> Result<i64, RestoreError> {
    let mut count = 0;
    let sealed = "SELECT sealed FROM keys WHERE sealed IS NOT NULL";
    let counted = connection.each(sealed, &[], &mut |row| {
        count += i64::from(!context.sealer.knows(row.bytes(0)?));
        Ok(())
    });
    counted.map(|()| count).map_err(RestoreError::Store)
}

fn deed() -> Deed {
    Deed {
        actor: "cli".to_owned(),
        action: "store.restore".to_owned(),
        kind: "store".to_owned(),
        object: String::new(),
        details: String::new(),
    }
}

fn details(again: &Again, backup: Inspected, asked: bool) -> String {
    let Inspected { newest: Revision { epoch, number }, entries, .. } = backup;
    let Again { revoked, suspended, deleted, members, applications, subscriptions, left } = again;
    json!({
        "backup": { "epoch": epoch, "revision": number, "auditEntries": entries },
        "presentStoreAsked": asked,
        "revokedAgain": revoked,
        "suspendedAgain": suspended,
        "deletedAgain": deleted,
        "membersAsTheyWere": members,
        "applicationsSuspendedAgain": applications,
        "subscriptionsCancelledAgain": subscriptions,
        "leftRevived": left,
    })
    .to_string()
}

impl From<io::Error> for RestoreError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => write!(f, "a file cannot be used: {error}"),
            Self::Open(error) => write!(f, "the backup: {error}"),
            Self::Backup(error) => write!(f, "the backup cannot be used: {error}"),
            Self::Store(error) => error.fmt(f),
            Self::Present(error) => write!(
                f,
                "the present store cannot be asked what was revoked since: {error}; \
                 --forget-present restores without that"
            ),
            Self::NoPresent => f.write_str(
                "there is no present store to be asked what was revoked since; \
                 --forget-present restores without that",
            ),
            Self::Same => f.write_str(
                "--present names the database that control.store names: expected the one that has \
                 the history since the backup",
            ),
            Self::OtherHistory => f.write_str(
                "the backup is of another store, or of a past that is not the present store's; \
                 --forget-present restores it all the same, without revoking anything again",
            ),
            Self::NothingToLeave(ids) => write!(
                f,
                "--leave-revived: nothing of the id {} would be revoked again",
                ids.join(", ")
            ),
            Self::Refused(refused) => write!(f, "what was revoked cannot be again: {refused}"),
        }
    }
}

impl error::Error for RestoreError {}
