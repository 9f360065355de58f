//! Events, written down where they happen.

use serde_json::{Map, Value as Json, json};

use super::{EventKind, Webhook};
use crate::life_cycle::{Chain, Entry, Happening, KeyNumber, State};
use crate::model::Key;
use crate::operations::Context;
use crate::people::Realm;
use crate::store::{Change, Connection, Delivery, DeliveryState, Shelf, StoreError, StoredChain};

/// An overlap that ends within this time is ending: a day, in seconds.
pub(super) const OVERLAP_ENDING: i64 = 86_400;

/// So many keys are named in one event at most.
const NAMED: usize = 100;

impl Context {
    /// Tells who listens of something that has happened to a key of a chain; `None` = to the chain.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub(crate) fn tell(
        &self,
        change: &mut Change<'_>,
        kind: EventKind,
        chain: &StoredChain,
        key: Option<KeyNumber>,
        details: Map<String, Json>,
    ) -> Result<(), StoreError> {
        let mut listening = Webhook::listening(change.connection(), kind)?;
        if listening.is_empty() {
            return Ok(());
        }
        let realm = realm_of(change.connection(), &chain.application)?;
        listening.retain(|webhook| webhook.covers(&realm));
        let mut data = self.about(change.connection(), chain, key)?;
        data.extend(details);
        send(change, kind, &listening, &data)
    }

    /// The same of a key that a file owns. It is of no organization and no group, so those are told
    /// who are told of all.
    pub(super) fn tell_of_file(
        &self,
        change: &mut Change<'_>,
        kind: EventKind,
        key: &Key,
        details: Map<String, Json>,
    ) -> Result<(), StoreError> {
        let mut listening = Webhook::listening(change.connection(), kind)?;
        listening.retain(|webhook| webhook.covers(&Realm::default()));
        let (name, application) = (&*key.name, &*key.application);
        let mut data = of([
            ("environment", json!(&*self.files.environment.0)),
            ("application", json!({ "id": application, "name": application })),
            ("keySet", json!({ "id": name, "name": name, "kind": "package_key" })),
            ("key", json!({ "id": name, "number": key.number })),
        ]);
        data.extend(details);
        send(change, kind, &listening, &data)
    }

    /// Tells of what has become of a chain that was as `before`.
    pub(crate) fn tell_of_life(
        &self,
        change: &mut Change<'_>,
        before: &Chain,
        chain: &StoredChain,
        entries: &[Entry],
    ) -> Result<(), StoreError> {
        let latest = &chain.life.latest;
        for entry in entries {
            let (kind, details) = match &entry.what {
                // A superseded key is suspended along with LATEST: that is told once.
                Happening::Became(State::Suspended) if entry.key == latest.number => {
                    (EventKind::Suspended, Map::new())
                }
                Happening::Became(State::Revoked) => (EventKind::Revoked, Map::new()),
                Happening::Became(State::Expired) if entry.key == latest.number => {
                    (EventKind::Expired, Map::new())
                }
                Happening::Rotated => {
                    (EventKind::Rotated, of([("successor", json!(chain.key_id(latest.number)))]))
                }
                Happening::SupersededUntil(until) if until - entry.at <= OVERLAP_ENDING => {
                    (EventKind::OverlapEnding, of([("ends", json!(instant(*until)))]))
                }
                _ => continue,
            };
            self.tell(change, kind, chain, Some(entry.key), details)?;
        }
        let of_before = (before.latest.number, before.latest.rotation);
        let planned = latest.rotation.filter(|_| of_before != (latest.number, latest.rotation));
        if let Some(rotation) = planned {
            let details = of([
                ("planned", json!(instant(rotation.planned))),
                ("runs", json!(instant(rotation.due))),
            ]);
            self.tell(change, EventKind::RotationPlanned, chain, Some(latest.number), details)?;
        }
        Ok(())
    }

    /// Tells that a chain is deleted, which revokes its keys unless they were over before.
    pub(crate) fn tell_of_deletion(
        &self,
        change: &mut Change<'_>,
        chain: &StoredChain,
    ) -> Result<(), StoreError> {
        for key in chain.life.keys().filter(|key| !key.state.is_over()) {
            let details = of([("deleted", json!(true))]);
            self.tell(change, EventKind::Revoked, chain, Some(key.number), details)?;
        }
        Ok(())
    }

    /// Tells that somebody was shown the values of these keys.
    pub(crate) fn tell_of_retrieval(
        &self,
        change: &mut Change<'_>,
        actor: &str,
        keys: &[String],
    ) -> Result<(), StoreError> {
        let kind = EventKind::CredentialsRetrieved;
        let listening = Webhook::listening(change.connection(), kind)?;
        if listening.is_empty() {
            return Ok(());
        }
        let mut shown = Vec::new();
        for id in keys {
            let query = "SELECT c.id, c.application FROM keys k JOIN chains c ON c.id = k.chain \
                         WHERE k.id = $1";
            let row = change.connection().row(query, &[id.as_str().into()])?;
            if let Some(row) = row {
                let realm = realm_of(change.connection(), row.text(1)?)?;
                shown.push((row.text(0)?.to_owned(), realm));
            }
        }
        // Of several keys of a key set it is told once.
        shown.dedup();
        let (now, event) = (change.now(), event_id());
        for webhook in listening {
            let own = shown.iter().filter(|(_, realm)| webhook.covers(realm));
            let own: Vec<_> = own.map(|(id, _)| id.as_str()).collect();
            if own.is_empty() {
                continue;
            }
            let named = own.get(..NAMED).unwrap_or(&own);
            let data = of([
                ("environment", json!(&*self.files.environment.0)),
                ("actor", json!(actor)),
                ("count", json!(own.len())),
                ("keySets", json!(named)),
            ]);
            let delivery = new(&webhook, &event, kind, &body(kind, now, &data), now);
            Delivery::insert_all(change.connection(), &[delivery])?;
        }
        Ok(())
    }

    /// What an event says of a chain and a key of it. Nothing of it is secret.
    fn about(
        &self,
        connection: &mut dyn Connection,
        chain: &StoredChain,
        key: Option<KeyNumber>,
    ) -> Result<Map<String, Json>, StoreError> {
        let application = self.directory().application(connection, &chain.application)?;
        let name = application.map(|application| application.name);
        let form = if chain.life.policy.is_some() { "key_set" } else { "package_key" };
        let mut data = of([
            ("environment", json!(&*self.files.environment.0)),
            ("application", json!({ "id": chain.application, "name": name })),
            ("keySet", json!({ "id": chain.id, "name": chain.name, "kind": form })),
        ]);
        if let Some(number) = key {
            let key = json!({ "id": chain.key_id(number), "number": number.0 });
            data.insert("key".to_owned(), key);
        }
        Ok(data)
    }
}

/// A delivery by which somebody tries a webhook.
#[must_use]
pub fn test_delivery(webhook: &Webhook, environment: &str, now: i64) -> Delivery {
    let data = of([("environment", json!(environment)), ("webhook", json!({ "id": webhook.id }))]);
    new(webhook, &event_id(), EventKind::Test, &body(EventKind::Test, now, &data), now)
}

/// Whose an application is.
fn realm_of(connection: &mut dyn Connection, application: &str) -> Result<Realm, StoreError> {
    let found = Shelf::Applications.find(connection, application)?;
    let owner = |field: &str| {
        let value = found.as_ref()?.body.get(field)?;
        let id = value.as_str().or_else(|| value.get("id")?.as_str());
        id.filter(|id| !id.is_empty()).map(str::to_owned)
    };
    Ok(Realm { organization: owner("organization"), group: owner("group") })
}

/// Writes one event down for each of these webhooks.
fn send(
    change: &mut Change<'_>,
    kind: EventKind,
    listening: &[Webhook],
    data: &Map<String, Json>,
) -> Result<(), StoreError> {
    let (now, id) = (change.now(), event_id());
    let body = body(kind, now, data);
    let deliveries: Vec<_> =
        listening.iter().map(|webhook| new(webhook, &id, kind, &body, now)).collect();
    Delivery::insert_all(change.connection(), &deliveries)
}

fn new(webhook: &Webhook, event: &str, kind: EventKind, body: &str, now: i64) -> Delivery {
    Delivery {
        id: uuid::Uuid::now_v7().to_string(),
        webhook: webhook.id.clone(),
        event: event.to_owned(),
        kind: kind.as_str().to_owned(),
        body: body.to_owned(),
        created: now,
        state: DeliveryState::Waiting,
        attempts: 0,
        next: Some(now),
        tried: None,
        status: None,
        failure: None,
    }
}

fn event_id() -> String {
    format!("evt_{}", uuid::Uuid::now_v7().simple())
}

fn body(kind: EventKind, now: i64, data: &Map<String, Json>) -> String {
    let timestamp = instant(now.div_euclid(1000));
    json!({ "type": kind.as_str(), "timestamp": timestamp, "data": data }).to_string()
}

/// `2026-11-26T17:31:05Z`, of seconds since 1970.
pub(super) fn instant(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX).to_string()
}

pub(super) fn of<const N: usize>(fields: [(&str, Json); N]) -> Map<String, Json> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
