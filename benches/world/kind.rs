//! What is the matter with a key.

use super::Chance;

/// What a call of a key comes to, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Pending,
    Suspended,
    Revoked,
    NotYetValid,
    Expired,
    OwnerInactive,
    PlanInactive,
    /// It has a secret, and can be used like a good one.
    Proven,
    /// It works from elsewhere only.
    Bound,
    OverQps,
    OverQuota,
    OverConcurrency,
    /// It can be used.
    Good,
}

/// Of so many keys in a row one is of each kind, and the others are good.
const ROW: u32 = 32;

const NOT_GOOD: [Kind; Kind::Good as usize] = [
    Kind::Pending,
    Kind::Suspended,
    Kind::Revoked,
    Kind::NotYetValid,
    Kind::Expired,
    Kind::OwnerInactive,
    Kind::PlanInactive,
    Kind::Proven,
    Kind::Bound,
    Kind::OverQps,
    Kind::OverQuota,
    Kind::OverConcurrency,
];

impl Kind {
    /// The kind of a key.
    pub(crate) fn of(number: u32) -> Self {
        NOT_GOOD.get((number % ROW) as usize).copied().unwrap_or(Self::Good)
    }

    /// A key of this kind in the same row as `number`.
    pub(super) fn in_row(self, number: u32, chance: &mut Chance) -> u32 {
        let first = number - number % ROW;
        match self {
            Self::Good => first + self as u32 + chance.below(ROW - self as u32),
            _ => first + self as u32,
        }
    }

    /// The keys of this kind below `size`.
    pub(crate) fn all(self, size: u32) -> impl Iterator<Item = u32> {
        (self as u32..size).step_by(ROW as usize)
    }
}
