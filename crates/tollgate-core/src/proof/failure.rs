//! Why a proof is not one.

use crate::Refusal;

/// Why a caller has proved nothing. Callers see no more than the refusal; the [word](Self::word)
/// is for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ProofFailure {
    /// There is no proof.
    Missing,
    /// What there is cannot be one, or there are two.
    Malformed,
    /// The key has no secret of the kind that the service asks for.
    NoSecret,
    /// The key's secret was wrapped under another key.
    Sealed,
    /// It is not this key's, or of another time.
    Wrong,
    /// It is not this key's, or of another time than about now: the key has had so many wrong ones
    /// that no more was tried.
    OverBudget,
    /// The time that was sent is too far from now.
    Untimely,
    /// It was accepted before.
    Replayed,
    /// There is no room to remember that it was accepted.
    MemoryFull,
}

impl ProofFailure {
    /// How many there are.
    pub const COUNT: usize = Self::MemoryFull as usize + 1;

    /// Every one, in the order of [`ProofFailure::index`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Missing,
        Self::Malformed,
        Self::NoSecret,
        Self::Sealed,
        Self::Wrong,
        Self::OverBudget,
        Self::Untimely,
        Self::Replayed,
        Self::MemoryFull,
    ];

    /// The position in [`ProofFailure::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::NoSecret => "no_secret",
            Self::Sealed => "sealed",
            Self::Wrong => "wrong",
            Self::OverBudget => "over_budget",
            Self::Untimely => "untimely",
            Self::Replayed => "replayed",
            Self::MemoryFull => "memory_full",
        }
    }

    /// What the caller is refused with.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Missing => Refusal::ProofMissing,
            _ => Refusal::ProofInvalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_stand_in_their_order() {
        for (index, failure) in ProofFailure::ALL.into_iter().enumerate() {
            assert_eq!(failure.index(), index, "{}", failure.word());
        }
    }
}
