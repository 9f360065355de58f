//! Ceilings and exemptions.

use tollgate_core::Period;

/// The highest QPS ceiling: one call a nanosecond.
pub const MAX_QPS: u32 = 1_000_000_000;

/// A limit. Nothing is ever without one by omission (design decision 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// Without bound, because the operator wrote so.
    Exempt,
    /// Bounded by this. A ceiling of 0 lets no call through.
    Ceiling(T),
}

impl<T> Limit<T> {
    /// The same limit with another ceiling.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Limit<U> {
        match self {
            Self::Exempt => Limit::Exempt,
            Self::Ceiling(ceiling) => Limit::Ceiling(to(ceiling)),
        }
    }
}

/// What a key says of a limit itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Own<T> {
    /// Nothing: the plan's holds.
    Inherit,
    /// To be without.
    Exempt,
    /// A ceiling.
    Ceiling(T),
}

/// A ceiling of queries per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qps {
    /// In the long run, up to [`MAX_QPS`].
    pub ceiling: u32,
    /// At once.
    pub burst: u32,
}

/// A key's own ceiling of queries per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnQps {
    /// In the long run, up to [`MAX_QPS`].
    pub ceiling: u32,
    /// At once; `None` = the ceiling.
    pub burst: Option<u32>,
}

impl OwnQps {
    /// With the burst that it has where none is written.
    pub fn resolve(self) -> Qps {
        Qps { ceiling: self.ceiling, burst: self.burst.unwrap_or(self.ceiling) }
    }
}

/// A ceiling of calls per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls in one window, up to [`MAX_QUOTA`].
    pub ceiling: u64,
    /// How long a window is.
    pub period: Period,
}
