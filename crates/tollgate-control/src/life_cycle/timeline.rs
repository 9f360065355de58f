//! What is told of a chain, entry by entry.

use super::calendar::Second;
use super::chain::{KeyNumber, State};
use super::schedule::Schedule;
use crate::document::kind::Instant;

/// One entry of a chain's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub at: Second,
    /// To which key.
    pub key: KeyNumber,
    /// What.
    pub what: Happening,
}

/// What a timeline tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The key was made as successor of the one before it, in this state.
    Issued(State),
    /// The key is activated for the first time.
    Provisioned,
    /// The key came into this state.
    Became(State),
    /// An activation or suspension failed, for this reason.
    Failed(String),
    /// The planned rotation of this key took place.
    Rotated,
    /// The key works beside its successor until then.
    SupersededUntil(Second),
    /// The chain has another policy.
    PolicyChanged,
    /// The dates of the key were moved to what the policy says.
    Rescheduled {
        /// What was planned before.
        from: Schedule,
        /// What is planned from now on.
        to: Schedule,
    },
    /// The package key has another expiration.
    ExpiryChanged(Option<Instant>),
}
