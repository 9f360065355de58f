//! What comes next by itself.
//!
//! Catching up after downtime is asking what is due again and again. The earlier planned day wins,
//! rotation wins on one day, and only one of the two ever happens to a key; several missed
//! rotations are one rotation now, with a new schedule from now.

use super::calendar::{self, Second};
use super::chain::{Chain, Key, Rotation, State};
use super::event::Event;
use super::policy::Policy;
use crate::document::kind::Instant;

/// What is planned for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// When its successor is to come.
    pub rotation: Option<Rotation>,
    /// When it is to die of age.
    pub expiration: Option<Instant>,
}

/// The next thing that the scheduler is to do to a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// From when on.
    pub at: Second,
    /// What.
    pub event: Event,
}

/// What the scheduler is to do next to a chain, and when; `None` = nothing ever.
pub fn due(chain: &Chain) -> Option<Due> {
    let both = [due_of_overlap(chain), due_of_latest(chain)];
    both.into_iter().flatten().min_by_key(|due| due.at)
}

/// Rotation or expiry, whichever comes first: the other will not happen to this key.
pub(super) fn due_of_latest(chain: &Chain) -> Option<Due> {
    let key = &chain.latest;
    if !matches!(key.state, State::Active | State::Suspended) {
        return None;
    }
    let expiry = key.expires_at().map(|at| Due { at, event: Event::ExpiryDue });
    let rotation = key.rotation.filter(|rotation| rotation.comes_before(key.expiration));
    rotation.map(|rotation| Due { at: rotation.due, event: Event::RotationDue }).or(expiry)
}

pub(super) fn due_of_overlap(chain: &Chain) -> Option<Due> {
    let until = chain.superseded()?.superseded_until?;
    Some(Due { at: until, event: Event::OverlapDue })
}

impl Policy {
    /// What it plans for a key whose dates are counted from this second.
    pub(super) fn schedule(&self, from: Second) -> Schedule {
        let rotation = self.rotation.map(|rotation| {
            let planned = calendar::months_after(from, rotation.after());
            Rotation { planned, due: planned.saturating_sub(rotation.lead().into()) }
        });
        let after = |months| Instant::Second(calendar::months_after(from, months));
        Schedule { rotation, expiration: self.expiration.map(after) }
    }
}

impl Rotation {
    /// Whether it is due on an earlier day than the expiration, or on the same.
    fn comes_before(self, expiration: Option<Instant>) -> bool {
        expiration.is_none_or(|end| calendar::day(self.due) <= calendar::day_of(end))
    }

    /// Whether the expiration falls on the day of the rotation, or within its lead.
    pub(super) fn meets(self, expiration: Instant) -> bool {
        let days = calendar::day(self.due)..=calendar::day(self.planned);
        days.contains(&calendar::day_of(expiration))
    }
}

impl Key {
    /// The first second in which the key is too old. Where a rotation falls on the same day it is
    /// the end of that day: the key must not die before the scheduler has replaced it, nor ever
    /// live on because the scheduler did not come.
    pub(super) fn expires_at(&self) -> Option<Second> {
        let expiration = self.expiration?;
        let end = expiration.end();
        let met = self.rotation.is_some_and(|rotation| rotation.meets(expiration));
        Some(if met { end.max(calendar::end_of_day(calendar::day_of(expiration))) } else { end })
    }
}
