//! A backup in the place of a store in a file, which is kept beside.

use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;

use super::{RestoreError, Restored, Terms};
use crate::secret::refuse_open;
use crate::store::{
    Connection, Engine, Sqlite, SqliteLock, StoreError, copy, end, inspect, sync_folder_of,
};

/// A backup that is to be put in the place of a store.
pub struct FileRestore {
    /// The file of the store.
    pub store: PathBuf,
    /// The file of the backup.
    pub backup: PathBuf,
    /// What holds of it.
    pub terms: Terms,
    /// The present store is not asked: it is lost, or another one.
    pub forget_present: bool,
}

/// A restored store, ready to be put in its place. Dropping it leaves everything as it was.
pub struct PreparedFile {
    /// What it is like.
    pub restored: Restored,
    store: PathBuf,
    at: i64,
    has_present: bool,
    _copy: Temporary,
    _lock: SqliteLock,
}

/// A file that goes when this is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It is gone where it was put in its place.
        let _ = fs::remove_file(&self.0);
    }
}

impl FileRestore {
    /// Makes the store as it is to be, beside the present one, which stays in force.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub fn prepare(self) -> Result<PreparedFile, RestoreError> {
        let lock = SqliteLock::take(&self.store).map_err(RestoreError::Store)?;
        refuse_open(&self.backup, &fs::metadata(&self.backup)?).map_err(RestoreError::Open)?;
        let backup = inspect(&self.backup).map_err(RestoreError::Backup)?;
        let has_present = self.store.try_exists()?;
        let (lock, mut present) = match (self.forget_present, has_present) {
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
        let engine = Sqlite::open(&restoring).map_err(RestoreError::Store)?;
        let mut connection = engine.writer().map_err(RestoreError::Store)?;
        connection.script(engine.begin()).map_err(RestoreError::Store)?;
        let restored = self.terms.restore(&engine, &mut *connection, &mut present, backup)?;
        end(&mut *connection).map_err(RestoreError::Store)?;
        drop(connection);
        engine.settle().map_err(RestoreError::Store)?;
        Ok(PreparedFile {
            restored,
            at: i64::try_from(self.terms.now()).unwrap_or(i64::MAX),
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
            crate::store::migrate(&engine, self.terms.now())?;
            let lock = engine.settle()?.ok_or(StoreError::Closed)?;
            let mut connection = Sqlite::beside(&self.store).reader()?;
            connection.script("BEGIN")?;
            Ok((lock, connection))
        };
        present().map_err(RestoreError::Present)
    }
}

impl PreparedFile {
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

/// The file beside another that is called like it, with a dot and a word behind.
fn beside(path: &Path, word: &str) -> PathBuf {
    with_suffix(path, &format!(".{word}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
