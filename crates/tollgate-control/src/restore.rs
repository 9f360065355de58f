//! Putting a backup in the place of a store (design decision 11): in a new epoch, and without
//! anything living again that was revoked since.
//!
//! What the present store still tells is asked of it: which keys were revoked or deleted, who was
//! disabled or logged out, what was suspended. The present store is kept beside.

mod access;
mod again;
mod chains;
mod credentials;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{error, fmt, io};

use jiff::Timestamp;
use serde_json::json;
use tollgate_core::{Clock, Revision};

use crate::operations::{Context, Refused};
use crate::secret::{SecretFileError, refuse_open};
use crate::store::{
    Connection, Deed, Engine, Inspected, Kind, NotChanged, Sqlite, SqliteLock, Store, StoreError,
    copy, history, inspect, sync_folder_of,
};

pub use again::Again;
pub use again::reconcile;

/// A backup that is to be put in the place of a store.
pub struct Restore {
    /// The file of the store.
    pub store: PathBuf,
    /// The file of the backup.
    pub backup: PathBuf,
    /// What keys are revoked within.
    pub context: Context,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Objects that may live again, by their ids.
    pub leave: BTreeSet<String>,
    /// The present store is not asked: it is lost, or another one.
    pub forget_present: bool,
}

/// A restored store, ready to be put in its place. Dropping it leaves everything as it was.
pub struct Prepared {
    /// What the backup held.
    pub backup: Inspected,
    /// The revision in which the restored store begins.
    pub begins: Revision,
    /// What does not live again.
    pub again: Again,
    /// What cannot be shown, because it was sealed with a key that is not here.
    pub sealed_otherwise: i64,
    store: PathBuf,
    at: i64,
    has_present: bool,
    _copy: Temporary,
    _lock: SqliteLock,
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
    /// The backup is not of the present store's past.
    OtherHistory,
    /// Of what was to be left nothing would have been revoked again.
    NothingToLeave(Vec<String>),
    /// A key could not be revoked.
    Refused(Refused),
}

/// A file that goes when this is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It is gone where it was put in its place.
        let _ = fs::remove_file(&self.0);
    }
}

impl Restore {
    /// Makes the store as it is to be, beside the present one, which stays in force.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub async fn prepare(self) -> Result<Prepared, RestoreError> {
        let lock = SqliteLock::take(&self.store).map_err(RestoreError::Store)?;
        refuse_open(&self.backup, &fs::metadata(&self.backup)?).map_err(RestoreError::Open)?;
        let backup = inspect(&self.backup).map_err(RestoreError::Backup)?;
        let has_present = self.store.try_exists()?;
        let (lock, present) = match (self.forget_present, has_present) {
            (true, _) => (lock, None),
            (false, false) => return Err(RestoreError::NoPresent),
            (false, true) => {
                let (lock, present) = self.present(lock)?;
                (lock, Some(present))
            }
        };
        let restoring = beside(&self.store, "restoring");
        match fs::remove_file(&restoring) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            // What is there was left by a restore that did not come to its end.
            _ => {}
        }
        copy(&self.backup, &restoring).map_err(RestoreError::Backup)?;
        let temporary = Temporary(restoring.clone());
        let _restoring_lock = Temporary(beside(&restoring, "lock"));
        let engine = Arc::new(Sqlite::open(&restoring).map_err(RestoreError::Store)?);
        let (again, begins) =
            self.go_on(Arc::clone(&engine) as Arc<dyn Engine>, present, backup).await?;
        let sealed_otherwise = sealed_otherwise(&*engine, &self.context)?;
        let engine = Arc::into_inner(engine).ok_or(RestoreError::Store(StoreError::Closed))?;
        engine.settle().map_err(RestoreError::Store)?;
        let at = i64::try_from(self.clock.now().unix_ms).unwrap_or(i64::MAX);
        Ok(Prepared {
            backup,
            begins,
            again,
            sealed_otherwise,
            at,
            has_present,
            store: self.store,
            _copy: temporary,
            _lock: lock,
        })
    }

    /// The present store, to be read, with all that it holds in its one file. It is brought to the
    /// newest version, because what is asked of it is asked in that.
    fn present(&self, lock: SqliteLock) -> Result<(SqliteLock, Box<dyn Connection>), RestoreError> {
        let present = || {
            let engine = Sqlite::open_locked(&self.store, lock)?;
            let epoch = self.clock.now().unix_ms;
            crate::store::migrate(&engine, epoch)?;
            let lock = engine.settle()?.ok_or(StoreError::Closed)?;
            let mut connection = Sqlite::beside(&self.store).reader()?;
            connection.script("BEGIN")?;
            Ok((lock, connection))
        };
        present().map_err(RestoreError::Present)
    }

    /// Begins the new epoch in the restored store, and does to it what was done since.
    async fn go_on(
        &self,
        engine: Arc<dyn Engine>,
        present: Option<Box<dyn Connection>>,
        backup: Inspected,
    ) -> Result<(Again, Revision), RestoreError> {
        let mut present = present;
        let epoch = self.clock.now().unix_ms;
        let asked = present.as_mut().map(|present| &mut **present as &mut dyn Connection);
        if !history::go_on(&*engine, asked, epoch).map_err(RestoreError::Store)? {
            return Err(RestoreError::OtherHistory);
        }
        let opened = Store::open(engine, Arc::clone(&self.clock)).await;
        let (store, committed) = opened.map_err(RestoreError::Store)?;
        drop(committed);
        let (context, leave) = (self.context.clone(), self.leave.clone());
        let changed = store.change(deed(), move |change, deed| {
            let again = match &mut present {
                Some(present) => reconcile(&context, change, &mut **present, &leave)?,
                None => Again::default(),
            };
            deed.details = details(&again, backup, present.is_some());
            change.touch(Kind::File, "");
            Ok::<_, NotChanged<Refused>>(again)
        });
        let (again, begins) = changed.await.map_err(|not| match not {
            NotChanged::Refused(refused) => RestoreError::Refused(refused),
            NotChanged::Store(error) => RestoreError::Store(error),
        })?;
        let unknown: Vec<_> =
            self.leave.iter().filter(|id| !again.left.contains(*id)).cloned().collect();
        if !unknown.is_empty() {
            return Err(RestoreError::NothingToLeave(unknown));
        }
        Ok((again, begins.unwrap_or_default()))
    }
}

impl Prepared {
    /// Puts the restored store in its place. Returns where the present one is now, if there was one.
    ///
    /// # Errors
    /// [`RestoreError::File`] and [`RestoreError::Store`]; the present store is in its place then.
    pub fn put_in_place(self) -> Result<Option<PathBuf>, RestoreError> {
        let kept = if self.has_present { Some(self.keep_present()?) } else { None };
        fs::rename(beside(&self.store, "restoring"), &self.store)?;
        sync_folder_of(&self.store).map_err(RestoreError::Store)?;
        Ok(kept)
    }

    /// Gives the present store a second name, so that there is a store under the first at any time.
    fn keep_present(&self) -> Result<PathBuf, RestoreError> {
        let kept = self.free_name();
        for part in ["-wal", "-shm"] {
            // There where the store could not be read: it would be taken for the restored one's.
            match fs::rename(with_suffix(&self.store, part), with_suffix(&kept, part)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        if fs::hard_link(&self.store, &kept).is_err() {
            // There are file systems without links.
            fs::copy(&self.store, &kept)?;
            fs::File::open(&kept)?.sync_all()?;
        }
        Ok(kept)
    }

    fn free_name(&self) -> PathBuf {
        let when = Timestamp::from_millisecond(self.at).unwrap_or_default();
        let when = when.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut kept = beside(&self.store, &format!("before-restore-{when}"));
        let mut count = 1;
        while kept.exists() {
            count += 1;
            kept = beside(&self.store, &format!("before-restore-{when}-{count}"));
        }
        kept
    }
}

/// How many sealed texts neither of the sealing keys opens.
fn sealed_otherwise(engine: &dyn Engine, context: &Context) -> Result<i64, RestoreError> {
    let count = || {
        let mut connection = engine.reader()?;
        let mut count = 0;
        let sealed = "SELECT sealed FROM keys WHERE sealed IS NOT NULL";
        connection.each(sealed, &[], &mut |row| {
            count += i64::from(!context.sealer.knows(row.bytes(0)?));
            Ok(())
        })?;
        Ok(count)
    };
    count().map_err(RestoreError::Store)
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

/// The file beside another that is called like it, with a dot and a word behind.
fn beside(path: &Path, word: &str) -> PathBuf {
    with_suffix(path, &format!(".{word}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
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
