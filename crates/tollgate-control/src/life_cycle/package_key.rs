//! The life of a package key as the v3 API speaks of it.

use super::calendar::{self, Second};
use super::chain::{Chain, State};
use super::condition::Refused;
use super::event::{Event, EventKind};
use crate::document::kind::Instant;
use crate::model::KeyStatus;

/// The three states that v3 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageKeyStatus {
    /// Made, not approved yet.
    Waiting,
    /// Works.
    Active,
    /// Refused; whether for good v3 does not say.
    Disabled,
}

impl PackageKeyStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Active, Self::Disabled];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl From<State> for PackageKeyStatus {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Waiting,
            State::Active => Self::Active,
            State::Suspended | State::Revoked | State::Expired => Self::Disabled,
        }
    }
}

/// A key of the file, whose dates are its own.
impl From<KeyStatus> for State {
    fn from(status: KeyStatus) -> Self {
        match status {
            KeyStatus::Waiting => Self::Pending,
            KeyStatus::Active => Self::Active,
            KeyStatus::Suspended => Self::Suspended,
            KeyStatus::Revoked => Self::Revoked,
        }
    }
}

impl Chain {
    /// The event that a v3 client asks for by writing a status; `None` = it has it already.
    ///
    /// # Errors
    ///
    /// [`Refused`] for what no event leads to: back to `waiting`, or out of Revoked or Expired.
    pub fn event_for(&self, wanted: PackageKeyStatus) -> Result<Option<Event>, Refused> {
        let state = self.state();
        if PackageKeyStatus::from(state) == wanted {
            return Ok(None);
        }
        match (state, wanted) {
            (_, PackageKeyStatus::Waiting) => Err(Refused::NeverWaitingAgain),
            (State::Pending, PackageKeyStatus::Disabled) => Ok(Some(Event::Disable)),
            (_, PackageKeyStatus::Disabled) => Ok(Some(Event::Suspend)),
            (State::Pending, PackageKeyStatus::Active) => Ok(Some(Event::Activate)),
            (State::Suspended, PackageKeyStatus::Active) => Ok(Some(Event::Reactivate)),
            (_, PackageKeyStatus::Active) => {
                Err(Refused::NotIn { state, event: EventKind::Reactivate })
            }
        }
    }
}

/// The expiration of a package key made now under a plan whose keys live for so many days: a date,
/// through its end. None for 0 days.
pub fn lifespan(now: Second, days: u32) -> Option<Instant> {
    let last = calendar::day(now).saturating_add(days.into());
    (days > 0).then(|| Instant::Day(calendar::start_of_day(last)))
}
