//! A snapshot out of a file.

use std::fmt;
use std::io::{self, Read};

use super::{
    END, GIVEN, HEADER, Header, KEYS, MAGIC, OWNERS, Piece, ROUTES, SECRETS, SIGNATURE, TERMS, keys,
};
use crate::sign::{Signature, Unsigned};
use crate::wire::frame::{self, Frame};
use crate::wire::{Malformed, Reader};

/// A snapshot's file that is being read.
#[derive(Debug)]
pub struct SnapshotFile<R> {
    from: R,
    checksum: crc32fast::Hasher,
    at: u64,
    header: Header,
    signature: Option<Signature>,
    ended: bool,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub enum FileError {
    /// The system says no.
    Io(io::Error),
    /// It is none of ours, or of another version.
    Foreign(&'static str),
    /// It is of this other environment.
    Elsewhere(String),
    /// It is not what was written.
    Corrupt {
        /// The byte from which on.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// Nobody who may has signed it.
    Unsigned(Unsigned),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Foreign(what) => write!(f, "does not begin as {what} does"),
            Self::Elsewhere(environment) => write!(f, "is of the environment {environment}"),
            Self::Unsigned(unsigned) => unsigned.fmt(f),
            Self::Corrupt { at, why } => {
                write!(f, "is not what was written, from byte {at} on: {why}")
            }
        }
    }
}

impl std::error::Error for FileError {}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Unsigned> for FileError {
    fn from(unsigned: Unsigned) -> Self {
        Self::Unsigned(unsigned)
    }
}

impl<R: Read> SnapshotFile<R> {
    /// Begins to read a file.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn open(mut from: R) -> Result<Self, FileError> {
        let mut checksum = crc32fast::Hasher::new();
        let mut magic = [0; MAGIC.len()];
        let read = fill(&mut from, &mut magic)?;
        if magic.get(..read) != Some(MAGIC) {
            return Err(FileError::Foreign("a snapshot"));
        }
        checksum.update(MAGIC);
        let mut at = MAGIC.len() as u64;
        let first = read_frame(&mut from, &mut checksum, &mut at)?;
        let header = match first {
            Some(frame) if frame.kind == HEADER => Reader::new(&frame.body).whole(),
            _ => Err(Malformed("it has no header")),
        };
        let header = header.map_err(|why| corrupt(MAGIC.len() as u64, why))?;
        Ok(Self { from, checksum, at, header, signature: None, ended: false })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its signature, once it has been read to its end. Whether it fits says
    /// [`check_signature`](super::check_signature).
    #[must_use]
    pub fn signature(&self) -> Option<Signature> {
        self.signature
    }

    /// The next part; `None` at its end, which is where it was seen to be whole.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn next_piece(&mut self) -> Result<Option<Piece>, FileError> {
        if self.ended {
            return Ok(None);
        }
        let (at, before) = (self.at, self.checksum.clone());
        let frame = read_frame(&mut self.from, &mut self.checksum, &mut self.at)?;
        let frame = frame.ok_or(corrupt(at, Malformed("it ends too early")))?;
        let body = Reader::new(&frame.body);
        let piece = match frame.kind {
            GIVEN => body.whole().map(Piece::Given),
            ROUTES => body.whole().map(Piece::Routes),
            TERMS => body.whole().map(Piece::Terms),
            OWNERS => body.whole().map(Piece::Owners),
            KEYS => keys::read(&frame.body).map(Piece::Keys),
            SECRETS => body.whole().map(Piece::Secrets),
            SIGNATURE if self.signature.is_none() => match body.whole() {
                Ok(signature) => {
                    self.signature = Some(signature);
                    return self.next_piece();
                }
                Err(why) => Err(why),
            },
            END if *frame.body == before.finalize().to_be_bytes() => {
                if fill(&mut self.from, &mut [0])? > 0 {
                    return Err(corrupt(self.at, Malformed("it goes on after its end")));
                }
                self.ended = true;
                return Ok(None);
            }
            END => Err(Malformed("it does not fit its checksum")),
            _ => Err(Malformed("a part is of no known kind")),
        };
        piece.map(Some).map_err(|why| corrupt(at, why))
    }
}

/// The next frame; `None` = there is none.
pub(crate) fn read_frame(
    from: &mut impl Read,
    checksum: &mut crc32fast::Hasher,
    at: &mut u64,
) -> Result<Option<Frame>, FileError> {
    let begin = *at;
    let early = || corrupt(begin, Malformed("a part of it ends too early"));
    let mut head = [0; frame::HEAD];
    match fill(from, &mut head)? {
        0 => return Ok(None),
        frame::HEAD => {}
        _ => return Err(early()),
    }
    let (length, expected) = frame::read_head(&head).map_err(|why| corrupt(begin, why))?;
    let mut text = vec![0; length];
    if fill(from, &mut text)? < length {
        return Err(early());
    }
    checksum.update(&head);
    checksum.update(&text);
    *at += (frame::HEAD + length) as u64;
    frame::checked(text.into(), expected).map(Some).map_err(|why| corrupt(begin, why))
}

fn corrupt(at: u64, Malformed(why): Malformed) -> FileError {
    FileError::Corrupt { at, why }
}

/// Reads until `to` is full or there is no more; how much there was.
pub(crate) fn fill(from: &mut impl Read, mut to: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while !to.is_empty() {
        match from.read(to) {
            Ok(0) => break,
            Ok(more) => {
                read += more;
                to = to.get_mut(more..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
