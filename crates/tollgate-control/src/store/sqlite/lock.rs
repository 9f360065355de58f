//! Which process has a database.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::private_file;
use crate::store::StoreError;

/// A lock on the file beside a database. The database is this process's until it is dropped.
#[derive(Debug)]
pub struct SqliteLock {
    _file: File,
}

impl SqliteLock {
    /// Takes the lock of the database at `path`, which need not be there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has it, else [`StoreError::Unavailable`].
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = private_file(Path::new(&name))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::InUse(path.display().to_string()),
            TryLockError::Error(error) => error.into(),
        })?;
        Ok(Self { _file: file })
    }
}
