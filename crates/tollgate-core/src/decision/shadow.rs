//! What is found and not enforced.

use crate::{Refusal, Terms};

/// What an admitted call would have been refused for, if all of it were enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shadow(u64);

const _: () = assert!(Refusal::COUNT <= u64::BITS as usize);

impl Shadow {
    /// Every reason that can be in one: what terms and limits refuse, never the state of a key.
    pub const POSSIBLE: &[Refusal] = &[
        Refusal::NotEntitled,
        Refusal::ServiceOverQps,
        Refusal::OverQps,
        Refusal::OverQuota,
        Refusal::OverConcurrency,
    ];

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each reason once, in the order of the table.
    pub fn refusals(self) -> impl Iterator<Item = Refusal> {
        Self::POSSIBLE.iter().copied().filter(move |refusal| self.0 & bit(*refusal) != 0)
    }

    /// Notes a reason.
    pub(super) fn note(&mut self, refusal: Refusal) {
        debug_assert!(Self::POSSIBLE.contains(&refusal), "{}", refusal.code());
        self.0 |= bit(refusal);
    }

    /// Refuses what `terms` do not allow; if they are not enforced, it is noted.
    ///
    /// # Errors
    /// `refusal`, from terms that are enforced.
    pub(super) fn or_refuse(&mut self, terms: &Terms, refusal: Refusal) -> Result<(), Refusal> {
        if terms.enforced {
            return Err(refusal);
        }
        self.note(refusal);
        Ok(())
    }
}

fn bit(refusal: Refusal) -> u64 {
    1 << refusal.index()
}
