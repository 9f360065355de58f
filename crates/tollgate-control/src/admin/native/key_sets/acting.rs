//! What can be done with a key set, and what of it is open to whom.

use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::v3::Scene;
use crate::life_cycle::{EventKind, permitted};
use crate::people::Action;
use crate::store::StoredChain;

/// Something that can be done with a key set; most have an address of their own below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = KeySetAction)]
pub(super) enum Act {
    /// Approve it: its key works from then on.
    Activate,
    /// Have its keys refused until it is activated again.
    Suspend,
    /// Activate it again.
    Reactivate,
    /// Replace LATEST by a new key.
    Regenerate,
    /// Replace LATEST by a new key beside which it goes on for a while.
    Rotate,
    /// Have a superseded key refused from now on.
    EndOverlap,
    /// Have its keys refused for good.
    Revoke,
    /// See the values of its keys.
    Retrieve,
    /// Give it another name or policy.
    Change,
    /// Move the dates of LATEST to what its policy says.
    EnforceSchedule,
}

impl Act {
    /// What it takes.
    pub(super) fn action(self) -> Action {
        match self {
            Self::Activate | Self::Change => Action::KeyWrite,
            Self::Suspend | Self::Reactivate => Action::KeySuspend,
            Self::Regenerate | Self::Rotate | Self::EndOverlap => Action::KeyRegenerate,
            Self::Revoke => Action::KeyRevoke,
            Self::Retrieve => Action::KeyRetrieve,
            Self::EnforceSchedule => Action::PolicyWrite,
        }
    }

    /// Its name in the audit log.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Regenerate => "regenerate",
            Self::Rotate => "rotate",
            Self::EndOverlap => "end_overlap",
            Self::Revoke => "revoke",
            Self::Retrieve => "retrieve",
            Self::Change => "change",
            Self::EnforceSchedule => "enforce_schedule",
        }
    }

    /// What the caller may do now: what the life of the key set allows and his roles permit.
    pub(super) fn open_to(scene: Scene<'_>, chain: &StoredChain) -> Vec<Self> {
        let now = scene.plane.now().div_euclid(1000);
        let mut acts = Vec::new();
        for kind in permitted(&chain.life, now) {
            acts.extend_from_slice(match kind {
                EventKind::Activate => &[Self::Activate],
                EventKind::Suspend => &[Self::Suspend],
                EventKind::Reactivate => &[Self::Reactivate],
                EventKind::Regenerate => &[Self::Regenerate, Self::Rotate],
                EventKind::EndOverlap => &[Self::EndOverlap],
                EventKind::Revoke => &[Self::Revoke],
                EventKind::EnforceSchedule => &[Self::EnforceSchedule],
                _ => &[],
            });
        }
        let kept = |number| chain.credential(number).is_some_and(|key| key.sealed.is_some());
        if chain.life.keys().any(|key| !key.state.is_over() && kept(key.number)) {
            acts.push(Self::Retrieve);
        }
        if !chain.life.state().is_over() {
            acts.push(Self::Change);
        }
        let may = |act: &Self| scene.caller.may(scene.permissions(), act.action(), &chain.realm);
        acts.retain(may);
        acts
    }
}
