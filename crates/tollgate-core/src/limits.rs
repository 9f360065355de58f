//! The policies of limits. Their state is a word of a [`Line`](crate::Line); time is passed in.

mod gcra;
mod period;
mod window;

pub use gcra::Qps;
pub(crate) use gcra::QpsTaken;
pub use period::Period;
pub(crate) use window::QuotaTaken;
pub use window::{MAX_QUOTA, Quota};

/// A limit as it applies to one key: none, one that lets nothing through, or a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit<P> {
    /// No limit, because someone said so (design decision 7).
    Exempt,
    /// A ceiling of 0 (requirements.md, decision 1).
    Closed,
    /// At most what the policy says.
    Ceiling(P),
}

/// The present, asked only where a word looks as if another time or other terms had written it.
pub(crate) trait Present {
    /// Whether a word that older terms have left is lowered when it is read. Only whoever counts
    /// nothing and changes nothing leaves it as it is.
    const LOWERS: bool = true;

    /// The monotonic clock, read again, in nanoseconds; `None` if the snapshot that decides is no
    /// longer the newest.
    fn confirm(&self) -> Option<u64>;
}

/// Why a limit does not admit, and when it would again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    /// Nanoseconds until a call could be admitted; `None` if waiting does not help.
    pub(crate) wait: Option<u64>,
    /// Where the limit stands, unless it is closed.
    pub(crate) reading: Option<Reading>,
}

impl Over {
    /// The answer of a ceiling of 0.
    pub(crate) const CLOSED: Self = Self { wait: None, reading: None };
}

/// Whose ceiling it is that limits a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// The one that every key of the plan has.
    Plan,
    /// The key's own.
    Key,
}

/// Which limit a [`Reading`] is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingKind {
    /// Queries per second of the key.
    Qps(LimitSource),
    /// Quota of the key's period.
    Quota(LimitSource),
    /// Queries per second of the key on the method called.
    MethodQps,
    /// Quota of the key on the method called.
    MethodQuota,
}

/// Where a limit stands after a decision, in the terms of the `RateLimit` fields
/// (draft-ietf-httpapi-ratelimit-headers-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The ceiling, without the burst: calls per second or in a window.
    pub ceiling: u64,
    /// What fits into a full window (`q`).
    pub quota: u64,
    /// The window in seconds, at least 1 (`w`).
    pub window: u64,
    /// What is left (`r`).
    pub remaining: u64,
    /// Seconds until the whole quota is back, rounded up (`t`).
    pub reset: u64,
}
