//! Members (domain.md §1.3).

use serde_json::{Map, Value as Json, json};

use super::super::Failure;
use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::{Explicit, Implicit, Never};
use super::super::field::Kind::{Choice, Instant, List, Name, Object as Reference, Password, Text};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::Kept;
use super::super::source::{Object, Scene, Source as _, text};
use super::application::Applications;
use super::package_key::PackageKeys;
use super::role;
use crate::model::MemberStatus;
use crate::people::{Action, PasswordHash, Realm, Role, grants, is_active};
use crate::store::{Change, Connection, Document, Kind, Shelf};

/// Words for where a member is in life.
const STATUS: &[&str] = &["waiting", "active", "disabled"];

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("username", Name(255), Required, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("email", Text(255), Required, Optional, Implicit),
    field("displayName", Text(255), Optional, Optional, Implicit),
    field("firstName", Text(255), Optional, Optional, Implicit),
    field("lastName", Text(255), Optional, Optional, Implicit),
    field("uri", Text(2048), Optional, Optional, Implicit),
    field("blog", Text(2048), Optional, Optional, Implicit),
    field("im", Text(255), Optional, Optional, Implicit),
    field("imsvc", Text(255), Optional, Optional, Implicit),
    field("phone", Text(255), Optional, Optional, Implicit),
    field("company", Text(255), Optional, Optional, Implicit),
    field("address1", Text(255), Optional, Optional, Implicit),
    field("address2", Text(255), Optional, Optional, Implicit),
    field("locality", Text(255), Optional, Optional, Implicit),
    field("region", Text(255), Optional, Optional, Implicit),
    field("postalCode", Text(255), Optional, Optional, Implicit),
    field("countryCode", Text(255), Optional, Optional, Implicit),
    field("firstLoginDate", Instant, Ignored, Ignored, Implicit),
    field("registrationIpaddr", Text(255), Optional, Optional, Implicit),
    field("areaStatus", Choice(STATUS), Optional, Optional, Implicit),
    field("externalId", Text(255), Optional, Optional, Implicit),
    field("passwdNew", Password, Optional, Optional, Never),
    // What was meant for the field above is kept nowhere.
    field("password", Password, Ignored, Ignored, Never),
    field("organization", Reference, Optional, Optional, Implicit),
    field("group", Reference, Optional, Optional, Implicit),
    field("roles", List, Optional, Optional, Explicit),
    field("applications", List, Ignored, Ignored, Explicit),
    field("packageKeys", List, Ignored, Ignored, Explicit),
];

/// `/members`
pub(crate) const ALL: Resource = Resource {
    path: "/v3/rest/members",
    dialect: Dialect::V3,
    noun: "member",
    fields: FIELDS,
    extended: true,
    read: Action::MemberRead,
    write: Some(Action::MemberWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &Members,
};

/// The members of both sources.
pub(crate) struct Members;

impl Kept for Members {
    const SHELF: Shelf = Shelf::Members;
    const NAME: &'static str = "username";
    const WRITE: Action = Action::MemberWrite;
    const MANY: bool = true;

    fn of_file(&self, scene: Scene<'_>) -> Vec<Object> {
        let object = |member: &crate::model::Member| {
            let status = match member.status {
                MemberStatus::Waiting => "waiting",
                MemberStatus::Active => "active",
                MemberStatus::Disabled => "disabled",
            };
            let mut json = Map::new();
            json.insert("id".to_owned(), json!(&*member.name));
            json.insert("username".to_owned(), json!(&*member.name));
            json.insert("email".to_owned(), json!(member.email));
            json.insert("areaStatus".to_owned(), json!(status));
            Object {
                id: member.name.to_string(),
                json,
                realm: Realm::default(),
                owner: member.owner.clone(),
                document: None,
                application: None,
                chain: None,
            }
        };
        scene.file().members.values().map(object).collect()
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        let known = scene.file().members.contains_key(document.name.as_str())
            || Shelf::Members.named(change.connection(), &document.name)?.is_some();
        if known {
            return Err(Failure::invalid("username", "somebody has this user name already"));
        }
        document.body.entry("areaStatus").or_insert(json!("active"));
        role::assign(scene, None, document)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        before: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        role::assign(scene, Some(before), document)?;
        let was = text(&before.body, "areaStatus");
        let is = text(&document.body, "areaStatus");
        if was != is && was != Some("waiting") && is == Some("waiting") {
            return Err(Failure::invalid("areaStatus", "nothing returns to waiting"));
        }
        if !rules(scene, document) {
            keep_an_owner(scene, change.connection(), before)?;
        }
        Ok(())
    }

    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        role::outranks(scene, document)?;
        keep_an_owner(scene, change.connection(), document)?;
        if !Shelf::Applications.below(change.connection(), &document.id)?.is_empty() {
            return Err(Failure::Conflict(
                "the member owns applications; delete those first".to_owned(),
            ));
        }
        PasswordHash::forget(change.connection(), &document.id)?;
        Ok(())
    }

    fn touched(&self, document: &Document) -> Option<(Kind, String)> {
        Some((Kind::Member, document.id.clone()))
    }

    fn explicit(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
        field: &str,
    ) -> Result<Option<Json>, Failure> {
        match field {
            "roles" => Ok(Some(role::shown(scene, object.document.as_ref()))),
            "applications" => Applications.of_member(scene, connection, &object.id).map(Some),
            "packageKeys" => {
                let applications = scene.directory().applications_of(connection, &object.id)?;
                PackageKeys.of_application(scene, connection, &applications).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl Members {
    /// The member of an id, in either source.
    pub(crate) fn existing(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Object, Failure> {
        let found = self.find(scene, connection, id)?;
        found.ok_or_else(|| Failure::NotFound("there is no such member".to_owned()))
    }

    /// The member of a user name, in either source.
    pub(crate) fn named(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        username: &str,
    ) -> Result<Option<Object>, Failure> {
        match scene.directory().member_named(connection, username)? {
            Some(member) => self.find(scene, connection, &member.id),
            None => Ok(None),
        }
    }
}

/// Whether somebody is an owner of everything, and can log in.
fn rules(scene: Scene<'_>, member: &Document) -> bool {
    let owner = |grant: &crate::people::RoleGrant| {
        scene.permissions().role(&grant.id) == Role::Owner
            && grant.realm().is_shared()
            && grant.holds_in(&scene.file().environment.0)
    };
    is_active(member) && grants(member).iter().any(owner)
}

/// Refuses that the last owner goes: nobody could let anybody in any more.
fn keep_an_owner(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    leaving: &Document,
) -> Result<(), Failure> {
    if !rules(scene, leaving) {
        return Ok(());
    }
    let members = Shelf::Members.all(connection)?;
    for other in members.iter().filter(|member| member.id != leaving.id && rules(scene, member)) {
        if PasswordHash::of(connection, &other.id)?.is_some() {
            return Ok(());
        }
    }
    Err(Failure::Conflict("the member is the last owner who can log in".to_owned()))
}
