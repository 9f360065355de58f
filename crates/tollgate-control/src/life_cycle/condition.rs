//! What must hold for a row of the table, and how a refusal says that it does not.

use std::error::Error;
use std::fmt;

use super::calendar::Second;
use super::chain::{Chain, State};
use super::event::{Event, EventKind};
use super::schedule;

/// What must hold for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The chain has a policy.
    IsKeySet,
    /// The chain is a v3 package key.
    IsPackageKey,
    /// The event is about LATEST.
    IsLatest,
    /// The event is about the predecessor that still works.
    IsSuperseded,
    /// The policy lets a new key be asked for.
    PolicyAllows,
    /// What is planned for LATEST is not what the policy says.
    PlanMoves,
    /// LATEST is not past its age, whether or not the scheduler has seen it yet.
    BeforeExpiry,
    ApplicationActive,
    ApplicationIsSuspended,
    /// Suspended by itself, and that outlives the application's suspension: by setting, and always
    /// for package keys, whose `disabled` may mean that they never were approved.
    StaysSuspended,
    RotationIsDue,
    ExpiryIsDue,
    OverlapIsDue,
}

/// Why nothing happened. Over the native API each is a conflict (409).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The state knows no such event.
    NotIn {
        /// The state of the chain.
        state: State,
        /// What was to happen.
        event: EventKind,
    },
    /// Only a key set can do that.
    NotAKeySet,
    /// Only a package key can do that.
    NotAPackageKey,
    /// The key is not LATEST, or not any more.
    NotLatest,
    /// The key is not one that works beside its successor, or not any more.
    NotSuperseded,
    /// The policy has no manual regeneration.
    PolicyForbids,
    /// What is planned is what the policy says.
    PlanStands,
    /// The key has reached its age.
    PastExpiry,
    /// The application is suspended.
    ApplicationSuspended,
    /// The application is not suspended.
    ApplicationActive,
    /// It is not time, or something else comes first.
    NotDue,
    /// A v3 key does not return to `waiting`.
    NeverWaitingAgain,
}

impl Condition {
    pub(super) fn holds(self, chain: &Chain, event: &Event, now: Second) -> bool {
        match self {
            Self::IsKeySet => chain.policy.is_some(),
            Self::IsPackageKey => chain.policy.is_none(),
            Self::IsLatest => event.key() == Some(chain.latest.number),
            Self::IsSuperseded => {
                chain.superseded().is_some_and(|old| event.key() == Some(old.number))
            }
            Self::PolicyAllows => chain.policy.is_some_and(|policy| policy.manual_regeneration),
            Self::PlanMoves => chain.policy.is_none_or(|policy| {
                chain.latest.schedule_by(&policy) != Some(chain.latest.schedule())
            }),
            Self::BeforeExpiry => chain.latest.expires_at().is_none_or(|end| now < end),
            Self::ApplicationActive => !chain.application_suspended,
            Self::ApplicationIsSuspended => chain.application_suspended,
            Self::StaysSuspended => {
                let keep = matches!(event, Event::ApplicationReactivated { keep_suspended: true });
                chain.suspended_itself && (keep || chain.policy.is_none())
            }
            Self::RotationIsDue | Self::ExpiryIsDue => {
                let next = schedule::due_of_latest(chain);
                next.is_some_and(|due| due.at <= now && due.event == *event)
            }
            Self::OverlapIsDue => schedule::due_of_overlap(chain).is_some_and(|due| due.at <= now),
        }
    }

    /// What a caller is told when it does not hold.
    pub(super) fn refused(self) -> Refused {
        match self {
            Self::IsKeySet => Refused::NotAKeySet,
            Self::IsPackageKey => Refused::NotAPackageKey,
            Self::IsLatest => Refused::NotLatest,
            Self::IsSuperseded => Refused::NotSuperseded,
            Self::PolicyAllows => Refused::PolicyForbids,
            Self::PlanMoves => Refused::PlanStands,
            Self::BeforeExpiry => Refused::PastExpiry,
            Self::ApplicationActive => Refused::ApplicationSuspended,
            Self::ApplicationIsSuspended | Self::StaysSuspended => Refused::ApplicationActive,
            Self::RotationIsDue | Self::ExpiryIsDue | Self::OverlapIsDue => Refused::NotDue,
        }
    }
}

impl Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self {
            Self::NotIn { state, event } => return write!(to, "no {event} of a {state} key"),
            Self::NotAKeySet => "a package key has no policy",
            Self::NotAPackageKey => "only a package key can do that",
            Self::NotLatest => "the key is not the latest of its chain",
            Self::NotSuperseded => "the key is not in an overlap with its successor",
            Self::PolicyForbids => "the policy does not allow a new key to be asked for",
            Self::PlanStands => "what is planned is what the policy says",
            Self::PastExpiry => "the key has reached its expiration",
            Self::ApplicationSuspended => "the application is suspended",
            Self::ApplicationActive => "the application is not suspended",
            Self::NotDue => "it is not due",
            Self::NeverWaitingAgain => "no key returns to waiting",
        };
        to.write_str(reason)
    }
}
