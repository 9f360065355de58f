//! Copies of a database, made while it is in use, and whether one is whole.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use super::connect;
use crate::store::{Connection, Inspected, StoreError};

/// How long a copy waits for a database that is locked for a moment.
const PAUSE: Duration = Duration::from_millis(50);

/// Copies what is committed in the database at `from`, whether or not a process works on it, to a
/// new file at `to`, which is for its owner only and on the disk when this returns.
///
/// # Errors
/// See [`StoreError`]; also if there is something at `to`. What was begun there is gone then.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    File::options().write(true).create_new(true).mode(0o600).open(to)?;
    let copied = fill(&source, to);
    if copied.is_err() {
        fs::remove_file(to)?;
    }
    copied
}

fn fill(source: &rusqlite::Connection, to: &Path) -> Result<(), StoreError> {
    let mut target = connect(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    {
        let backup = Backup::new(source, &mut target).map_err(StoreError::failed)?;
        // All pages in one step see one committed state, whatever is committed meanwhile.
        while backup.step(-1).map_err(StoreError::failed)? != StepResult::Done {
            thread::sleep(PAUSE);
        }
    }
    leave_wal(&target)?;
    target.close().map_err(|(_, error)| StoreError::failed(error))?;
    File::open(to)?.sync_all()?;
    sync_folder_of(to)
}

/// Has a database be all in its one file.
pub(super) fn leave_wal(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    let mode = "PRAGMA journal_mode = DELETE";
    let mode: String =
        connection.query_row(mode, [], |row| row.get(0)).map_err(StoreError::failed)?;
    if mode == "delete" { Ok(()) } else { Err(StoreError::Corrupt(format!("a journal ({mode})"))) }
}

/// Has what was made, renamed or removed in the folder of a file be on the disk.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Looks at every page and every audit entry of the database at `path`.
///
/// # Errors
/// [`StoreError::Corrupt`] for one that is damaged, is no store or has a broken audit log,
/// [`StoreError::TooNew`] for one of a later version, else what the database said.
pub fn inspect(path: &Path) -> Result<Inspected, StoreError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let connection: &mut dyn Connection = &mut connection;
    let is_whole = connection.row("PRAGMA integrity_check(1)", &[]);
    let is_whole =
        is_whole.map_err(|error| StoreError::Corrupt(format!("no database: {error}")))?;
    let is_whole = is_whole.ok_or_else(|| StoreError::Corrupt("no answer".to_owned()))?;
    match is_whole.text(0)? {
        "ok" => {}
        damage => return Err(StoreError::Corrupt(format!("a damaged database: {damage}"))),
    }
    Inspected::of(connection)
}
