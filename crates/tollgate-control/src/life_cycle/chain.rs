//! What there is of a chain: plain values, as a store keeps them.

use std::fmt;

use super::calendar::Second;
use super::policy::Policy;
use super::schedule::Schedule;
use crate::document::kind::Instant;

/// The successive keys of one application, environment, authentication type and policy. There is
/// exactly one LATEST because there is exactly one place for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Counts the transitions; what a store compares before it sets.
    pub version: u64,
    /// How its keys live; `None` for a v3 package key, which is a chain of one.
    pub policy: Option<Policy>,
    /// It was suspended by itself, not only along with its application.
    pub suspended_itself: bool,
    /// Its application is suspended; known here so that one compare-and-set decides between
    /// whoever suspends the application and whoever activates the chain.
    pub application_suspended: bool,
    /// Why the last activation (of a Pending chain) or suspension (of an Active one) failed.
    pub last_error: Option<Failure>,
    /// The newest key.
    pub latest: Key,
    /// Those before it, oldest first. A store may leave out those that are over.
    pub earlier: Vec<Key>,
}

/// Which key of its chain, from 1. Not the name by which others know it: that is theirs to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyNumber(pub u32);

/// One key of a chain, with the dates of its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Which one.
    pub number: KeyNumber,
    /// Where it is in life.
    pub state: State,
    /// Until when it works beside its successor; `None` = it is LATEST, or died at once.
    pub superseded_until: Option<Second>,
    /// When it was made in the place of the key before it; `None` = it is the first.
    pub issued: Option<Second>,
    /// When it was first activated.
    pub provisioned: Option<Second>,
    /// When its successor is to come.
    pub rotation: Option<Rotation>,
    /// When the rotation happened.
    pub rotated: Option<Second>,
    /// When it is to die of age: a date through its end, or an instant.
    pub expiration: Option<Instant>,
    /// When it did.
    pub expired: Option<Second>,
    /// When it was revoked: by someone, or in favour of its successor.
    pub revoked: Option<Second>,
}

/// A planned rotation. Both dates are kept, so that a changed policy does not move them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The date that is shown.
    pub planned: Second,
    /// When it runs: earlier by the lead that the policy had.
    pub due: Second,
}

/// Where a key is in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Made, not activated yet.
    Pending,
    /// Works.
    Active,
    /// Refused until it is activated again.
    Suspended,
    /// Refused for good, by someone's will or because its successor replaced it.
    Revoked,
    /// Refused for good, of age.
    Expired,
}

/// An activation or suspension that did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: Second,
    /// Why, for an operator.
    pub reason: String,
}

impl Chain {
    /// A key set just subscribed to: Pending, nothing planned.
    pub fn key_set(policy: Policy, application_suspended: bool) -> Self {
        Self::new(Some(policy), None, application_suspended)
    }

    /// A v3 package key just created: Pending, which v3 calls `waiting`.
    pub fn package_key(expires: Option<Instant>, application_suspended: bool) -> Self {
        Self::new(None, expires, application_suspended)
    }

    fn new(policy: Option<Policy>, expires: Option<Instant>, application_suspended: bool) -> Self {
        let latest = Key::new(KeyNumber(1), State::Pending, expires);
        Self {
            version: 1,
            policy,
            suspended_itself: false,
            application_suspended,
            last_error: None,
            latest,
            earlier: Vec::new(),
        }
    }

    /// The state of the chain, which is LATEST's.
    pub fn state(&self) -> State {
        self.latest.state
    }

    /// The predecessor that still works beside LATEST. There is one at most.
    pub fn superseded(&self) -> Option<&Key> {
        self.earlier.iter().rev().find(|key| !key.state.is_over())
    }

    /// All keys, oldest first, LATEST last.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.earlier.iter().chain([&self.latest])
    }

    /// LATEST and the predecessor that still works: what a suspension, a revocation and the expiry
    /// of the chain reach.
    pub(super) fn live_mut(&mut self) -> impl Iterator<Item = &mut Key> {
        self.earlier.iter_mut().chain([&mut self.latest]).filter(|key| !key.state.is_over())
    }
}

impl Key {
    pub(super) fn new(number: KeyNumber, state: State, expiration: Option<Instant>) -> Self {
        Self {
            number,
            state,
            superseded_until: None,
            issued: None,
            provisioned: None,
            rotation: None,
            rotated: None,
            expiration,
            expired: None,
            revoked: None,
        }
    }

    /// What is planned for it.
    pub fn schedule(&self) -> Schedule {
        Schedule { rotation: self.rotation, expiration: self.expiration }
    }

    pub(super) fn plan(&mut self, schedule: Schedule) {
        Schedule { rotation: self.rotation, expiration: self.expiration } = schedule;
    }

    /// What a policy says of it now, counted from when its dates always were: its issue, or the
    /// activation of a first key. `None` = neither was yet.
    pub(super) fn schedule_by(&self, policy: &Policy) -> Option<Schedule> {
        self.issued.or(self.provisioned).map(|from| policy.schedule(from))
    }
}

impl KeyNumber {
    pub(super) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Active, Self::Suspended, Self::Revoked, Self::Expired];

    /// Whether nothing more can happen to it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Revoked | Self::Expired)
    }

    /// Its name in stores and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}
