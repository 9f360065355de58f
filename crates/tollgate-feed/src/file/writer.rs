//! A snapshot into a file.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256};
use tollgate_core::{Record, Root, Table};

use super::keys::Keys;
use super::{END, GIVEN, HEADER, Header, KEYS, MAGIC, OWNERS, ROUTES, SECRETS, SIGNATURE, TERMS};
use crate::encode;
use crate::sign::SigningKey;
use crate::wire::{Counter, GivenName, Numbering, SentSchemes, Wire, frame};

/// A frame is ended once it is as long.
const LONG: usize = 64 << 10;

/// Of so many keys each has what it counts under told, which is eight bytes more, so that a start does not
/// digest millions of names.
const MANY: usize = 1 << 20;

/// What a snapshot cannot say by itself of what it holds.
pub struct SnapshotParts<'a, C> {
    /// The environment.
    pub environment: &'a str,
    /// The version of the program.
    pub software: &'a str,
    /// Whose numbers it goes by.
    pub numbering: Numbering,
    /// When it was published, in milliseconds since 1970.
    pub published: u64,
    /// The schemes, without their peppers.
    pub schemes: SentSchemes,
    /// What numbers stand for.
    pub given: Vec<GivenName>,
    /// What a key counts under.
    pub counter: C,
    /// What signs it, if anything does.
    pub signer: Option<&'a SigningKey>,
}

/// Writes a snapshot.
///
/// # Errors
/// What `to` says, and [`io::ErrorKind::InvalidData`] with an [`encode::Unnamed`].
pub fn write_snapshot<C: Fn(&Record) -> Option<Counter>>(
    root: &Root,
    parts: SnapshotParts<'_, C>,
    to: impl Write,
) -> io::Result<()> {
    let SnapshotParts {
        environment,
        software,
        numbering,
        published,
        schemes,
        given,
        counter,
        signer,
    } = parts;
    let mut to = Frames::begin(to, signer)?;
    let header = Header {
        environment: environment.to_owned(),
        software: software.to_owned(),
        numbering,
        revision: root.revision,
        published,
        schemes,
        keys: root.keys.len() as u64,
    };
    to.one(HEADER, &header)?;
    to.list(GIVEN, given.into_iter())?;
    to.one(ROUTES, &encode::routes(&root.routes).map_err(io::Error::other)?)?;
    // Also what no key has at present: a batch names it again without saying what it is.
    to.list(TERMS, root.terms.iter().map(|(id, terms)| (id, (**terms).clone())))?;
    to.list(OWNERS, root.owners.iter().map(|(id, owner)| (id, (**owner).clone())))?;
    to.keys(root, counter)?;
    let mut secrets: Vec<_> = root.secrets.iter().collect();
    secrets.sort_unstable_by_key(|secret| *secret.key.bytes());
    to.list(SECRETS, secrets.into_iter().cloned())?;
    to.end()
}

/// What frames are written to.
struct Frames<'a, W> {
    to: W,
    checksum: crc32fast::Hasher,
    text: Vec<u8>,
    /// What signs it, with the digest so far.
    signer: Option<(&'a SigningKey, Context)>,
}

impl<'a, W: Write> Frames<'a, W> {
    fn begin(to: W, signer: Option<&'a SigningKey>) -> io::Result<Self> {
        let signer = signer.map(|signer| (signer, Context::new(&SHA256)));
        let checksum = crc32fast::Hasher::new();
        let mut frames = Self { to, checksum, text: Vec::new(), signer };
        frames.write(MAGIC)?;
        Ok(frames)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        if let Some((_, digest)) = &mut self.signer {
            digest.update(bytes);
        }
        self.to.write_all(bytes)
    }

    fn frame(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        if body.len() >= frame::MAX_LENGTH {
            return Err(io::Error::other("a part of the snapshot is longer than a frame can be"));
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        frame::write(kind, body, &mut text);
        self.write(&text)?;
        self.text = text;
        Ok(())
    }

    fn one(&mut self, kind: u8, value: &impl Wire) -> io::Result<()> {
        let mut body = Vec::new();
        value.write(&mut body);
        self.frame(kind, &body)
    }

    /// Values in as many frames as they take.
    fn list<T: Wire>(&mut self, kind: u8, values: impl Iterator<Item = T>) -> io::Result<()> {
        let (mut count, mut body) = (0u64, Vec::new());
        for value in values {
            value.write(&mut body);
            count += 1;
            if body.len() >= LONG {
                self.counted(kind, std::mem::take(&mut count), &body)?;
                body.clear();
            }
        }
        if count > 0 { self.counted(kind, count, &body) } else { Ok(()) }
    }

    fn counted(&mut self, kind: u8, count: u64, values: &[u8]) -> io::Result<()> {
        let mut body = Vec::with_capacity(values.len() + 10);
        count.write(&mut body);
        body.extend_from_slice(values);
        self.frame(kind, &body)
    }

    fn keys(
        &mut self,
        root: &Root,
        counter: impl Fn(&Record) -> Option<Counter>,
    ) -> io::Result<()> {
        let mut keys = Keys::default();
        let told = root.keys.len() >= MANY;
        for part in 0..Table::<Record>::PARTS {
            // A part has the digests that begin alike, and parts come in their order.
            let mut records: Vec<_> = root.keys.part(part).collect();
            records.sort_unstable_by_key(|record| *record.digest.bytes());
            for record in records {
                let long = |index| root.names.get(index).map(|name| &***name);
                keys.add(&encode::key(record, long, &counter).map_err(io::Error::other)?, told);
                if keys.len() >= LONG {
                    self.frame(KEYS, &keys.take())?;
                }
            }
        }
        if keys.len() > 0 { self.frame(KEYS, &keys.take()) } else { Ok(()) }
    }

    fn end(mut self) -> io::Result<()> {
        if let Some((signer, digest)) = self.signer.take() {
            self.one(SIGNATURE, &signer.of_snapshot(&digest.finish()))?;
        }
        let checksum = self.checksum.clone().finalize();
        self.frame(END, &checksum.to_be_bytes())?;
        self.to.flush()
    }
}
