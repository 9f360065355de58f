//! What can happen to a chain.

use std::fmt;

use super::chain::{Chain, KeyNumber};
use super::policy::Policy;
use crate::document::kind::Instant;

/// Something that happens to a chain, with what it brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was approved and provisioned.
    Activate,
    /// It was approved, but could not be provisioned, for this reason.
    ActivationFailed(String),
    /// A v3 client disables a key that was never active.
    Disable,
    /// Someone suspends it.
    Suspend,
    /// Someone's suspension could not be carried out, for this reason.
    SuspensionFailed(String),
    /// Someone activates it again.
    Reactivate,
    /// Its application is suspended.
    ApplicationSuspended,
    /// Its application is active again.
    ApplicationReactivated {
        /// Whether what was suspended by itself stays so.
        keep_suspended: bool,
    },
    /// Someone asks for a new key.
    Regenerate {
        /// The key that he saw as LATEST.
        key: KeyNumber,
        /// For how many seconds the old key works on; `None` = as long as the policy says.
        overlap: Option<u32>,
    },
    /// Someone ends the overlap before its time.
    EndOverlap {
        /// The superseded key.
        key: KeyNumber,
    },
    /// Someone revokes the chain by its LATEST, or a superseded key alone.
    Revoke {
        /// The key that he saw.
        key: KeyNumber,
    },
    /// The scheduler: LATEST is to be replaced.
    RotationDue,
    /// The scheduler: the chain has reached its age.
    ExpiryDue,
    /// The scheduler: the overlap is over.
    OverlapDue,
    /// The chain has another policy. Nothing planned moves; the next key will follow it.
    PolicyChanged(Policy),
    /// What is planned for LATEST is to be what the policy says.
    EnforceSchedule,
    /// A v3 package key has another expiration.
    ExpiryChanged(Option<Instant>),
}

/// Which event, without what it brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each says of itself what the event of its name says")]
pub enum EventKind {
    Activate,
    ActivationFailed,
    Disable,
    Suspend,
    SuspensionFailed,
    Reactivate,
    ApplicationSuspended,
    ApplicationReactivated,
    Regenerate,
    EndOverlap,
    Revoke,
    RotationDue,
    ExpiryDue,
    OverlapDue,
    PolicyChanged,
    EnforceSchedule,
    ExpiryChanged,
}

impl Event {
    /// Which one.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Activate => EventKind::Activate,
            Self::ActivationFailed(_) => EventKind::ActivationFailed,
            Self::Disable => EventKind::Disable,
            Self::Suspend => EventKind::Suspend,
            Self::SuspensionFailed(_) => EventKind::SuspensionFailed,
            Self::Reactivate => EventKind::Reactivate,
            Self::ApplicationSuspended => EventKind::ApplicationSuspended,
            Self::ApplicationReactivated { .. } => EventKind::ApplicationReactivated,
            Self::Regenerate { .. } => EventKind::Regenerate,
            Self::EndOverlap { .. } => EventKind::EndOverlap,
            Self::Revoke { .. } => EventKind::Revoke,
            Self::RotationDue => EventKind::RotationDue,
            Self::ExpiryDue => EventKind::ExpiryDue,
            Self::OverlapDue => EventKind::OverlapDue,
            Self::PolicyChanged(_) => EventKind::PolicyChanged,
            Self::EnforceSchedule => EventKind::EnforceSchedule,
            Self::ExpiryChanged(_) => EventKind::ExpiryChanged,
        }
    }

    /// The key that it is about; `None` = about the chain.
    pub(super) fn key(&self) -> Option<KeyNumber> {
        match *self {
            Self::Regenerate { key, .. } | Self::EndOverlap { key } | Self::Revoke { key } => {
                Some(key)
            }
            _ => None,
        }
    }
}

/// What someone could ask for on a chain's page, whether or not it is possible now.
pub(super) fn asked_for(chain: &Chain) -> Vec<Event> {
    let key = chain.latest.number;
    let mut asked = vec![
        Event::Activate,
        Event::Disable,
        Event::Suspend,
        Event::Reactivate,
        Event::Regenerate { key, overlap: None },
        Event::Revoke { key },
        Event::EnforceSchedule,
    ];
    asked.extend(chain.superseded().map(|old| Event::EndOverlap { key: old.number }));
    asked
}

impl EventKind {
    /// Its name in stores and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::ActivationFailed => "activation_failed",
            Self::Disable => "disable",
            Self::Suspend => "suspend",
            Self::SuspensionFailed => "suspension_failed",
            Self::Reactivate => "reactivate",
            Self::ApplicationSuspended => "application_suspended",
            Self::ApplicationReactivated => "application_reactivated",
            Self::Regenerate => "regenerate",
            Self::EndOverlap => "end_overlap",
            Self::Revoke => "revoke",
            Self::RotationDue => "rotation_due",
            Self::ExpiryDue => "expiry_due",
            Self::OverlapDue => "overlap_due",
            Self::PolicyChanged => "policy_changed",
            Self::EnforceSchedule => "enforce_schedule",
            Self::ExpiryChanged => "expiry_changed",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}
