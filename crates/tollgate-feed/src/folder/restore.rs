//! A start from what is on the disk.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use tollgate_core::Revision;

use super::Folder;
use super::tail::{Next, Tail, TailFile};
use crate::file::{FileError, Header, Piece, SnapshotFile, check_signature};
use crate::receive::{Receiver, Unfit};
use crate::wire::{Held, frame};

/// What a start from the disk came to.
#[derive(Debug, Default)]
pub struct Restored {
    /// What was published; `None` = nothing that could be used was there.
    pub revision: Option<Revision>,
    /// The files that could not be used, or not wholly.
    pub unusable: Vec<Unusable>,
}

/// A file that cannot be used as a whole, and why. One that is not what was written is kept under a
/// name that ends in `.bad`, unless it could be gone on with.
#[derive(Debug)]
pub struct Unusable {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: NotPublished,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl Folder {
    /// Publishes what is on the disk: the newest snapshot that can be used and the batches after it.
    ///
    /// # Errors
    /// What the system says where something is to be written.
    pub fn restore(&mut self, receiver: &mut Receiver) -> io::Result<Restored> {
        let mut restored = Restored::default();
        for number in self.numbers()? {
            let path = self.snapshot_path(number);
            match self.publish(&path, receiver, || ()) {
                Ok(_) => {
                    self.follow(number, receiver, &mut restored)?;
                    restored.revision = receiver.held().map(|held| held.revision);
                    break;
                }
                Err(why) => restored.unusable.push(Unusable { path, why }),
            }
        }
        let gone_on_with = self.tail.is_some().then(|| self.tail_path(self.number));
        for Unusable { path, why } in &restored.unusable {
            let corrupt = matches!(why, NotPublished::File(FileError::Corrupt { .. }));
            if corrupt && gone_on_with.as_ref() != Some(path) {
                set_aside(path)?;
            }
        }
        Ok(restored)
    }

    /// Publishes a snapshot's file, of this folder or one that has arrived for it. `enforced` is called
    /// once every worker decides by it.
    ///
    /// # Errors
    /// See [`NotPublished`].
    pub fn publish(
        &self,
        path: &Path,
        receiver: &mut Receiver,
        enforced: impl Fn() + Send + Sync + 'static,
    ) -> Result<Header, NotPublished> {
        let mut file = File::open(path).map_err(FileError::Io)?;
        let metadata = file.metadata().map_err(FileError::Io)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(NotPublished::Open);
        }
        // Nothing is made of it before.
        check_signature(&mut file, receiver.trusted())?;
        let file = SnapshotFile::open(BufReader::with_capacity(BUFFER, file))?;
        let header = file.header().clone();
        if header.environment != self.environment {
            return Err(FileError::Elsewhere(header.environment).into());
        }
        let mut staging = receiver.stage(header.clone())?;
        staging.expect(header.keys_in(metadata.len()));
        ahead(file, |piece| Ok(staging.add(piece)?))?;
        staging.finish(enforced)?;
        Ok(header)
    }

    /// What a snapshot's file says of itself.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn header(&self, path: &Path) -> Result<Header, FileError> {
        Ok(SnapshotFile::open(BufReader::new(File::open(path)?))?.header().clone())
    }

    /// Publishes the batches after a snapshot, and goes on appending where they end.
    fn follow(
        &mut self,
        number: u64,
        receiver: &mut Receiver,
        restored: &mut Restored,
    ) -> io::Result<()> {
        let path = self.tail_path(number);
        let (mut at, _) = self.replay(&path, receiver, restored);
        if at == 0 {
            // It has none that could be gone on with.
            if restored.unusable.iter().any(|unusable| unusable.path == path) {
                set_aside(&path)?;
            }
            let held = receiver.held().unwrap_or_else(nothing);
            self.tail = Some(Tail::begin(&path, &self.environment, held)?);
        } else {
            self.tail = Some(Tail::go_on(&path, at)?);
        }
        // What was received since, where later snapshots cannot be used but their tails can.
        for later in number + 1..=self.number {
            let path = self.tail_path(later);
            let frames;
            (at, frames) = self.replay(&path, receiver, restored);
            if at > 0 {
                self.append(&frames, true)?;
            }
            if path.exists() {
                set_aside(&path)?;
            }
        }
        self.number = number;
        Ok(())
    }

    /// Publishes what follows the present revision; the byte after the last batch that can be used,
    /// and those that were published.
    fn replay(
        &self,
        path: &Path,
        receiver: &mut Receiver,
        restored: &mut Restored,
    ) -> (u64, Vec<u8>) {
        let mut frames = Vec::new();
        let mut bad = |why: NotPublished| {
            restored.unusable.push(Unusable { path: path.to_owned(), why });
        };
        let mut tail = match TailFile::open(path) {
            Ok(tail) if tail.header().environment != self.environment => {
                bad(FileError::Elsewhere(tail.header().environment.clone()).into());
                return (0, frames);
            }
            Ok(tail) => tail,
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return (0, frames);
            }
            Err(error) => {
                bad(error.into());
                return (0, frames);
            }
        };
        let mut good = tail.at();
        loop {
            match tail.next_batch() {
                Ok(Next::Batch(next)) => {
                    let (sent, batch) = *next;
                    match receiver.batch(tail.header().numbering, batch, || ()) {
                        Ok(_) => frame::write(sent.kind, &sent.body, &mut frames),
                        // It was received before the snapshot.
                        Err(Unfit::Back { .. }) => {}
                        Err(unfit) => {
                            bad(unfit.into());
                            return (good, frames);
                        }
                    }
                    good = tail.at();
                }
                Ok(Next::End(at) | Next::Torn(at)) => return (at, frames),
                Err(error) => {
                    bad(error.into());
                    return (good, frames);
                }
            }
        }
    }
}

/// Bytes that are read of a file at once.
const BUFFER: usize = 256 << 10;

/// So many pieces are read ahead.
const AHEAD: usize = 16;

/// Does something with each piece of a file, while another thread reads and decodes those after it.
fn ahead<R: io::Read + Send>(
    mut file: SnapshotFile<R>,
    mut each: impl FnMut(Piece) -> Result<(), NotPublished>,
) -> Result<(), NotPublished> {
    thread::scope(|scope| {
        let (sender, pieces) = mpsc::sync_channel(AHEAD);
        let read = move || {
            while let Some(piece) = file.next_piece().transpose() {
                // Nothing follows an error, and nobody takes more once one of the pieces was refused.
                let last = piece.is_err();
                if sender.send(piece).is_err() || last {
                    break;
                }
            }
        };
        let reader = thread::Builder::new().name("snapshot".to_owned());
        reader.spawn_scoped(scope, read).map_err(FileError::Io)?;
        pieces.into_iter().try_for_each(|piece| each(piece?))
    })
}

/// Why a snapshot's file was not published.
#[derive(Debug)]
pub enum NotPublished {
    /// Others can read it.
    Open,
    /// It cannot be read.
    File(FileError),
    /// It does not fit the process.
    Unfit(Unfit),
}

impl std::fmt::Display for NotPublished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => f.write_str("others can read it, expected mode 0600"),
            Self::File(error) => error.fmt(f),
            Self::Unfit(unfit) => unfit.fmt(f),
        }
    }
}

impl std::error::Error for NotPublished {}

impl NotPublished {
    /// Whether it is that nobody has signed it who may.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        matches!(self, Self::File(FileError::Unsigned(_)) | Self::Unfit(Unfit::Unsigned(_)))
    }
}

impl From<FileError> for NotPublished {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<Unfit> for NotPublished {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

fn nothing() -> Held {
    Held { numbering: crate::wire::Numbering::default(), revision: Revision::default() }
}

/// Keeps a file for whoever wants to see what was wrong with it. One that is gone on with has been cut
/// by then.
fn set_aside(path: &Path) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".bad");
    match fs::rename(path, name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
