//! What the keys of a key set look like, with the dates of their lives.

use serde::Serialize;
use utoipa::ToSchema;

use super::filters::Status;
use crate::admin::native::instant::{show, show_ms, show_planned};
use crate::life_cycle;
use crate::store::StoredChain;

/// A key, without its value.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyOfSet)]
pub(super) struct Key {
    id: String,
    /// Which one of its key set, from 1.
    number: u32,
    /// It is the most recently generated one. Exactly one key of a key set is.
    latest: bool,
    status: Status,
    /// Until when it works beside its successor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    superseded_until: Option<String>,
    /// When it was first activated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    provisioned: Option<String>,
    /// Where the policy has a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<Milestone>,
    /// Where the policy has an expiration.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<Milestone>,
    /// When it was revoked, or replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    revoked: Option<String>,
    #[schema(format = DateTime)]
    created: String,
}

/// A planned date, and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Milestone {
    planned: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    actual: Option<String>,
    /// By how many seconds it came later than planned; less than 0 = earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<i64>,
    /// It will not be, because something else ended the key before.
    cancelled: bool,
}

/// The keys of a chain, LATEST first.
pub(super) fn of_chain(chain: &StoredChain) -> Vec<Key> {
    let latest = chain.life.latest.number;
    let mut keys: Vec<_> = chain
        .life
        .keys()
        .map(|key| {
            let credential = chain.credential(key.number);
            Key {
                id: credential.map(|known| known.id.clone()).unwrap_or_default(),
                number: key.number.0,
                latest: key.number == latest,
                status: key.state.into(),
                superseded_until: key.superseded_until.map(show),
                provisioned: key.provisioned.map(show),
                rotation: key.rotation_milestone().map(Milestone::from),
                expiration: key.expiration_milestone().map(Milestone::from),
                revoked: key.revoked.map(show),
                created: show_ms(credential.map_or(0, |known| known.created)),
            }
        })
        .collect();
    keys.reverse();
    keys
}

impl From<life_cycle::Milestone> for Milestone {
    fn from(milestone: life_cycle::Milestone) -> Self {
        Self {
            planned: show_planned(milestone.planned),
            actual: milestone.actual.map(show),
            delay_seconds: milestone.delay(),
            cancelled: milestone.cancelled,
        }
    }
}
