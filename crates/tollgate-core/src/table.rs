//! A table by the digests of keys, copied along the path of a change: their records, their secrets.
//!
//! 128 groups of 128 shards, each of which has its slots in chunks. A change copies the spine, one group,
//! the tags of one shard and one chunk, so that it costs microseconds among ten million keys. A look-up waits for
//! memory three times: for the shard in its group, for the tags and beside them the chunk's place, for the record.

mod shard;

use std::sync::Arc;

use crate::{Digest, Record};
use shard::Shard;

const FANOUT: usize = 128;

/// What a snapshot knows of each key that it knows something of. A clone shares everything.
#[derive(Clone, Debug)]
pub struct Table<T = Record> {
    groups: [Arc<Group<T>>; FANOUT],
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

#[derive(Clone, Debug)]
struct Group<T>([Shard<T>; FANOUT]);

impl<T> Default for Table<T> {
    fn default() -> Self {
        let shard = Shard::default();
        let group = Arc::new(Group(std::array::from_fn(|_| shard.clone())));
        Self { groups: std::array::from_fn(|_| Arc::clone(&group)), keys: 0, bytes: 0 }
    }
}

impl<T: Keyed> Table<T> {
    /// What is known of a key.
    #[must_use]
    #[inline]
    pub fn find(&self, digest: &Digest) -> Option<&T> {
        let (group, shard) = path(digest);
        self.groups[group].0[shard].find(digest)
    }

    /// What stands where `digest` would if it were there, be it an empty slot: what a miss looks at
    /// to take as long as a hit. `None` where nothing is near at all.
    pub(crate) fn near(&self, digest: &Digest) -> Option<&T> {
        let (group, shard) = path(digest);
        self.groups[group].0[shard].near(digest)
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
        group.into_iter().flat_map(|group| group.0.iter()).flat_map(|shard| shard.iter())
    }

    /// Bytes that the shards occupy.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes room for keys that are not there yet and are about to be put in: each shard grows once
    /// and no further than they need.
    pub fn make_room<'a>(&mut self, new: impl Iterator<Item = &'a Digest>) {
        let narrow = |(group, shard)| (group as u8, shard as u8);
        let mut shards: Vec<_> = new.map(|digest| narrow(path(digest))).collect();
        shards.sort_unstable();
        for alike in shards.chunk_by(|one, next| one == next) {
            if let [(group, shard), ..] = *alike {
                self.with((group.into(), shard.into()), |shard| shard.make_room(alike.len()));
            }
        }
    }

    /// Puts keys in, best in the order of their digests: then each shard is looked for once, and has room
    /// made for all that come. None of them is there yet: else more room is made than it takes.
    pub fn fill(&mut self, records: &[T]) {
        let place = |record: &T| path(record.digest());
        for alike in records.chunk_by(|one, next| place(one) == place(next)) {
            let Some(place) = alike.first().map(place) else { continue };
            self.keys += self.with(place, |shard| {
                shard.make_room(alike.len());
                alike.iter().filter(|record| shard.put((*record).clone()).is_none()).count()
            });
        }
    }

    /// Puts a key in, in place of the one with the same digest, which is returned.
    pub fn put(&mut self, record: T) -> Option<T> {
        let before = self.with(path(record.digest()), |shard| shard.put(record));
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

    /// Changes one shard, and keeps count of what all of them occupy.
    fn with<R>(
        &mut self,
        (group, shard): (usize, usize),
        change: impl FnOnce(&mut Shard<T>) -> R,
    ) -> R {
        let shard = &mut Arc::make_mut(&mut self.groups[group]).0[shard];
        let before = shard.bytes();
        let changed = change(shard);
        self.bytes = self.bytes - before + shard.bytes();
        changed
    }
}

fn path(digest: &Digest) -> (usize, usize) {
    let head = digest.head();
    ((head >> 57) as usize % FANOUT, (head >> 50) as usize % FANOUT)
}

#[cfg(test)]
mod tests;
