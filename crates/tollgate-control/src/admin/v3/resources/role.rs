//! Roles: read only, and how members get them (requirements.md, decision 13).

use serde_json::{Map, Value as Json, json};

use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Instant, Object as Reference, Switch, Text};
use super::super::field::Rule::Ignored;
use super::super::field::{Field, field};
use super::super::query::Query;
use super::super::source::{Object, Scene, Source, reference, text};
use super::super::{Failure, date};
use crate::people::{Action, Realm, RoleGrant, RoleName, grants};
use crate::store::{Connection, Document};

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Text(255), Ignored, Ignored, Implicit),
    field("description", Text(255), Ignored, Ignored, Implicit),
    field("group", Reference, Ignored, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("isPredefined", Switch, Ignored, Ignored, Implicit),
    field("isOrgrole", Switch, Ignored, Ignored, Implicit),
    field("isAssignable", Switch, Ignored, Ignored, Implicit),
];

/// `/roles`
pub(crate) const ALL: Resource = Resource {
    path: "/v3/rest/roles",
    dialect: Dialect::V3,
    noun: "role",
    fields: FIELDS,
    extended: false,
    read: Action::CatalogueRead,
    write: None,
    creates: false,
    updates: false,
    deletes: false,
    source: &Roles,
};

/// The names that roles go by.
struct Roles;

impl Source for Roles {
    fn all(
        &self,
        scene: Scene<'_>,
        _: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        Ok(scene.permissions().names().iter().map(object).collect())
    }

    fn find(
        &self,
        scene: Scene<'_>,
        _: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        let names = scene.permissions().names();
        Ok(names.iter().find(|name| name.id == id).map(object))
    }
}

fn object(name: &RoleName) -> Object {
    let mut json = named(name);
    json.insert("description".to_owned(), json!(format!("means {}", name.role.as_str())));
    // They are as old as the configuration.
    json.insert("created".to_owned(), json!(date::show(0)));
    json.insert("updated".to_owned(), json!(date::show(0)));
    json.insert("isPredefined".to_owned(), json!(true));
    json.insert("isOrgrole".to_owned(), json!(false));
    json.insert("isAssignable".to_owned(), json!(true));
    Object::of_store(name.id.clone(), json, Realm::default())
}

fn named(name: &RoleName) -> Map<String, Json> {
    let mut json = Map::new();
    json.insert("id".to_owned(), json!(name.id));
    json.insert("name".to_owned(), json!(name.name));
    json
}

/// The roles of a member, each with its name.
pub(super) fn shown(scene: Scene<'_>, member: Option<&Document>) -> Json {
    let grants = member.map(grants).unwrap_or_default();
    let show = |grant: RoleGrant| {
        let mut json = Map::new();
        let name = scene.permissions().find(&grant.id);
        json.insert("id".to_owned(), json!(grant.id));
        json.insert("name".to_owned(), json!(name.map_or(&*grant.id, |name| &*name.name)));
        for (name, id) in [
            ("organization", grant.organization),
            ("group", grant.group),
            ("environment", grant.environment),
        ] {
            if let Some(id) = id {
                json.insert(name.to_owned(), json!(id));
            }
        }
        Json::Object(json)
    };
    grants.into_iter().map(show).collect()
}

/// Brings the roles that a member is given into their form, and refuses those that the caller may
/// not give or take (S4-26). Whoever is somebody can be changed by those only who are as much: a
/// password that they set would make them the other.
pub(super) fn assign(
    scene: Scene<'_>,
    before: Option<&Document>,
    document: &mut Document,
) -> Result<(), Failure> {
    if let Some(before) = before {
        outranks(scene, before)?;
    }
    let Some(roles) = document.body.get("roles").and_then(Json::as_array) else { return Ok(()) };
    let granted = roles.iter().map(|role| grant(scene, role)).collect::<Result<Vec<_>, _>>()?;
    document.body.insert("roles".to_owned(), json!(granted));
    outranks(scene, document)
}

/// Refuses what is done to a member who is more than the caller.
pub(super) fn outranks(scene: Scene<'_>, member: &Document) -> Result<(), Failure> {
    let permissions = scene.permissions();
    let all = grants(member).iter().all(|grant| scene.caller.outranks(permissions, grant));
    if all { Ok(()) } else { Err(Failure::Forbidden(Action::MemberWrite)) }
}

fn grant(scene: Scene<'_>, role: &Json) -> Result<RoleGrant, Failure> {
    let expected = || {
        let names: Vec<_> = scene.permissions().names().iter().map(|name| &*name.name).collect();
        Failure::invalid("roles", format!("expected objects with one of {}", names.join(", ")))
    };
    let role = role.as_object().ok_or_else(expected)?;
    let asked = text(role, "id").or_else(|| text(role, "name")).ok_or_else(expected)?;
    let name = scene.permissions().find(asked).ok_or_else(expected)?;
    let id = |name| reference(role, name).map(str::to_owned);
    Ok(RoleGrant {
        id: name.id.clone(),
        organization: id("organization"),
        group: id("group"),
        environment: id("environment"),
    })
}
