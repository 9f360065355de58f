//! Policy templates: how key sets live that come from an API which the template is assigned to
//! (S4-6).

use serde_json::Value as Json;

use super::super::Failure;
use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Instant, List, Name, Number, Switch, Text};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::Kept;
use super::super::source::{Object, Scene, Source as _};
use super::service::Services;
use crate::directory::number;
use crate::life_cycle::{Months, RotationPolicy};
use crate::people::Action;
use crate::store::{Change, Connection, Document, Kind, Shelf};

/// A hundred years.
const MONTHS: u64 = 1_200;
/// As many days as such a rotation may have of lead at most.
const LEAD: u64 = MONTHS * 28 * 86_400;

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("description", Text(4096), Optional, Optional, Implicit),
    // 0 = never; likewise below.
    field("rotationMonths", Number(MONTHS), Optional, Optional, Implicit),
    field("rotationLeadSeconds", Number(LEAD), Optional, Optional, Implicit),
    field("expirationMonths", Number(MONTHS), Optional, Optional, Implicit),
    field("manualRegeneration", Switch, Optional, Optional, Implicit),
    field("overlapSeconds", Number(u32::MAX as u64), Optional, Optional, Implicit),
    // The ids of the APIs that it is assigned to.
    field("services", List, Optional, Optional, Implicit),
];

/// `/api/policies`
pub(crate) const ALL: Resource = Resource {
    path: "/api/policies",
    dialect: Dialect::Native,
    noun: "policy",
    fields: FIELDS,
    extended: false,
    read: Action::CatalogueRead,
    write: Some(Action::PolicyWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &Policies,
};

struct Policies;

impl Kept for Policies {
    const SHELF: Shelf = Shelf::Policies;
    const WRITE: Action = Action::PolicyWrite;

    fn of_file(&self, _: Scene<'_>) -> Vec<Object> {
        Vec::new()
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        check(scene, change.connection(), document)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        _: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        check(scene, change.connection(), document)
    }

    fn delete(&self, _: Scene<'_>, _: &mut Change<'_>, document: &Document) -> Result<(), Failure> {
        // What is subscribed to later would live for ever, and nobody would have said so.
        match services(document).next() {
            None => Ok(()),
            Some(service) => {
                Err(Failure::Conflict(format!("it is assigned to the service {service:?}")))
            }
        }
    }

    /// Key sets have their own copy of it.
    fn touched(&self, _: &Document) -> Option<(Kind, String)> {
        None
    }
}

fn check(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    document: &Document,
) -> Result<(), Failure> {
    let body = &document.body;
    let lead: u32 = match body.get("rotationLeadSeconds") {
        None => 0,
        Some(_) => number(body, "rotationLeadSeconds").unwrap_or(u32::MAX),
    };
    let rotation = number(body, "rotationMonths").and_then(Months::new);
    if rotation.is_some_and(|after| RotationPolicy::new(after, lead).is_none()) {
        let expected = "expected less than the months of the rotation have at least";
        return Err(Failure::invalid("rotationLeadSeconds", expected));
    }
    let given = body.get("services").and_then(Json::as_array).map_or(0, Vec::len);
    let assigned: Vec<_> = services(document).collect();
    if assigned.len() < given {
        return Err(Failure::invalid("services", "expected ids of services"));
    }
    for service in &assigned {
        if Services.find(scene, connection, service)?.is_none() {
            let message = format!("there is no service with the id {service:?}");
            return Err(Failure::invalid("services", message));
        }
    }
    for other in Shelf::Policies.all(connection)? {
        if other.id == document.id {
            continue;
        }
        if other.name == document.name {
            return Err(Failure::invalid("name", "another one has this name"));
        }
        if let Some(twice) = services(&other).find(|service| assigned.contains(service)) {
            let message = format!("the policy {:?} is assigned to {twice:?}", other.name);
            return Err(Failure::invalid("services", message));
        }
    }
    Ok(())
}

/// The services that a template is assigned to.
fn services(document: &Document) -> impl Iterator<Item = &str> {
    let list = document.body.get("services").and_then(Json::as_array);
    list.into_iter().flatten().filter_map(Json::as_str)
}
