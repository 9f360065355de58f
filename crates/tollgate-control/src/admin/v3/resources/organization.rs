//! Organizations and their groups: whose things are.

use serde_json::Value as Json;

use super::super::Failure;
use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Instant, Name, Text};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::Kept;
use super::super::source::{Object, Scene, Source as _, reference};
use crate::people::{Action, Realm, grants};
use crate::store::{Change, Connection, Document, Kind, Shelf, StoreError};

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("description", Text(4096), Optional, Optional, Implicit),
];

/// `/api/organizations`
pub(crate) const ALL: Resource = Resource {
    path: "/api/organizations",
    dialect: Dialect::Native,
    noun: "organization",
    fields: FIELDS,
    extended: false,
    read: Action::OrganizationRead,
    write: Some(Action::OrganizationWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &Organizations,
};

/// `/api/organizations/{organization}/groups`
pub(crate) const GROUPS: Resource = Resource {
    path: "/api/organizations/{organization}/groups",
    noun: "group",
    write: Some(Action::GroupWrite),
    source: &Groups,
    ..ALL
};

struct Organizations;
struct Groups;

impl Kept for Organizations {
    const SHELF: Shelf = Shelf::Organizations;
    const WRITE: Action = Action::OrganizationWrite;

    fn of_file(&self, _: Scene<'_>) -> Vec<Object> {
        Vec::new()
    }

    fn create(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        free(Shelf::Organizations, change.connection(), document)
    }

    fn update(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        _: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        free(Shelf::Organizations, change.connection(), document)
    }

    fn delete(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        if !Shelf::Groups.below(change.connection(), &document.id)?.is_empty() {
            return Err(Failure::Conflict("the organization has groups".to_owned()));
        }
        unused(change.connection(), "organization", &document.id)
    }

    fn touched(&self, _: &Document) -> Option<(Kind, String)> {
        None
    }

    fn realm(&self, _: &mut dyn Connection, document: &Document) -> Result<Realm, StoreError> {
        Ok(Realm { organization: Some(document.id.clone()), group: None })
    }
}

impl Kept for Groups {
    const SHELF: Shelf = Shelf::Groups;
    const WRITE: Action = Action::GroupWrite;

    fn of_file(&self, _: Scene<'_>) -> Vec<Object> {
        Vec::new()
    }

    fn parent(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
    ) -> Result<Option<String>, Failure> {
        let id = scene.within.get("organization").unwrap_or_default();
        let found = Organizations.find(scene, connection, id)?;
        let missing = || Failure::NotFound("there is no such organization".to_owned());
        Ok(Some(found.ok_or_else(missing)?.id))
    }

    fn create(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        free(Shelf::Groups, change.connection(), document)
    }

    fn update(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        _: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        free(Shelf::Groups, change.connection(), document)
    }

    fn delete(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        unused(change.connection(), "group", &document.id)
    }

    fn touched(&self, _: &Document) -> Option<(Kind, String)> {
        None
    }

    fn realm(&self, _: &mut dyn Connection, document: &Document) -> Result<Realm, StoreError> {
        let organization = Some(document.parent.clone());
        Ok(Realm { organization, group: Some(document.id.clone()) })
    }
}

/// Refuses a name that another one beside it has.
fn free(shelf: Shelf, connection: &mut dyn Connection, document: &Document) -> Result<(), Failure> {
    let beside = shelf.below(connection, &document.parent)?;
    let taken = beside.iter().any(|other| other.name == document.name && other.id != document.id);
    if taken { Err(Failure::invalid("name", "another one has this name")) } else { Ok(()) }
}

/// Refuses that something goes which things belong to, or roles are bound to.
fn unused(connection: &mut dyn Connection, field: &str, id: &str) -> Result<(), Failure> {
    for shelf in [Shelf::Members, Shelf::Applications, Shelf::Packages, Shelf::Services] {
        for document in shelf.all(connection)? {
            let bound = |name: &str| {
                let given = serde_json::to_value(grants(&document)).unwrap_or(Json::Null);
                let given = given.as_array().into_iter().flatten().filter_map(Json::as_object);
                given.into_iter().any(|grant| reference(grant, name) == Some(id))
            };
            if reference(&document.body, field) == Some(id) || bound(field) {
                let what = shelf.as_str();
                return Err(Failure::Conflict(format!("{what} belong to it: {}", document.name)));
            }
        }
    }
    Ok(())
}
