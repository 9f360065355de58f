//! What revisions look like.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::admin::native::instant::show_ms;
use crate::admin::v3::Failure;
use crate::store::{Connection, Deed, Difference, Differences, Entry, Kind, Noted, Revised};

/// A change of what proxies decide from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub(super) struct RevisionSeen {
    /// Given once in the life of a store, whatever the epoch.
    number: u64,
    /// Another one begins with each restore of a backup.
    epoch: u64,
    #[schema(format = DateTime)]
    at: String,
    /// By whom: a member's id, or `cli`, `scheduler`, `rotation`, `file`, `start`.
    actor: String,
    /// What was done, such as `plan.update`.
    action: String,
    /// To which kind of object.
    kind: String,
    /// To the object of this id; empty where it was to several, or to none.
    object: String,
    /// What proxies decide from and was made, changed or deleted.
    touched: Vec<Touched>,
}

/// What proxies decide from: an object, or the file as a whole.
#[derive(Debug, Serialize, ToSchema)]
struct Touched {
    #[schema(value_type = String)]
    kind: Kind,
    id: String,
}

/// A revision, with what it changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RevisionDetails {
    #[serde(flatten)]
    revision: RevisionSeen,
    /// What differs since, object by object, as far as it is kept: never what is secret.
    changes: Vec<ObjectChange>,
}

/// What of an object was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ObjectChange {
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) properties: BTreeMap<String, PropertyChange>,
}

/// What a property was and became. One that was or is absent is null.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PropertyChange {
    from: Json,
    to: Json,
}

impl RevisionSeen {
    /// What the entry of a revision says.
    pub(super) fn of(connection: &mut dyn Connection, entry: &Entry) -> Result<Self, Failure> {
        let Deed { actor, action, kind, object, .. } = entry.deed.clone();
        let revision = entry.revision.unwrap_or_default();
        let revised = Revised::find(connection, revision)?;
        let touched = revised.map(|revised| revised.touched).unwrap_or_default();
        Ok(Self {
            number: revision.number,
            epoch: revision.epoch,
            at: show_ms(entry.at),
            actor,
            action,
            kind,
            object,
            touched: touched.into_iter().map(|(kind, id)| Touched { kind, id }).collect(),
        })
    }
}

impl RevisionDetails {
    /// What the entries of a revision say, that of the whole change first.
    pub(super) fn of(connection: &mut dyn Connection, entries: &[Entry]) -> Result<Self, Failure> {
        let whole = entries.first().ok_or_else(super::missing)?;
        let revision = RevisionSeen::of(connection, whole)?;
        let changes = Differences::of_deeds(entries.iter().map(|entry| &entry.deed));
        let changes = changes.iter().map(|(noted, properties)| ObjectChange::of(noted, properties));
        Ok(Self { revision, changes: changes.collect() })
    }
}

impl ObjectChange {
    /// What differs of an object.
    pub(super) fn of(
        Noted { kind, id }: &Noted,
        properties: &BTreeMap<String, Difference>,
    ) -> Self {
        let property = |(name, Difference { from, to }): (&String, &Difference)| {
            (name.clone(), PropertyChange { from: from.clone(), to: to.clone() })
        };
        let properties = properties.iter().map(property).collect();
        Self { kind: kind.clone(), id: id.clone(), properties }
    }
}
