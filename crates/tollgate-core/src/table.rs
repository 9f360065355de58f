//! A table by the digests of keys, copied along the path of a change: their records, their secrets.
//!
//! 128 groups of 128 shards. A change copies the spine, one group and one shard, so that it costs
//! microseconds among ten million keys. A shard is an open-addressed table with a byte of tag for
//! each slot: a miss is decided by tags alone, without touching a record.

use std::sync::Arc;

use crate::{Digest, Record};

const FANOUT: usize = 128;
const SMALLEST: usize = 4;

/// What a snapshot knows of each key that it knows something of. A clone shares everything.
#[derive(Clone, Debug)]
pub struct Table<T = Record> {
    groups: [Arc<Group<T>>; FANOUT],
    keys: usize,
}

/// What stands in a [`Table`], found by the digest of a key.
pub trait Keyed: Clone {
    /// Fills a slot whose tag says that it is empty.
    const VACANT: Self;

    /// The digest of the key.
    fn digest(&self) -> &Digest;
}

#[derive(Clone, Debug)]
struct Group<T>([Arc<Shard<T>>; FANOUT]);

#[derive(Clone, Debug)]
struct Shard<T> {
    /// 0 where the slot is empty, else seven bits of the digest below a set top bit.
    tags: Box<[u8]>,
    slots: Box<[T]>,
    keys: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        let shard = Arc::new(Shard { tags: Box::default(), slots: Box::default(), keys: 0 });
        let group = Arc::new(Group(std::array::from_fn(|_| Arc::clone(&shard))));
        Self { groups: std::array::from_fn(|_| Arc::clone(&group)), keys: 0 }
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
        let slots = &self.groups[group].0[shard].slots;
        slots.get(home(digest, slots.len()))
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
        let shards = self.groups.iter().flat_map(|group| group.0.iter());
        shards.map(|shard| shard.tags.len() * (1 + size_of::<T>())).sum()
    }

    /// Puts a key in, in place of the one with the same digest, which is returned.
    pub fn put(&mut self, record: T) -> Option<T> {
        let before = self.shard_mut(record.digest()).put(record);
        self.keys += usize::from(before.is_none());
        before
    }

    /// Takes a key out.
    pub fn remove(&mut self, digest: &Digest) -> Option<T> {
        self.find(digest)?;
        let before = self.shard_mut(digest).remove(digest);
        self.keys -= usize::from(before.is_some());
        before
    }

    fn shard_mut(&mut self, digest: &Digest) -> &mut Shard<T> {
        let (group, shard) = path(digest);
        Arc::make_mut(&mut Arc::make_mut(&mut self.groups[group]).0[shard])
    }
}

impl<T: Keyed> Shard<T> {
    fn find(&self, digest: &Digest) -> Option<&T> {
        self.position(digest).ok().and_then(|at| self.slots.get(at))
    }

    /// Where the digest stands, or else the empty slot that ends its probe (if there is one).
    fn position(&self, digest: &Digest) -> Result<usize, Option<usize>> {
        let capacity = self.tags.len();
        if capacity == 0 {
            return Err(None);
        }
        let tag = tag(digest);
        let mut at = home(digest, capacity);
        loop {
            match self.tags[at] {
                0 => return Err(Some(at)),
                same if same == tag && self.slots[at].digest() == digest => return Ok(at),
                _ => at = after(at, capacity),
            }
        }
    }

    fn put(&mut self, record: T) -> Option<T> {
        match self.position(record.digest()) {
            Ok(at) => Some(std::mem::replace(&mut self.slots[at], record)),
            // One slot in eight stays empty, which ends every probe soon.
            Err(Some(at)) if (self.keys + 1) * 8 <= self.tags.len() * 7 => {
                self.tags[at] = tag(record.digest());
                self.slots[at] = record;
                self.keys += 1;
                None
            }
            Err(_) => {
                self.grow();
                self.put(record)
            }
        }
    }

    fn grow(&mut self) {
        let capacity = (self.tags.len() * 5 / 4).max(self.tags.len() + SMALLEST);
        let (tags, slots) = (vec![0; capacity].into(), vec![T::VACANT; capacity].into());
        let mut grown = Self { tags, slots, keys: 0 };
        for record in self.iter() {
            grown.put(record.clone());
        }
        *self = grown;
    }

    /// Closes the gap by moving later records of the same run forward, so that no probe ever
    /// meets a grave.
    fn remove(&mut self, digest: &Digest) -> Option<T> {
        let mut gap = self.position(digest).ok()?;
        let removed = std::mem::replace(&mut self.slots[gap], T::VACANT);
        let capacity = self.tags.len();
        let mut at = after(gap, capacity);
        while self.tags[at] != 0 {
            let home = home(self.slots[at].digest(), capacity);
            let distance = |from: usize, to: usize| (to + capacity - from) % capacity;
            if distance(home, at) >= distance(gap, at) {
                self.tags[gap] = self.tags[at];
                self.slots.swap(gap, at);
                gap = at;
            }
            at = after(at, capacity);
        }
        self.tags[gap] = 0;
        self.keys -= 1;
        Some(removed)
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.tags.iter().zip(&self.slots).filter(|(tag, _)| **tag != 0).map(|(_, record)| record)
    }
}

fn path(digest: &Digest) -> (usize, usize) {
    let head = digest.head();
    ((head >> 57) as usize % FANOUT, (head >> 50) as usize % FANOUT)
}

fn tag(digest: &Digest) -> u8 {
    digest.body() as u8 | 0x80
}

fn home(digest: &Digest, capacity: usize) -> usize {
    ((u128::from(digest.body()) * capacity as u128) >> 64) as usize
}

fn after(at: usize, capacity: usize) -> usize {
    if at + 1 == capacity { 0 } else { at + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    use crate::OwnerId;

    fn record(digest: Digest, owner: u32) -> Record {
        Record { digest, owner: OwnerId(owner), ..Record::VACANT }
    }

    /// Digests that crowd: few shards, few homes, few tags.
    fn crowded() -> impl Strategy<Value = Digest> {
        (0u8..2, 0u8..8, 0u8..3).prop_map(|(shard, home, tail)| {
            let mut bytes = [0; 32];
            bytes[0] = shard << 7;
            bytes[8] = home << 5;
            bytes[31] = tail;
            Digest::new(bytes)
        })
    }

    proptest! {
        #[test]
        fn matches_a_map_and_leaves_older_versions_alone(
            steps in proptest::collection::vec((crowded(), prop::option::of(0u32..100)), 1..120),
        ) {
            let mut table = Table::default();
            let mut map = HashMap::new();
            for (digest, owner) in steps {
                let before = table.clone();
                let known: HashMap<_, _> = map.clone();
                match owner {
                    Some(owner) => {
                        let old = table.put(record(digest, owner)).map(|record| record.owner.0);
                        prop_assert_eq!(old, map.insert(digest, owner));
                    }
                    None => {
                        let old = table.remove(&digest).map(|record| record.owner.0);
                        prop_assert_eq!(old, map.remove(&digest));
                    }
                }
                for (table, map) in [(&table, &map), (&before, &known)] {
                    prop_assert_eq!(table.len(), map.len());
                    for (digest, owner) in map {
                        prop_assert_eq!(table.find(digest).map(|record| record.owner.0), Some(*owner));
                    }
                }
            }
            prop_assert_eq!(table.iter().count(), map.len());
        }
    }

    #[test]
    fn a_miss_has_something_to_look_at() {
        let mut table = Table::default();
        let digest = Digest::new([7; 32]);
        assert_eq!(table.near(&digest), None);
        table.put(record(digest, 7));
        assert_eq!(table.near(&digest).unwrap().owner.0, 7);
        let mut other = [7; 32];
        other[31] = 8;
        assert_eq!(table.near(&Digest::new(other)).unwrap().owner.0, 7);
    }

    #[test]
    fn a_record_takes_72_bytes() {
        assert_eq!(size_of::<Record>(), 72);
    }
}
