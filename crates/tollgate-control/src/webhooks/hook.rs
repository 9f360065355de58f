//! Who is told.

use super::EventKind;
use crate::directory::text;
use crate::people::Realm;
use crate::store::{Connection, Document, Shelf, StoreError};

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The address. It may hold what opens something there, so it goes into no log.
    pub url: String,
    /// What it is told of; empty = everything.
    pub kinds: Vec<EventKind>,
    /// Of whose keys it is told; nobody's in particular = of all.
    pub realm: Realm,
    /// Whether it is told anything.
    pub enabled: bool,
}

impl Webhook {
    /// What a document says.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let body = &document.body;
        let kinds = body.get("kinds").and_then(|kinds| kinds.as_array());
        let named = kinds.into_iter().flatten().filter_map(|kind| kind.as_str());
        let owner = |field| text(body, field).filter(|id| !id.is_empty()).map(str::to_owned);
        Self {
            id: document.id.clone(),
            url: text(body, "url").unwrap_or_default().to_owned(),
            kinds: named.filter_map(EventKind::named).collect(),
            realm: Realm { organization: owner("organization"), group: owner("group") },
            enabled: body.get("enabled").and_then(serde_json::Value::as_bool).unwrap_or(true),
        }
    }

    /// The webhook of an id.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn find(connection: &mut dyn Connection, id: &str) -> Result<Option<Self>, StoreError> {
        Ok(Shelf::Webhooks.find(connection, id)?.as_ref().map(Self::of))
    }

    /// Those that are told of a kind.
    pub fn listening(
        connection: &mut dyn Connection,
        kind: EventKind,
    ) -> Result<Vec<Self>, StoreError> {
        let mut all: Vec<_> = Shelf::Webhooks.all(connection)?.iter().map(Self::of).collect();
        all.retain(|webhook| {
            webhook.enabled && (webhook.kinds.is_empty() || webhook.kinds.contains(&kind))
        });
        Ok(all)
    }

    /// Whether it is told of what belongs to `realm`.
    #[must_use]
    pub fn covers(&self, realm: &Realm) -> bool {
        let within = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        within(&self.realm.organization, &realm.organization)
            && within(&self.realm.group, &realm.group)
    }
}
