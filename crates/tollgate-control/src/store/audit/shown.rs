//! An entry as people and programs see it.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Deed, Entry};
use crate::document::kind::Instant;

/// What somebody did or was refused, as the audit log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Counts entries from 1.
    pub number: i64,
    /// When, in UTC (RFC 3339).
    #[schema(format = DateTime)]
    pub at: String,
    /// By whom: a member's id, or `cli`, `scheduler`, `rotation`, `file`, `start`.
    pub actor: String,
    /// What, such as `package_key.update`.
    pub action: String,
    /// The kind of object that it was done to.
    pub kind: String,
    /// The object's id; empty where it has none.
    pub object: String,
    /// `done`, or the code of the refusal.
    pub outcome: String,
    /// What changed: properties with what they were and became, `objects` with those of each object,
    /// and whatever else is told of it. Never what is secret.
    #[schema(value_type = Object)]
    pub details: Json,
    /// The epoch of the revision that it made, if it changed what proxies decide from.
    pub epoch: Option<u64>,
    /// The number of that revision.
    pub revision: Option<u64>,
    /// SHA-256 of the hash before and of all of this, in hex.
    pub hash: String,
}

impl AuditEntry {
    /// What an entry looks like.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let Deed { actor, action, kind, object, details } = entry.deed.clone();
        let details = serde_json::from_str(&details).unwrap_or(Json::String(details));
        Self {
            number: entry.number,
            at: Instant::Second(entry.at.div_euclid(1000)).to_string(),
            actor,
            action,
            kind,
            object,
            outcome: entry.outcome.clone(),
            details,
            epoch: entry.revision.map(|revision| revision.epoch),
            revision: entry.revision.map(|revision| revision.number),
            hash: entry.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
