//! What makes the next revision out of the one before.

use tollgate_core::{Change, Digest, KeySecret, Owner, Revision, Terms};

use super::codec::{Malformed, Read, write_list};
use super::{GivenName, Reader, SentKey, SentRoutes, SentSchemes, Wire};
use crate::sign::Seal;

/// A change of a key.
pub type KeyChange = Change<SentKey>;

/// A change of a key's secret.
pub type SecretChange = Change<KeySecret>;

/// A batch, as its control plane tells it. Numbers are of its numbering.
#[derive(Clone, Debug, Default)]
pub struct SentBatch {
    /// What it makes.
    pub revision: Revision,
    /// Out of what.
    pub previous: Revision,
    /// When it was published, in milliseconds since 1970.
    pub published: u64,
    /// Numbers that are new.
    pub given: Vec<GivenName>,
    /// Keys.
    pub keys: Vec<KeyChange>,
    /// From which digests to which others keys have moved.
    pub moved: Vec<(Digest, Digest)>,
    /// Secrets of keys.
    pub secrets: Vec<SecretChange>,
    /// Terms, to set or clear.
    pub terms: Vec<(u32, Option<Terms>)>,
    /// Owners, to set or clear.
    pub owners: Vec<(u32, Option<Owner>)>,
    /// Services and routes, if any of them changed.
    pub routes: Option<Box<SentRoutes>>,
    /// Schemes, if they changed.
    pub schemes: Option<SentSchemes>,
    /// Who has made it, if that is signed. It is sent in front of all others.
    pub seal: Option<Box<Seal>>,
}

// Which parts a batch has.
const GIVEN: u8 = 1;
const KEYS: u8 = 1 << 1;
const MOVED: u8 = 1 << 2;
const SECRETS: u8 = 1 << 3;
const TERMS: u8 = 1 << 4;
const OWNERS: u8 = 1 << 5;
const ROUTES: u8 = 1 << 6;
const SCHEMES: u8 = 1 << 7;

impl Wire for SentBatch {
    fn write(&self, to: &mut Vec<u8>) {
        self.revision.write(to);
        // One that follows its previous needs not say so.
        let follows = follows(self.previous, self.revision);
        (!follows).write(to);
        if !follows {
            self.previous.write(to);
        }
        self.published.write(to);
        let part = |there: bool, bit| if there { bit } else { 0 };
        to.push(
            part(!self.given.is_empty(), GIVEN)
                | part(!self.keys.is_empty(), KEYS)
                | part(!self.moved.is_empty(), MOVED)
                | part(!self.secrets.is_empty(), SECRETS)
                | part(!self.terms.is_empty(), TERMS)
                | part(!self.owners.is_empty(), OWNERS)
                | part(self.routes.is_some(), ROUTES)
                | part(self.schemes.is_some(), SCHEMES),
        );
        write_part(&self.given, to);
        write_part(&self.keys, to);
        write_part(&self.moved, to);
        write_part(&self.secrets, to);
        write_part(&self.terms, to);
        write_part(&self.owners, to);
        self.routes.iter().for_each(|routes| routes.write(to));
        self.schemes.iter().for_each(|schemes| schemes.write(to));
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let revision: Revision = from.get()?;
        let previous = if from.get()? {
            from.get()?
        } else {
            let number = revision.number.checked_sub(1);
            Revision { number: number.ok_or(Malformed("a batch follows nothing"))?, ..revision }
        };
        let published = from.get()?;
        let parts = from.byte()?;
        let mut batch = Self { revision, previous, published, ..Self::default() };
        let has = |part| parts & part != 0;
        if has(GIVEN) {
            batch.given = from.get()?;
        }
        if has(KEYS) {
            batch.keys = from.get()?;
        }
        if has(MOVED) {
            batch.moved = from.get()?;
        }
        if has(SECRETS) {
            batch.secrets = from.get()?;
        }
        if has(TERMS) {
            batch.terms = from.get()?;
        }
        if has(OWNERS) {
            batch.owners = from.get()?;
        }
        if has(ROUTES) {
            batch.routes = Some(Box::new(from.get()?));
        }
        if has(SCHEMES) {
            batch.schemes = Some(from.get()?);
        }
        if batch.previous >= batch.revision {
            return Err(Malformed("a batch goes back"));
        }
        Ok(batch)
    }
}

fn follows(previous: Revision, revision: Revision) -> bool {
    previous.epoch == revision.epoch && previous.number.checked_add(1) == Some(revision.number)
}

fn write_part<T: Wire>(part: &[T], to: &mut Vec<u8>) {
    if !part.is_empty() {
        write_list(part.iter(), to);
    }
}

impl<T: Wire> Wire for Change<T> {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Put(value) => {
                to.push(0);
                value.write(to);
            }
            Self::Remove(digest) => {
                to.push(1);
                digest.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => from.get().map(Self::Put),
            1 => from.get().map(Self::Remove),
            _ => Err(Malformed("a change is of no known kind")),
        }
    }
}

impl Wire for Revision {
    fn write(&self, to: &mut Vec<u8>) {
        self.epoch.write(to);
        self.number.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { epoch: from.get()?, number: from.get()? })
    }
}
