//! Plans (domain.md §1.3), and what they open of services.

mod opened;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::super::Failure;
use super::super::engine::{Dialect, Resource, owned_by_store};
use super::super::field::Fetch::{Explicit, Implicit};
use super::super::field::Kind::{Any, Choice, Instant, List, Name, Number, Switch, Text};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::{Kept, shown};
use super::super::source::{Object, Scene, realm};
use super::package::Packages;
use crate::model::{self, Limit, MAX_QPS, MAX_QUOTA, Package, Period, PlanStatus};
use crate::people::{Action, Realm};
use crate::store::{Change, Connection, Document, Kind, Shelf, StoreError};

pub(super) use opened::opens;
pub(crate) use opened::{ENDPOINTS, METHODS, SERVICES};

/// What the audit log calls a plan.
pub(crate) const NOUN: &str = "plan";

/// Whether its keys work.
const STATUS: &[&str] = &["active", "inactive"];
/// What a quota counts over (requirements.md, decision 10).
pub(super) const PERIOD: &[&str] = &["minute", "hour", "day", "month"];

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("description", Text(4096), Optional, Optional, Implicit),
    field("status", Choice(STATUS), Optional, Optional, Implicit),
    field("selfServiceKeyProvisioningEnabled", Switch, Optional, Optional, Implicit),
    field("adminKeyProvisioningEnabled", Switch, Optional, Optional, Implicit),
    field("notes", Text(4096), Optional, Optional, Explicit),
    field("maxNumKeysAllowed", Number(1_000_000), Optional, Optional, Implicit),
    field("numKeysBeforeReview", Number(1_000_000), Optional, Optional, Implicit),
    field("keyLifespan", Number(36_500), Optional, Optional, Implicit),
    field("qpsLimitCeiling", Number(MAX_QPS as u64), Optional, Optional, Implicit),
    field("qpsLimitExempt", Switch, Optional, Optional, Implicit),
    field("qpsLimitKeyOverrideAllowed", Switch, Optional, Optional, Implicit),
    field("rateLimitCeiling", Number(MAX_QUOTA), Optional, Optional, Implicit),
    field("rateLimitExempt", Switch, Optional, Optional, Implicit),
    field("rateLimitKeyOverrideAllowed", Switch, Optional, Optional, Implicit),
    field("rateLimitPeriod", Choice(PERIOD), Optional, Optional, Implicit),
    field("responseFilterOverrideAllowed", Switch, Optional, Optional, Implicit),
    field("emailTemplateSetId", Text(255), Optional, Optional, Implicit),
    field("adminEmailTemplateSetId", Text(255), Optional, Optional, Implicit),
    field("listed", Switch, Optional, Optional, Implicit),
    field("production", Switch, Optional, Optional, Implicit),
    field("eav", Any, Optional, Optional, Explicit),
    field("services", List, Optional, Optional, Explicit),
    field("roles", List, Optional, Optional, Explicit),
];

/// `/packages/{package}/plans`
pub(crate) const ALL: Resource = Resource {
    path: "/v3/rest/packages/{package}/plans",
    dialect: Dialect::V3,
    noun: NOUN,
    fields: FIELDS,
    extended: true,
    read: Action::CatalogueRead,
    write: Some(Action::PackageWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &Plans,
};

/// The plans of both sources.
pub(super) struct Plans;

impl Kept for Plans {
    const SHELF: Shelf = Shelf::Plans;
    const WRITE: Action = Action::PackageWrite;

    fn of_file(&self, scene: Scene<'_>) -> Vec<Object> {
        let package = scene.within.get("package").unwrap_or_default();
        scene.file().packages.get(package).into_iter().flat_map(objects).collect()
    }

    fn parent(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
    ) -> Result<Option<String>, Failure> {
        let package = scene.within.get("package").unwrap_or_default();
        Ok(Some(Packages.existing(scene, connection, package)?.id))
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        let package = Packages.existing(scene, change.connection(), &document.parent)?;
        owned_by_store(&package.owner)?;
        complete(&mut document.body);
        opened::check(scene, change.connection(), &document.body)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        before: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        complete(&mut document.body);
        opened::check(scene, change.connection(), &document.body)?;
        change.note(NOUN, &document.id, &properties(before), &properties(document));
        Ok(())
    }

    fn delete(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        unused(change.connection(), &document.parent, &document.id)
    }

    fn touched(&self, document: &Document) -> Option<(Kind, String)> {
        Some((Kind::Package, document.parent.clone()))
    }

    fn realm(
        &self,
        connection: &mut dyn Connection,
        document: &Document,
    ) -> Result<Realm, StoreError> {
        let package = Shelf::Packages.find(connection, &document.parent)?;
        Ok(package.map(|package| realm(&package.body)).unwrap_or_default())
    }
}

/// Nothing is ever without a limit by omission (design decision 7): what a new plan does not say is
/// what it says at the vendor's.
fn complete(body: &mut Map<String, Json>) {
    for (name, default) in [
        ("status", json!("active")),
        ("qpsLimitExempt", json!(false)),
        ("qpsLimitCeiling", json!(2)),
        ("qpsLimitKeyOverrideAllowed", json!(false)),
        ("rateLimitExempt", json!(false)),
        ("rateLimitCeiling", json!(5000)),
        ("rateLimitPeriod", json!("day")),
        ("rateLimitKeyOverrideAllowed", json!(false)),
    ] {
        body.entry(name).or_insert(default);
    }
}

/// All properties of a plan that a client can set.
fn properties(plan: &Document) -> Map<String, Json> {
    let mut properties = plan.body.clone();
    properties.insert(Plans::NAME.to_owned(), json!(plan.name));
    properties
}

/// The properties of an object, and whose it is.
pub(crate) type Present = (Map<String, Json>, Realm);

/// A plan that the store has.
pub(crate) fn present(
    connection: &mut dyn Connection,
    id: &str,
) -> Result<Option<Present>, StoreError> {
    let Some(plan) = Shelf::Plans.find(connection, id)? else { return Ok(None) };
    let realm = Plans.realm(connection, &plan)?;
    Ok(Some((properties(&plan), realm)))
}

/// Gives a plan values back that it had; one that is null is absent again.
pub(crate) fn give_back(
    scene: Scene<'_>,
    change: &mut Change<'_>,
    id: &str,
    values: BTreeMap<String, Json>,
) -> Result<(), Failure> {
    let found = Shelf::Plans.find(change.connection(), id)?;
    let before = found.ok_or_else(|| Failure::NotFound("there is no such plan".to_owned()))?;
    let mut plan = before.clone();
    for (name, value) in values {
        match value {
            Json::String(value) if name == Plans::NAME => plan.name = value,
            Json::Null => drop(plan.body.remove(&name)),
            value => drop(plan.body.insert(name, value)),
        }
    }
    plan.updated = change.now().max(before.updated + 1);
    Kept::update(&Plans, scene, change, &before, &mut plan)?;
    Shelf::Plans.update(change.connection(), &plan)?;
    change.touch(Kind::Package, plan.parent);
    Ok(())
}

/// Refuses that a plan goes which keys have.
pub(super) fn unused(
    connection: &mut dyn Connection,
    package: &str,
    plan: &str,
) -> Result<(), Failure> {
    for query in [
        "SELECT 1 FROM chains WHERE package = $1 AND plan = $2 LIMIT 1",
        "SELECT 1 FROM subscriptions WHERE package = $1 AND plan = $2 AND cancelled IS NULL LIMIT 1",
    ] {
        if connection.row(query, &[package.into(), plan.into()])?.is_some() {
            return Err(Failure::Conflict("keys have the plan; delete or move them first".into()));
        }
    }
    Ok(())
}

/// The plans of a package.
pub(super) fn of_package(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    package: &str,
) -> Result<Json, Failure> {
    let of_file = scene.file().packages.get(package).into_iter().flat_map(objects);
    let stored = Shelf::Plans.below(connection, package)?;
    let stored = stored.iter().map(|document| shown(document, Plans::NAME));
    let all = of_file.map(|object| object.json).chain(stored);
    let without = |mut json: Map<String, Json>| {
        for explicit in FIELDS.iter().filter(|field| field.fetch == Explicit) {
            json.remove(explicit.name);
        }
        Json::Object(json)
    };
    Ok(all.map(without).collect())
}

/// Those that a file owns.
fn objects(package: &Package) -> Vec<Object> {
    package.plans.values().map(|plan| object(package, plan)).collect()
}

fn object(package: &Package, plan: &model::Plan) -> Object {
    let status = match plan.status {
        PlanStatus::Active => "active",
        PlanStatus::Inactive => "inactive",
    };
    let mut json = Map::new();
    let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
    put("id", json!(&*plan.name));
    put("name", json!(&*plan.name));
    put("status", json!(status));
    put("qpsLimitExempt", json!(plan.qps == Limit::Exempt));
    put("qpsLimitKeyOverrideAllowed", json!(plan.qps_limit_key_override_allowed));
    put("rateLimitExempt", json!(plan.quota == Limit::Exempt));
    put("rateLimitKeyOverrideAllowed", json!(plan.rate_limit_key_override_allowed));
    if let Limit::Ceiling(qps) = plan.qps {
        put("qpsLimitCeiling", json!(qps.ceiling));
    }
    if let Limit::Ceiling(quota) = plan.quota {
        put("rateLimitCeiling", json!(quota));
    }
    if let Some(period) = plan.period {
        put("rateLimitPeriod", json!(word(period)));
    }
    put("services", opened::of_file(plan));
    Object {
        id: plan.name.to_string(),
        json,
        realm: Realm::default(),
        owner: package.owner.clone(),
        document: None,
        application: None,
        chain: None,
    }
}

pub(super) fn word(period: Period) -> &'static str {
    match period {
        Period::Minute => "minute",
        Period::Hour => "hour",
        Period::Day => "day",
        Period::Month => "month",
    }
}
