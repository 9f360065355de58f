//! What numbers of the sender are among our own.

use std::collections::HashMap;
use std::hint::black_box;

/// Indexes that the sender has given, and our own for them. He gives one after another, so that they are
/// their own places; one far beyond the others has no room made for all between.
#[derive(Debug, Default)]
pub(super) struct Translated {
    near: Vec<u32>,
    far: HashMap<u32, u32>,
}

/// Stands in the place of an index that was not given.
const NONE: u32 = u32::MAX;

/// So far beyond the last one an index is near still.
const NEAR: usize = 4096;

impl Translated {
    /// Looks at what [`Translated::get`] is about to look at.
    pub(super) fn look_ahead(&self, sent: impl Iterator<Item = u32>) {
        for sent in sent {
            black_box(self.near.get(sent as usize).copied());
        }
    }

    #[inline]
    pub(super) fn get(&self, sent: u32) -> Option<u32> {
        match self.near.get(sent as usize) {
            Some(own) if *own != NONE => Some(*own),
            _ => self.far.get(&sent).copied(),
        }
    }

    /// Has `own` stand for `sent`. What stood for it before, if anything did.
    pub(super) fn insert(&mut self, sent: u32, own: u32) -> Option<u32> {
        let before = self.get(sent);
        let at = sent as usize;
        if at >= self.near.len() && at < self.near.len() + NEAR {
            self.near.resize(at + 1, NONE);
        }
        match self.near.get_mut(at) {
            Some(place) => {
                *place = own;
                self.far.remove(&sent);
            }
            None => drop(self.far.insert(sent, own)),
        }
        before
    }

    /// What stands for `sent`, which is `next` if nothing did.
    pub(super) fn or_insert_with(&mut self, sent: u32, next: impl FnOnce() -> u32) -> u32 {
        self.get(sent).unwrap_or_else(|| {
            let own = next();
            self.insert(sent, own);
            own
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn matches_a_map(
            steps in proptest::collection::vec(
                (prop_oneof![0u32..50, 0u32..20_000, any::<u32>()], 0u32..9), 1..100),
        ) {
            let mut translated = Translated::default();
            let mut map = HashMap::new();
            for (sent, own) in steps {
                prop_assert_eq!(translated.insert(sent, own), map.insert(sent, own));
                for (sent, own) in &map {
                    prop_assert_eq!(translated.get(*sent), Some(*own));
                }
            }
            prop_assert!(translated.near.len() <= 20_000 + NEAR);
        }
    }
}
