//! Everything that requests are decided from, as of one revision.

use std::collections::HashMap;
use std::sync::Arc;

use crate::{
    Chunked, Digest, KeySecret, Keyed, Moves, Owner, OwnerId, Record, Routes, Schemes, Table,
    Terms, TermsId,
};

/// The place of a snapshot in the history of its keys. A later revision has the greater epoch, or
/// within an epoch the greater number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// Begins anew with every restored history.
    pub epoch: u64,
    /// Counts the changes of the epoch.
    pub number: u64,
}

/// A snapshot. Immutable; the next revision shares with it whatever did not change.
#[derive(Clone, Debug)]
pub struct Root {
    /// Which one it is.
    pub revision: Revision,
    /// Seconds since 1970 when it was published, by the publisher's clock.
    pub published: u64,
    /// Every key.
    pub keys: Table,
    /// Their secrets, as far as a service asks for a proof. Looked up by its calls only.
    pub secrets: Arc<Table<KeySecret>>,
    /// What keys may call.
    pub terms: Chunked<Terms>,
    /// Whose keys they are.
    pub owners: Chunked<Owner>,
    /// Names of keys that are too long for their id.
    pub names: Chunked<Box<str>>,
    /// Services, routes and upstreams.
    pub routes: Arc<Routes>,
    /// How a key becomes a digest.
    pub schemes: Arc<Schemes>,
    /// Where keys went that requests may be open of under the digest that they had.
    pub moves: Moves,
}

/// A change of what is known of one key.
#[derive(Clone, Debug)]
pub enum Change<T = Record> {
    /// Put in, or in place of what is known of the same digest.
    Put(T),
    /// Taken out.
    Remove(Digest),
}

/// What turns one revision into the next, wholly or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Keys.
    pub keys: Vec<Change>,
    /// Of the digests that are removed those whose key stands under another one now, and under
    /// which: its open requests are judged by that.
    pub moved: HashMap<Digest, Digest>,
    /// Secrets of keys.
    pub secrets: Vec<Change<KeySecret>>,
    /// Terms, to set or clear.
    pub terms: Vec<(TermsId, Option<Arc<Terms>>)>,
    /// Owners, to set or clear.
    pub owners: Vec<(OwnerId, Option<Arc<Owner>>)>,
    /// Long names of keys, to set or clear.
    pub names: Vec<(u32, Option<Arc<Box<str>>>)>,
    /// Services, routes and upstreams, if any of them changed.
    pub routes: Option<Arc<Routes>>,
    /// The schemes, if they changed.
    pub schemes: Option<Arc<Schemes>>,
}

impl Batch {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.secrets.is_empty()
            && self.terms.is_empty()
            && self.owners.is_empty()
            && self.names.is_empty()
            && self.routes.is_none()
            && self.schemes.is_none()
    }
}

impl Root {
    /// A snapshot without keys and services.
    #[must_use]
    pub fn empty(schemes: Arc<Schemes>) -> Self {
        Self {
            revision: Revision::default(),
            published: 0,
            keys: Table::default(),
            secrets: Arc::default(),
            terms: Chunked::default(),
            owners: Chunked::default(),
            names: Chunked::default(),
            routes: Arc::default(),
            schemes,
            moves: Moves::default(),
        }
    }

    /// The public name of a key, written into `to` unless it is a long one.
    pub fn key_name<'a>(&'a self, record: &Record, to: &'a mut [u8; 36]) -> &'a str {
        record.id.write(to, |index| self.names.get(index).map(|name| &***name))
    }

    /// The next revision.
    #[must_use]
    pub fn with(&self, batch: Batch, revision: Revision, published: u64) -> Self {
        let mut next = Self { revision, published, ..self.clone() };
        change(&mut next.keys, batch.keys);
        if !batch.secrets.is_empty() {
            change(Arc::make_mut(&mut next.secrets), batch.secrets);
        }
        for (id, terms) in batch.terms {
            next.terms.set(id.0, terms);
        }
        for (id, owner) in batch.owners {
            next.owners.set(id.0, owner);
        }
        for (index, name) in batch.names {
            next.names.set(index, name);
        }
        if let Some(routes) = batch.routes {
            next.routes = routes;
        }
        if let Some(schemes) = batch.schemes {
            next.schemes = schemes;
        }
        next
    }
}

fn change<T: Keyed>(table: &mut Table<T>, changes: Vec<Change<T>>) {
    if changes.len() > table.len() {
        let put = changes.iter().filter_map(|change| match change {
            Change::Put(known) => Some(known.digest()),
            Change::Remove(_) => None,
        });
        let new: Vec<_> = put.filter(|digest| table.find(digest).is_none()).collect();
        table.make_room(new.into_iter());
    }
    for change in changes {
        match change {
            Change::Put(known) => drop(table.put(known)),
            Change::Remove(digest) => drop(table.remove(&digest)),
        }
    }
}
