//! A shard of a table: an open-addressed table with a byte of tag for each slot. A miss is decided by
//! tags alone, without touching a record.

use std::iter::repeat_n;
use std::sync::Arc;

use super::Keyed;
use crate::Digest;

/// Slots of a chunk, at most.
const MOST: usize = 56;

#[derive(Debug)]
pub(super) struct Shard<T> {
    chunks: Arc<[Chunk<T>]>,
    /// Slots in all.
    capacity: u32,
    keys: u32,
}

/// Some of the slots: their tags beside where they are, so that both come near the processor together.
#[derive(Clone, Debug)]
struct Chunk<T> {
    /// [`Shard::CHUNK`] of them, in the last chunk maybe less.
    slots: Arc<[T]>,
    /// 0 where the slot is empty, else seven bits of the digest below a set top bit.
    tags: [u8; MOST],
}

/// By so many slots at least a shard grows.
const SMALLEST: usize = 4;

/// What an allocator can give without leaving room between: a chunk with its two counts fills it.
const BLOCK: usize = 4096;

impl<T> Clone for Shard<T> {
    fn clone(&self) -> Self {
        Self { chunks: Arc::clone(&self.chunks), ..*self }
    }
}

impl<T> Default for Shard<T> {
    fn default() -> Self {
        Self { chunks: Arc::default(), capacity: 0, keys: 0 }
    }
}

impl<T: Keyed> Shard<T> {
    /// Slots of a chunk.
    const CHUNK: usize = {
        let fit = (BLOCK - 2 * size_of::<usize>()) / size_of::<T>();
        if fit == 0 {
            1
        } else if fit < MOST {
            fit
        } else {
            MOST
        }
    };

    fn of_capacity(capacity: usize) -> Self {
        let whole = capacity / Self::CHUNK;
        let sizes = repeat_n(Self::CHUNK, whole).chain(Some(capacity % Self::CHUNK));
        let chunks = sizes
            .filter(|size| *size > 0)
            .map(|size| Chunk { slots: repeat_n(T::VACANT, size).collect(), tags: [0; MOST] });
        Self { chunks: chunks.collect(), capacity: capacity as u32, keys: 0 }
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<&T> {
        self.position(digest).ok().map(|at| self.slot(at))
    }

    pub(super) fn near(&self, digest: &Digest) -> Option<&T> {
        (self.capacity > 0).then(|| self.slot(home(digest, self.capacity())))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let slots = self.chunks.iter().flat_map(|chunk| chunk.tags.iter().zip(&*chunk.slots));
        slots.filter(|(tag, _)| **tag != 0).map(|(_, record)| record)
    }

    /// How many keys it has.
    pub(super) fn keys(&self) -> usize {
        self.keys as usize
    }

    pub(super) fn bytes(&self) -> usize {
        self.chunks.len() * size_of::<Chunk<T>>() + self.capacity() * size_of::<T>()
    }

    fn capacity(&self) -> usize {
        self.capacity as usize
    }

    fn tag(&self, at: usize) -> u8 {
        self.chunks[at / Self::CHUNK].tags[at % Self::CHUNK]
    }

    fn set_tag(&mut self, at: usize, tag: u8) {
        self.chunks_mut()[at / Self::CHUNK].tags[at % Self::CHUNK] = tag;
    }

    fn slot(&self, at: usize) -> &T {
        &self.chunks[at / Self::CHUNK].slots[at % Self::CHUNK]
    }

    fn slot_mut(&mut self, at: usize) -> &mut T {
        &mut Arc::make_mut(&mut self.chunks_mut()[at / Self::CHUNK].slots)[at % Self::CHUNK]
    }

    fn chunks_mut(&mut self) -> &mut [Chunk<T>] {
        Arc::make_mut(&mut self.chunks)
    }

    /// Where the digest stands, or else the empty slot that ends its probe (if there is one).
    fn position(&self, digest: &Digest) -> Result<usize, Option<usize>> {
        let capacity = self.capacity();
        if capacity == 0 {
            return Err(None);
        }
        let tag = tag(digest);
        let mut at = home(digest, capacity);
        loop {
            match self.tag(at) {
                0 => return Err(Some(at)),
                same if same == tag && self.slot(at).digest() == digest => return Ok(at),
                _ => at = after(at, capacity),
            }
        }
    }

    pub(super) fn put(&mut self, record: T) -> Option<T> {
        match self.position(record.digest()) {
            Ok(at) => Some(std::mem::replace(self.slot_mut(at), record)),
            // One slot in eight stays empty, which ends every probe soon.
            Err(Some(at)) if (self.keys as usize + 1) * 8 <= self.capacity() * 7 => {
                let (chunk, at) = (at / Self::CHUNK, at % Self::CHUNK);
                let chunk = &mut self.chunks_mut()[chunk];
                chunk.tags[at] = tag(record.digest());
                Arc::make_mut(&mut chunk.slots)[at] = record;
                self.keys += 1;
                None
            }
            Err(_) => {
                let capacity = self.capacity();
                self.grow((capacity * 9 / 8).max(capacity + SMALLEST));
                self.put(record)
            }
        }
    }

    /// Has room for so many keys more, and for a few beyond, so that those who come later do not have
    /// every shard grow at once.
    pub(super) fn make_room(&mut self, more: usize) {
        let keys = self.keys as usize + more;
        if keys * 8 > self.capacity() * 7 {
            self.grow(keys + keys / 7 + keys / 32 + 1);
        }
    }

    fn grow(&mut self, capacity: usize) {
        let mut grown = Self::of_capacity(capacity);
        for record in self.iter() {
            grown.put(record.clone());
        }
        *self = grown;
    }

    /// Closes the gap by moving later records of the same run forward, so that no probe ever
    /// meets a grave.
    pub(super) fn remove(&mut self, digest: &Digest) -> Option<T> {
        let mut gap = self.position(digest).ok()?;
        let removed = self.slot(gap).clone();
        let capacity = self.capacity();
        let mut at = after(gap, capacity);
        while self.tag(at) != 0 {
            let home = home(self.slot(at).digest(), capacity);
            let distance = |from: usize, to: usize| (to + capacity - from) % capacity;
            if distance(home, at) >= distance(gap, at) {
                self.set_tag(gap, self.tag(at));
                *self.slot_mut(gap) = self.slot(at).clone();
                gap = at;
            }
            at = after(at, capacity);
        }
        self.set_tag(gap, 0);
        *self.slot_mut(gap) = T::VACANT;
        self.keys -= 1;
        Some(removed)
    }
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
