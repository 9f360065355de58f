//! What a proxy keeps on disk, to start from without its control plane: the last known good.
//!
//! Snapshots and their tails have numbers, and the newest of them counts: `snapshot-7` with `tail-7`, to
//! which batches are appended. A new snapshot is written beside them, synced and renamed, so that
//! there is a whole one at any instant; the one before is kept, in case that the newest cannot be read.
//! Only the owner can read any of it, and none of it is a key.

mod contact;
mod restore;
mod tail;

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use contact::Contact;
pub use restore::{NotPublished, Restored, Unusable};

use crate::file::Header;
use crate::wire::Held;
use tail::Tail;
pub use tail::{Next, TailFile, TailHeader};

/// The folder of a process, and nobody else's as long as it is open.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    environment: String,
    /// Of the newest snapshot; 0 = there is none.
    number: u64,
    tail: Option<Tail>,
    /// Locked, unless the folder was let go of.
    lock: File,
}

/// A snapshot that is being received.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    file: File,
}

/// Why a folder cannot be used.
#[derive(Debug)]
pub enum FolderError {
    /// The system says no.
    Io(PathBuf, io::Error),
    /// Another process has it.
    InUse(PathBuf),
    /// Others can read it.
    Open(PathBuf),
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::InUse(path) => write!(f, "{}: another process has it", path.display()),
            Self::Open(path) => {
                write!(f, "{}: others can read it, expected mode 0700", path.display())
            }
        }
    }
}

impl std::error::Error for FolderError {}

impl Folder {
    /// Opens a folder, or makes it.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn open(path: &Path, environment: &str) -> Result<Self, FolderError> {
        let io = |error| FolderError::Io(path.to_owned(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        if fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0 {
            return Err(FolderError::Open(path.to_owned()));
        }
        let lock = private(&path.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(FolderError::InUse(path.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(io(error)),
        }
        let mut folder = Self {
            path: path.to_owned(),
            environment: environment.to_owned(),
            number: 0,
            tail: None,
            lock,
        };
        folder.number = folder.numbers().map_err(io)?.first().copied().unwrap_or(0);
        Ok(folder)
    }

    /// Lets another process have it. Nothing is to be written here before [`Folder::take_again`].
    ///
    /// # Errors
    /// What the system says: it is kept then.
    pub fn let_go(&mut self) -> io::Result<()> {
        self.sync()?;
        self.lock.unlock()
    }

    /// Has it again. False if another process has written there meanwhile: then a snapshot has to be kept
    /// before anything else is.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn take_again(&mut self) -> Result<bool, FolderError> {
        match self.lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(FolderError::InUse(self.path.clone()));
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(FolderError::Io(self.path.clone(), error));
            }
        }
        let io = |error| FolderError::Io(self.path.clone(), error);
        let newest = self.numbers().map_err(io)?.first().copied().unwrap_or(0);
        let as_it_was = newest == self.number
            && self.tail.as_ref().is_none_or(|tail| {
                let there = fs::metadata(self.tail_path(newest)).map(|there| there.len());
                there.is_ok_and(|there| there == tail.bytes())
            });
        self.number = newest;
        if !as_it_was {
            self.tail = None;
        }
        Ok(as_it_was)
    }

    /// A file for a snapshot that arrives. What was left of an earlier one is gone.
    ///
    /// # Errors
    /// What the system says.
    pub fn incoming(&self) -> io::Result<Incoming> {
        let path = self.path.join("incoming");
        let file = private(&path)?;
        file.set_len(0)?;
        Ok(Incoming { path, file })
    }

    /// Keeps a snapshot that was published, as what the process starts from. It is on the disk when
    /// this returns.
    ///
    /// # Errors
    /// What the system says; the one before is there then.
    pub fn keep(&mut self, incoming: Incoming, header: &Header) -> io::Result<()> {
        let Incoming { path, file } = incoming;
        file.sync_all()?;
        let number = self.number + 1;
        let held = Held { numbering: header.numbering, revision: header.revision };
        let tail = Tail::begin(&self.tail_path(number), &self.environment, held)?;
        fs::rename(path, self.snapshot_path(number))?;
        self.sync_folder()?;
        self.number = number;
        self.tail = Some(tail);
        for old in self.numbers()?.into_iter().filter(|old| old + 1 < number) {
            // What stays is in nobody's way.
            let _ = fs::remove_file(self.snapshot_path(old));
            let _ = fs::remove_file(self.tail_path(old));
        }
        Ok(())
    }

    /// Appends batches that were published, as they were sent. With `sync` they are on the disk when
    /// this returns, and so is everything before.
    ///
    /// # Errors
    /// What the system says, or that no snapshot was kept before.
    pub fn append(&mut self, frames: &[u8], sync: bool) -> io::Result<()> {
        let tail = self.tail.as_mut().ok_or_else(|| io::Error::other("there is no snapshot"))?;
        tail.append(frames)?;
        if sync { tail.sync() } else { Ok(()) }
    }

    /// Has everything on the disk that was appended.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&mut self) -> io::Result<()> {
        self.tail.as_mut().map_or(Ok(()), Tail::sync)
    }

    /// Another hand on the tail, for who syncs it on a thread that may block.
    ///
    /// # Errors
    /// What the system says, or that no snapshot was kept before.
    pub fn tail_file(&self) -> io::Result<File> {
        let tail = self.tail.as_ref().ok_or_else(|| io::Error::other("there is no snapshot"))?;
        tail.file()
    }

    /// How long the tail is, in bytes.
    #[must_use]
    pub fn tail_bytes(&self) -> u64 {
        self.tail.as_ref().map_or(0, Tail::bytes)
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The numbers of snapshots, newest first.
    pub(crate) fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("snapshot-"));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        Ok(numbers)
    }

    fn snapshot_path(&self, number: u64) -> PathBuf {
        self.path.join(format!("snapshot-{number}"))
    }

    fn tail_path(&self, number: u64) -> PathBuf {
        self.path.join(format!("tail-{number}"))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Incoming {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests;
