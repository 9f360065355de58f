//! Packages (domain.md §1.3).

use serde_json::{Map, Value as Json, json};

use super::super::Failure;
use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::{Explicit, Implicit};
use super::super::field::Kind::{
    Any, Choice, Instant, List, Name, Number, Object as Reference, Switch, Text,
};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::Kept;
use super::super::source::{Object, Scene, Source as _};
use super::plan;
use crate::model::{Notify, Package};
use crate::people::{Action, Realm};
use crate::store::{Change, Connection, Document, Kind, Shelf};

/// How often somebody is told of the same thing at most.
const NOTIFY_PERIOD: &[&str] = &["minute", "hour", "day", "week", "month"];

/// The shortest key that is made to measure: 82 bits of chance.
const SHORTEST_KEY: u64 = 16;

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("description", Text(4096), Optional, Optional, Implicit),
    field("notifyDeveloperPeriod", Choice(NOTIFY_PERIOD), Optional, Optional, Implicit),
    field("notifyDeveloperNearQuota", Switch, Optional, Optional, Implicit),
    field("notifyDeveloperOverQuota", Switch, Optional, Optional, Implicit),
    field("notifyDeveloperOverThrottle", Switch, Optional, Optional, Implicit),
    field("notifyAdminPeriod", Choice(NOTIFY_PERIOD), Optional, Optional, Implicit),
    field("notifyAdminNearQuota", Switch, Optional, Optional, Implicit),
    field("notifyAdminOverQuota", Switch, Optional, Optional, Implicit),
    field("notifyAdminOverThrottle", Switch, Optional, Optional, Implicit),
    field("notifyAdminEmails", Text(4096), Optional, Optional, Implicit),
    field("nearQuotaThreshold", Number(100), Optional, Optional, Implicit),
    field("eav", Any, Optional, Optional, Explicit),
    field("keyAdapter", Text(255), Optional, Optional, Implicit),
    field("keyLength", Number(255), Optional, Optional, Implicit),
    field("sharedSecretLength", Number(255), Optional, Optional, Implicit),
    field("production", Switch, Optional, Optional, Implicit),
    field("organization", Reference, Optional, Optional, Implicit),
    field("plans", List, Ignored, Ignored, Explicit),
];

/// `/packages`
pub(crate) const ALL: Resource = Resource {
    path: "/v3/rest/packages",
    dialect: Dialect::V3,
    noun: "package",
    fields: FIELDS,
    extended: true,
    read: Action::CatalogueRead,
    write: Some(Action::PackageWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &Packages,
};

/// The packages of both sources.
pub(crate) struct Packages;

impl Kept for Packages {
    const SHELF: Shelf = Shelf::Packages;
    const WRITE: Action = Action::PackageWrite;

    fn of_file(&self, scene: Scene<'_>) -> Vec<Object> {
        scene.file().packages.values().map(object).collect()
    }

    fn create(
        &self,
        _: Scene<'_>,
        _: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        check(document)
    }

    fn update(
        &self,
        _: Scene<'_>,
        _: &mut Change<'_>,
        _: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        check(document)
    }

    fn delete(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        for plan in Shelf::Plans.below(change.connection(), &document.id)? {
            plan::unused(change.connection(), &document.id, &plan.id)?;
            Shelf::Plans.delete(change.connection(), &plan.id)?;
        }
        Ok(())
    }

    fn touched(&self, document: &Document) -> Option<(Kind, String)> {
        Some((Kind::Package, document.id.clone()))
    }

    fn explicit(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
        field: &str,
    ) -> Result<Option<Json>, Failure> {
        if field != "plans" {
            return Ok(None);
        }
        plan::of_package(scene, connection, &object.id).map(Some)
    }
}

impl Packages {
    /// The package of an id, in either source.
    pub(crate) fn existing(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Object, Failure> {
        let found = self.find(scene, connection, id)?;
        found.ok_or_else(|| Failure::NotFound("there is no such package".to_owned()))
    }
}

fn check(document: &Document) -> Result<(), Failure> {
    let length = document.body.get("keyLength").and_then(Json::as_u64);
    if length.is_some_and(|length| length < SHORTEST_KEY) {
        let message = format!("expected {SHORTEST_KEY} at least: shorter keys can be guessed");
        return Err(Failure::invalid("keyLength", message));
    }
    Ok(())
}

/// One that a file owns.
fn object(package: &Package) -> Object {
    let mut json = Map::new();
    json.insert("id".to_owned(), json!(&*package.name));
    json.insert("name".to_owned(), json!(&*package.name));
    json.insert("description".to_owned(), json!(package.description));
    let Notify { near_quota_threshold, developer, admin } = package.notify;
    json.insert("nearQuotaThreshold".to_owned(), json!(near_quota_threshold));
    for (whom, notified) in [("Developer", developer), ("Admin", admin)] {
        let mut put = |what: &str, value: Json| json.insert(format!("notify{whom}{what}"), value);
        put("Period", json!(notified.period.as_str()));
        put("NearQuota", json!(notified.near_quota));
        put("OverQuota", json!(notified.over_quota));
        put("OverThrottle", json!(notified.over_throttle));
    }
    Object {
        id: package.name.to_string(),
        json,
        realm: Realm::default(),
        owner: package.owner.clone(),
        document: None,
        application: None,
        chain: None,
    }
}
