//! The life of a key.
//!
//! A **chain** is the successive keys of one key set; the newest is LATEST. A v3 package key is a
//! chain of one that has no policy.
//!
//! ```text
//! Pending ──── activate ────► Active ◄──── reactivate ──── Suspended
//!    │                          └────────── suspend ──────────►▲
//!    └──────────────── disable (package keys) ─────────────────┘
//!
//! Active, Suspended ──── revoke ────► Revoked, for good
//! Active, Suspended ──── expiry ────► Expired, for good
//! Active, Suspended ──── regenerate, rotation ────► the same state with a new LATEST;
//!                        the old key is Revoked, at once or when the overlap ends
//! ```
//!
//! That is the picture. What decides is the table in `table.rs`: a state, an event, conditions,
//! steps. Whatever is not in it is refused and changes nothing.
//!
//! The module is pure. Time is passed in, in whole seconds since 1970; who may ask for what, where
//! a chain is kept and what a key's credentials are is the business of others. It answers with the
//! chain as it is to be, with what the proxies are to be told, and with what the timeline says.
//! Whoever keeps chains compares [`Chain::version`] and sets: of two that act on the same version
//! one wins, and the other looks again.

mod calendar;
mod chain;
mod condition;
mod enforced;
mod event;
mod milestone;
mod package_key;
mod policy;
mod schedule;
mod step;
mod table;
mod timeline;

#[cfg(test)]
mod tests;

pub use self::calendar::Second;
pub use self::chain::{Chain, Failure, Key, KeyNumber, Rotation, State};
pub use self::condition::Refused;
pub use self::enforced::{Effect, Enforced};
pub use self::event::{Event, EventKind};
pub use self::milestone::Milestone;
pub use self::package_key::{PackageKeyStatus, lifespan};
pub use self::policy::{Months, Policy, RotationPolicy};
pub use self::schedule::{Due, Schedule, due};
pub use self::timeline::{Entry, Happening};
pub use crate::document::kind::Instant;

use self::step::Draft;
use self::table::{Row, TABLE};

/// What comes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The chain as it is from now on, one version on.
    pub chain: Chain,
    /// What is to be done with it, in the same transaction.
    pub effects: Vec<Effect>,
    /// What its timeline says of it, in order.
    pub timeline: Vec<Entry>,
}

/// Lets an event happen to a chain, at `now`.
///
/// # Errors
///
/// [`Refused`], with the reason: the chain is what it was.
pub fn apply(chain: &Chain, event: &Event, now: Second) -> Result<Transition, Refused> {
    apply_by(TABLE, chain, event, now)
}

/// What a caller could ask for now, as far as the chain itself is concerned: what remains is
/// whether the caller's role lets him.
pub fn permitted(chain: &Chain, now: Second) -> Vec<EventKind> {
    permitted_by(TABLE, chain, now)
}

fn apply_by(
    table: &[Row],
    chain: &Chain,
    event: &Event,
    now: Second,
) -> Result<Transition, Refused> {
    let row = table::row_for(table, chain, event, now)?;
    let mut draft = Draft::of(chain, now);
    for step in row.then {
        step.take(&mut draft, event);
    }
    let (after, timeline) = draft.finish();
    Ok(Transition { effects: enforced::difference(chain, &after), chain: after, timeline })
}

fn permitted_by(table: &[Row], chain: &Chain, now: Second) -> Vec<EventKind> {
    let asked = event::asked_for(chain);
    let possible = asked.iter().filter(|event| table::row_for(table, chain, event, now).is_ok());
    possible.map(Event::kind).collect()
}
