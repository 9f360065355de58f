//! A table by the digests of keys, copied along the path of a change: their records, their secrets.
//!
//! 128 groups of up to 128 shards, each of which has its slots in chunks. A change copies the spine, one group,
//! the tags of one shard and one chunk, so that it costs microseconds among ten million keys. A look-up waits for
//! memory three times: for the shard in its group, for the tags and beside them the chunk's place, for the record.
//! A group has few shards until it has many keys, so that the first two of a small table are always near.

mod shard;

use std::sync::Arc;

use crate::{Digest, Record};
use shard::Shard;

/// Groups, and shards of a group at most.
const FANOUT: usize = 128;

/// Keys of a shard, about as many as fill a chunk, beyond which a group has twice as many shards.
const FULL: usize = 48;

/// What a snapshot knows of each key that it knows something of. A clone shares everything.
#[derive(Clone, Debug)]
pub struct Table<T = Record> {
    groups: [Group<T>; FANOUT],
    keys: usize,
    /// Of all shards.
    bytes: usize,
}

/// What stands in a [`Table`], found by the digest of a key.
pub trait Keyed: Clone {
    /// Fills a slot whose tag says that it is empty.
    const VACANT: Self;

    /// The digest of the key.
    fn digest(&self) -> &Digest;
}

/// A power of two of shards.
type Group<T> = Arc<[Shard<T>]>;

impl<T> Default for Table<T> {
    fn default() -> Self {
        let group: Group<T> = Arc::new([Shard::default()]);
        Self { groups: std::array::from_fn(|_| Arc::clone(&group)), keys: 0, bytes: 0 }
    }
}

impl<T: Keyed> Table<T> {
    /// What is known of a key.
    #[must_use]
    #[inline]
    pub fn find(&self, digest: &Digest) -> Option<&T> {
        self.shard(digest).find(digest)
    }

    /// What stands where `digest` would if it were there, be it an empty slot: what a miss looks at
    /// to take as long as a hit. `None` where nothing is near at all.
    pub(crate) fn near(&self, digest: &Digest) -> Option<&T> {
        self.shard(digest).near(digest)
    }

    fn shard(&self, digest: &Digest) -> &Shard<T> {
        let (group, place) = path(digest);
        let group = &self.groups[group];
        &group[within(group.len(), place)]
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Every key, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..Self::PARTS).flat_map(|part| self.part(part))
    }

    /// So many parts it has, of about the same size. A key stays in its part.
    pub const PARTS: usize = FANOUT;

    /// The keys of one part, for those who do not look at all of them at once.
    pub fn part(&self, part: usize) -> impl Iterator<Item = &T> {
        let group = self.groups.get(part);
        group.into_iter().flat_map(|group| group.iter()).flat_map(|shard| shard.iter())
    }

    /// Bytes that the shards occupy.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes room for keys that are not there yet and are about to be put in: each shard grows once
    /// and no further than they need.
    pub fn make_room<'a>(&mut self, new: impl Iterator<Item = &'a Digest>) {
        let narrow = |(group, place)| (group as u8, place as u8);
        let mut paths: Vec<_> = new.map(|digest| narrow(path(digest))).collect();
        paths.sort_unstable();
        for group in paths.chunk_by(|one, next| one.0 == next.0) {
            let Some(number) = group.first().map(|path| usize::from(path.0)) else { continue };
            self.widen(number, group.len());
            let shards = self.groups[number].len();
            let shard = |path: &(u8, u8)| within(shards, path.1.into());
            for alike in group.chunk_by(|one, next| shard(one) == shard(next)) {
                if let Some(first) = alike.first() {
                    self.with((number, first.1.into()), |shard| shard.make_room(alike.len()));
                }
            }
        }
    }

    /// Puts keys in, best in the order of their digests: then each shard is looked for once, and has room
    /// made for all that come. None of them is there yet: else more room is made than it takes.
    pub fn fill(&mut self, records: &[T]) {
        let group = |record: &T| path(record.digest()).0;
        for records in records.chunk_by(|one, next| group(one) == group(next)) {
            let Some(number) = records.first().map(group) else { continue };
            self.widen(number, records.len());
            let shards = self.groups[number].len();
            let shard = |record: &T| within(shards, path(record.digest()).1);
            for alike in records.chunk_by(|one, next| shard(one) == shard(next)) {
                let Some(first) = alike.first() else { continue };
                self.keys += self.with(path(first.digest()), |shard| {
                    shard.make_room(alike.len());
                    alike.iter().filter(|record| shard.put((*record).clone()).is_none()).count()
                });
            }
        }
    }

    /// Puts a key in, in place of the one with the same digest, which is returned.
    pub fn put(&mut self, record: T) -> Option<T> {
        let path = path(record.digest());
        if self.shard(record.digest()).keys() >= FULL {
            self.widen(path.0, FULL);
        }
        let before = self.with(path, |shard| shard.put(record));
        self.keys += usize::from(before.is_none());
        before
    }

    /// Takes a key out.
    pub fn remove(&mut self, digest: &Digest) -> Option<T> {
        self.find(digest)?;
        let before = self.with(path(digest), |shard| shard.remove(digest));
        self.keys -= usize::from(before.is_some());
        before
    }

    /// Gives a group as many shards as it needs with so many keys more.
    fn widen(&mut self, group: usize, more: usize) {
        let old = Arc::clone(&self.groups[group]);
        if old.len() == FANOUT {
            return;
        }
        let keys = old.iter().map(Shard::keys).sum::<usize>() + more;
        let count = (keys / FULL).next_power_of_two().min(FANOUT);
        if count <= old.len() {
            return;
        }
        let mut shards: Vec<_> = (0..count).map(|_| Shard::default()).collect();
        let parts = count / old.len();
        for (shard, parts) in old.iter().zip(shards.chunks_mut(parts)) {
            let even = shard.keys() / parts.len();
            parts.iter_mut().for_each(|part| part.make_room(even));
            for record in shard.iter() {
                let part = within(count, path(record.digest()).1) % parts.len();
                parts[part].put(record.clone());
            }
        }
        self.bytes = self.bytes + bytes(&shards) - bytes(&old);
        self.groups[group] = shards.into();
    }

    /// Changes the shard at a path, and keeps count of what all of them occupy.
    fn with<R>(
        &mut self,
        (group, place): (usize, usize),
        change: impl FnOnce(&mut Shard<T>) -> R,
    ) -> R {
        let group = Arc::make_mut(&mut self.groups[group]);
        let place = within(group.len(), place);
        let shard = &mut group[place];
        let before = shard.bytes();
        let changed = change(shard);
        self.bytes = self.bytes - before + shard.bytes();
        changed
    }
}

/// The group of a digest, and where it stands in it, as if that had all of its shards.
fn path(digest: &Digest) -> (usize, usize) {
    let head = digest.head();
    ((head >> 57) as usize % FANOUT, (head >> 50) as usize % FANOUT)
}

/// The shard in which a place is, of so many of a group. They are in the order of digests.
fn within(shards: usize, place: usize) -> usize {
    place * shards / FANOUT
}

fn bytes<T: Keyed>(shards: &[Shard<T>]) -> usize {
    shards.iter().map(Shard::bytes).sum()
}

#[cfg(test)]
mod tests;
