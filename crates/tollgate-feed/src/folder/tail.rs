//! Batches after a snapshot.
//!
//! The file begins with a line that says so and a frame that names the snapshot; batches follow, each in
//! the frame in which it was sent.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use tollgate_core::Revision;

use super::private;
use crate::file::{FileError, fill, read_frame};
use crate::wire::frame::{self, Frame};
use crate::wire::{Held, Malformed, Numbering, Reader, SentBatch, ToProxy, Wire};

/// What a tail begins with.
const MAGIC: &[u8] = b"tollgate tail 1\n";

const HEADER: u8 = 1;

/// What a tail says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailHeader {
    /// The environment.
    pub environment: String,
    /// Whose numbers it goes by.
    pub numbering: Numbering,
    /// The revision that it begins after.
    pub after: Revision,
}

crate::wire::fields!(TailHeader { environment, numbering, after });

/// A tail that is appended to.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    bytes: u64,
}

/// A tail that is read.
#[derive(Debug)]
pub struct TailFile {
    from: BufReader<File>,
    header: TailHeader,
    at: u64,
    length: u64,
}

/// What follows in a tail.
#[derive(Debug)]
pub enum Next {
    /// A batch, with the frame that it was sent in.
    Batch(Box<(Frame, SentBatch)>),
    /// Nothing, from this byte on.
    End(u64),
    /// Something that was being written when the machine stopped: nobody was told of it.
    Torn(u64),
}

impl Tail {
    /// An empty one, in place of whatever is there.
    pub(super) fn begin(path: &Path, environment: &str, after: Held) -> io::Result<Self> {
        let header = TailHeader {
            environment: environment.to_owned(),
            numbering: after.numbering,
            after: after.revision,
        };
        let (mut body, mut bytes) = (Vec::new(), MAGIC.to_vec());
        header.write(&mut body);
        frame::write(HEADER, &body, &mut bytes);
        let mut file = private(path)?;
        file.set_len(0)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        Ok(Self { file, bytes: bytes.len() as u64 })
    }

    /// Goes on after byte `at`; whatever comes then is gone.
    pub(super) fn go_on(path: &Path, at: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(at)?;
        file.seek(SeekFrom::Start(at))?;
        file.sync_all()?;
        Ok(Self { file, bytes: at })
    }

    pub(super) fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(frames) {
            // A part of it would be in the way of what comes next.
            self.file.set_len(self.bytes)?;
            self.file.seek(SeekFrom::Start(self.bytes))?;
            return Err(error);
        }
        self.bytes += frames.len() as u64;
        Ok(())
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl TailFile {
    /// Begins to read a tail.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut from = BufReader::new(file);
        let mut magic = [0; MAGIC.len()];
        let read = fill(&mut from, &mut magic)?;
        if magic.get(..read) != Some(MAGIC) {
            return Err(FileError::Foreign("a tail"));
        }
        let mut at = MAGIC.len() as u64;
        let first = read_frame(&mut from, &mut crc32fast::Hasher::new(), &mut at)?;
        let header = match first {
            Some(frame) if frame.kind == HEADER => Reader::new(&frame.body).whole(),
            _ => Err(Malformed("it has no header")),
        };
        let at_header = MAGIC.len() as u64;
        let header: TailHeader =
            header.map_err(|Malformed(why)| FileError::Corrupt { at: at_header, why })?;
        Ok(Self { from, header, at, length })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &TailHeader {
        &self.header
    }

    /// The byte that is read next.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next batch.
    ///
    /// # Errors
    /// [`FileError`], where it is not what was written, and more follows.
    pub fn next_batch(&mut self) -> Result<Next, FileError> {
        let at = self.at;
        let frame = match read_frame(&mut self.from, &mut crc32fast::Hasher::new(), &mut self.at) {
            Ok(None) => return Ok(Next::End(at)),
            Ok(Some(frame)) => frame,
            Err(FileError::Corrupt { .. }) if self.is_at_end()? => return Ok(Next::Torn(at)),
            Err(error) => return Err(error),
        };
        match ToProxy::read(&frame) {
            Ok(ToProxy::Batch(batch)) => Ok(Next::Batch(Box::new((frame, batch)))),
            Ok(_) => Err(FileError::Corrupt { at, why: "something else than a batch" }),
            Err(Malformed(why)) => Err(FileError::Corrupt { at, why }),
        }
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.from.stream_position()? >= self.length)
    }
}
