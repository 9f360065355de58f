//! Keys one after another, in the order of their digests: of the first 24 bits only what they are
//! more than those before is written.

use tollgate_core::Digest;

use crate::wire::{Malformed, Reader, SentKey, Wire};

/// No key takes fewer bytes: its digest, its flags, a name, terms and an owner.
pub(crate) const SHORTEST: usize = 34;

/// Keys of a frame.
#[derive(Debug, Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    count: u64,
    head: u32,
}

impl Keys {
    /// `told` = what a key counts under is told where it is its own name, too.
    pub(super) fn add(&mut self, key: &SentKey, told: bool) {
        let [a, b, c, rest @ ..] = key.digest.bytes();
        let head = u32::from_be_bytes([0, *a, *b, *c]);
        (head.wrapping_sub(self.head) & 0xff_ffff).write(&mut self.bytes);
        self.bytes.extend_from_slice(rest);
        key.write_rest(!told && key.counts_alone(), &mut self.bytes);
        self.head = head;
        self.count += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The frame's text, after which the next begins.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let Self { bytes, count, .. } = std::mem::take(self);
        let mut text = Vec::with_capacity(bytes.len() + 10);
        count.write(&mut text);
        text.extend(bytes);
        text
    }
}

pub(super) fn read(text: &[u8]) -> Result<Vec<SentKey>, Malformed> {
    let mut from = Reader::new(text);
    let mut head = 0u32;
    let count = from.count()?;
    // As many as there can be, whatever is promised.
    let mut keys = Vec::with_capacity(count.min(from.left() / SHORTEST));
    for _ in 0..count {
        let more: u32 = from.get()?;
        head = head
            .checked_add(more)
            .filter(|head| *head <= 0xff_ffff)
            .ok_or(Malformed("keys are not in the order of their digests"))?;
        let [_, a, b, c] = head.to_be_bytes();
        let rest: [u8; 29] = from.array()?;
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip([a, b, c].into_iter().chain(rest)) {
            *to = from;
        }
        keys.push(SentKey::read_rest(Digest::new(digest), &mut from)?);
    }
    if from.left() > 0 {
        return Err(Malformed("goes on after its end"));
    }
    let ordered = keys.is_sorted_by(|one, next| one.digest.bytes() < next.digest.bytes());
    if ordered { Ok(keys) } else { Err(Malformed("keys are not in the order of their digests")) }
}
