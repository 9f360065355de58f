//! Webhooks: who is told what happens to keys. And what they were told.

use serde_json::{Map, Value as Json, json};

use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::{Explicit, Implicit};
use super::super::field::Kind::{Choice, Instant, List, Number, Secret, Switch, Text, Url};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::{Kept, permit};
use super::super::query::Query;
use super::super::source::{Object, Scene, Source, Wanted, text};
use super::super::{Failure, date};
use crate::people::{Action, Realm};
use crate::store::{Change, Connection, Delivery, Document, Kind, Shelf, StoreError};
use crate::webhooks::{EventKind, SigningSecret, Target, Webhook, test_delivery};

/// The name of a webhook in the store. It may have a description, and needs no name.
const NAME: &str = "description";

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("url", Url(2048), Required, Optional, Implicit),
    field(NAME, Text(255), Optional, Optional, Implicit),
    field("kinds", List, Optional, Optional, Implicit),
    field("enabled", Switch, Optional, Optional, Implicit),
    field("organization", Text(64), Optional, Optional, Implicit),
    field("group", Text(64), Optional, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    // Shown once, by the answer that makes it.
    field("secret", Secret, Ignored, Ignored, Implicit),
];

const STATES: &[&str] = &["waiting", "delivered", "dead"];

const DELIVERY_FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("event", Text(64), Ignored, Ignored, Implicit),
    field("kind", Text(64), Ignored, Ignored, Implicit),
    field("state", Choice(STATES), Ignored, Ignored, Implicit),
    field("attempts", Number(u64::MAX), Ignored, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("lastAttempt", Instant, Ignored, Ignored, Implicit),
    field("nextAttempt", Instant, Ignored, Ignored, Implicit),
    field("status", Number(999), Ignored, Ignored, Implicit),
    field("failure", Text(255), Ignored, Ignored, Implicit),
    field("body", Text(1 << 20), Ignored, Ignored, Explicit),
];

/// `/api/webhooks`
pub(crate) const ALL: Resource = Resource {
    path: "/api/webhooks",
    dialect: Dialect::Native,
    noun: "webhook",
    fields: FIELDS,
    extended: false,
    // Its address can be all that it takes to be heard there.
    read: Action::WebhookWrite,
    write: Some(Action::WebhookWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &Webhooks,
};

/// `/api/webhooks/{webhook}/deliveries`
pub(crate) const DELIVERIES: Resource = Resource {
    path: "/api/webhooks/{webhook}/deliveries",
    noun: "delivery",
    fields: DELIVERY_FIELDS,
    updates: false,
    deletes: false,
    source: &Deliveries,
    ..ALL
};

/// Webhooks as they are kept, without their secrets.
struct Documents;

struct Webhooks;

struct Deliveries;

impl Kept for Documents {
    const SHELF: Shelf = Shelf::Webhooks;
    const NAME: &'static str = NAME;
    const WRITE: Action = Action::WebhookWrite;

    fn of_file(&self, _: Scene<'_>) -> Vec<Object> {
        Vec::new()
    }

    fn create(
        &self,
        scene: Scene<'_>,
        _: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        document.body.entry("kinds").or_insert_with(|| json!([]));
        document.body.entry("enabled").or_insert(json!(true));
        check(scene, document)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        _: &mut Change<'_>,
        _: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        check(scene, document)
    }

    fn delete(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        Delivery::forget_webhook(change.connection(), &document.id)?;
        SigningSecret::forget(change.connection(), &document.id)?;
        Ok(())
    }

    fn touched(&self, _: &Document) -> Option<(Kind, String)> {
        None
    }
}

impl Source for Webhooks {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
    ) -> Result<Vec<Object>, Failure> {
        Source::all(&Documents, scene, connection, query)
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        Source::find(&Documents, scene, connection, id)
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let mut made = Source::create(&Documents, scene, change, wanted)?;
        let secret = SigningSecret::fresh().map_err(|_| Failure::Store(StoreError::Closed))?;
        secret.keep(&scene.context.sealer, change.connection(), &made.id)?;
        made.json.insert("secret".to_owned(), json!(&**secret.reveal()));
        Ok(made)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        Source::update(&Documents, scene, change, object, wanted)
    }

    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
    ) -> Result<(), Failure> {
        Source::delete(&Documents, scene, change, object)
    }
}

impl Source for Deliveries {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        let webhook = webhook(scene, connection)?;
        let all = Delivery::of_webhook(connection, &webhook.id)?;
        Ok(all.into_iter().map(|delivery| shown(delivery, &webhook.realm)).collect())
    }

    fn page(
        &self,
        _: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
    ) -> Result<Option<(Vec<Object>, usize)>, Failure> {
        if !query.takes_all() {
            return Ok(None);
        }
        let webhook = webhook(scene, connection)?;
        let (offset, limit) = query.page.beyond(0);
        let page = Delivery::page(connection, &webhook.id, offset, limit)?;
        let total = Delivery::count(connection, &webhook.id)?;
        let page = page.into_iter().map(|delivery| shown(delivery, &webhook.realm)).collect();
        Ok(Some((page, total)))
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        let webhook = webhook(scene, connection)?;
        let found = Delivery::find(connection, &webhook.id, id)?;
        Ok(found.map(|delivery| shown(delivery, &webhook.realm)))
    }

    /// One by which the webhook is tried.
    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        _: Wanted,
    ) -> Result<Object, Failure> {
        let owner = webhook(scene, change.connection())?;
        let found = Webhook::find(change.connection(), &owner.id)?;
        let found =
            found.ok_or_else(|| Failure::NotFound("there is no such webhook".to_owned()))?;
        let environment = &scene.file().environment.0;
        let delivery = test_delivery(&found, environment, change.now());
        Delivery::insert_all(change.connection(), std::slice::from_ref(&delivery))?;
        Ok(shown(delivery, &owner.realm))
    }
}

/// The webhook that the path names, if the caller may look at it.
fn webhook(scene: Scene<'_>, connection: &mut dyn Connection) -> Result<Object, Failure> {
    let id = scene.within.get("webhook").unwrap_or_default();
    let found = Source::find(&Documents, scene, connection, id)?;
    let found = found.ok_or_else(|| Failure::NotFound("there is no such webhook".to_owned()))?;
    permit(scene, Action::WebhookWrite, &found.realm)?;
    Ok(found)
}

/// Refuses what no webhook can be.
fn check(scene: Scene<'_>, document: &Document) -> Result<(), Failure> {
    let url = text(&document.body, "url").unwrap_or_default();
    let rules = scene.plane.settings.webhooks;
    Target::read(url, rules).map_err(|expected| Failure::invalid("url", expected))?;
    let kinds = document.body.get("kinds").and_then(Json::as_array);
    let known = |kind: &Json| kind.as_str().and_then(EventKind::named).is_some();
    if !kinds.is_none_or(|kinds| kinds.iter().all(known)) {
        let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let message = format!("expected some of {}; none = all", names.join(", "));
        return Err(Failure::invalid("kinds", message));
    }
    Ok(())
}

fn shown(delivery: Delivery, realm: &Realm) -> Object {
    let mut json = Map::new();
    let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
    put("id", json!(delivery.id));
    put("event", json!(delivery.event));
    put("kind", json!(delivery.kind));
    put("state", json!(delivery.state.as_str()));
    put("attempts", json!(delivery.attempts));
    put("created", json!(date::show(delivery.created)));
    put("lastAttempt", json!(delivery.tried.map(date::show)));
    put("nextAttempt", json!(delivery.next.map(date::show)));
    put("status", json!(delivery.status));
    put("failure", json!(delivery.failure));
    put("body", json!(delivery.body));
    Object::of_store(delivery.id, json, realm.clone())
}
