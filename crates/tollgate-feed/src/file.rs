//! Snapshots and their tails as files.
//!
//! A snapshot begins with a line that says so, and consists of [frames](crate::wire::frame) of about
//! 64 KiB: a header, then what it holds, keys in the order of their digests, and an end with the checksum
//! of everything before it. Where it is signed, the signature stands before the end. Neither writing nor reading holds more than a frame of it.
//!
//! No file holds a key or a pepper. Secrets of keys stand in it wrapped under their keys, or as digests.

mod keys;
mod reader;
mod signature;
mod writer;

pub use reader::{FileError, SnapshotFile};
pub(crate) use reader::{fill, read_frame};
pub use signature::check_signature;
pub use writer::{SnapshotParts, write_snapshot};

use tollgate_core::{KeySecret, Owner, Revision, Terms};

use crate::wire::{GivenName, Numbering, SentKey, SentRoutes, SentSchemes};

/// What a snapshot's file begins with.
pub const MAGIC: &[u8] = b"tollgate snapshot 1\n";

/// What a snapshot says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The environment.
    pub environment: String,
    /// The version of the program that wrote it.
    pub software: String,
    /// Whose numbers it goes by.
    pub numbering: Numbering,
    /// The revision.
    pub revision: Revision,
    /// When that was published, in milliseconds since 1970.
    pub published: u64,
    /// What keys are digested under.
    pub schemes: SentSchemes,
    /// How many keys there are.
    pub keys: u64,
}

impl Header {
    /// How many keys a file of so many bytes has, if it is whole; never more than it can have.
    pub(crate) fn keys_in(&self, bytes: u64) -> usize {
        let most = usize::try_from(bytes).unwrap_or(usize::MAX) / keys::SHORTEST;
        usize::try_from(self.keys).unwrap_or(usize::MAX).min(most)
    }
}

/// A part of what a snapshot holds.
#[derive(Clone, Debug)]
pub enum Piece {
    /// What numbers stand for.
    Given(Vec<GivenName>),
    /// Services and routes.
    Routes(SentRoutes),
    /// Terms.
    Terms(Vec<(u32, Terms)>),
    /// Applications.
    Owners(Vec<(u32, Owner)>),
    /// Keys, in the order of their digests.
    Keys(Vec<SentKey>),
    /// Secrets of keys.
    Secrets(Vec<KeySecret>),
}

/// Names the file of a snapshot: no two with different contents have the same.
#[must_use]
pub fn etag(numbering: Numbering, revision: Revision) -> String {
    format!("{:016x}-{}-{}", numbering.0, revision.epoch, revision.number)
}

// Kinds of frames.
const HEADER: u8 = 1;
const GIVEN: u8 = 2;
const ROUTES: u8 = 3;
const TERMS: u8 = 4;
const OWNERS: u8 = 5;
const KEYS: u8 = 6;
const SECRETS: u8 = 7;
const END: u8 = 8;
const SIGNATURE: u8 = 9;

crate::wire::fields!(Header {
    environment,
    software,
    numbering,
    revision,
    published,
    schemes,
    keys
});

#[cfg(test)]
mod tests;
