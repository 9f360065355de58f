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
    /// It is another's.
    Wrong,
}

impl ProofFailure {
    /// How many there are.
    pub const COUNT: usize = Self::Wrong as usize + 1;

    /// Every one, in the order of [`ProofFailure::index`].
    pub const ALL: [Self; Self::COUNT] =
        [Self::Missing, Self::Malformed, Self::NoSecret, Self::Wrong];

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
            Self::Wrong => "wrong",
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
