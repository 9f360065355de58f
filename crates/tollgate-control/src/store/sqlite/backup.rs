//! Backups: copies that were looked through.

use std::path::{Path, PathBuf};
use std::{error, fmt, fs, io};

use super::copy::{copy, inspect, sync_folder_of};
use crate::store::{Inspected, StoreError};

/// Why there is no backup.
#[derive(Debug)]
pub enum BackupError {
    /// Something stands where it, or the file that becomes it, was to stand.
    Exists(PathBuf),
    /// A file cannot be made.
    File(io::Error),
    /// The store cannot be copied, or the copy is not whole.
    Store(StoreError),
}

/// Copies the database at `from`, whether or not a process works on it, to `to`, where nothing may
/// be. The copy is made beside under another name, looked through, and is called `to` only then. It is
/// for its owner only, and on the disk when this returns.
///
/// # Errors
/// See [`BackupError`]; there is nothing new at `to` then.
pub fn back_up(from: &Path, to: &Path) -> Result<Inspected, BackupError> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    for path in [to, &partial] {
        // Also a link that leads nowhere.
        if path.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(path.to_owned()));
        }
    }
    copy(from, &partial).map_err(BackupError::Store)?;
    let made = inspect(&partial).map_err(BackupError::Store);
    let made = made.and_then(|inspected| name(&partial, to).map(|()| inspected));
    if made.is_err() {
        fs::remove_file(&partial).map_err(BackupError::File)?;
    }
    let inspected = made?;
    sync_folder_of(to).map_err(BackupError::Store)?;
    Ok(inspected)
}

/// Gives a file its name, unless something stands there by now.
fn name(partial: &Path, to: &Path) -> Result<(), BackupError> {
    match fs::hard_link(partial, to) {
        Ok(()) => fs::remove_file(partial).map_err(BackupError::File),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BackupError::Exists(to.to_owned()))
        }
        // There are file systems without links.
        Err(_) => fs::rename(partial, to).map_err(BackupError::File),
    }
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists(path) => write!(f, "{} is there already", path.display()),
            Self::File(error) => write!(f, "a file cannot be made: {error}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl error::Error for BackupError {}
