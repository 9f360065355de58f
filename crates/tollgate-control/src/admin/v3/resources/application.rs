//! Applications (domain.md §1.3). They are made below the member whose they are (S0-3).

use serde_json::{Map, Value as Json, json};

use super::super::Failure;
use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::{Explicit, Implicit};
use super::super::field::Kind::{Instant, List, Name, Object as Reference, Switch, Text};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::{Kept, shown};
use super::super::source::{Object, Scene, realm, text};
use super::member::Members;
use super::package_key::PackageKeys;
use crate::directory::seen_application;
use crate::model::{Application, ApplicationStatus, Owner};
use crate::people::{Action, Realm};
use crate::store::{Change, Connection, Document, Kind, Shelf};

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("username", Name(255), Optional, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("description", Text(4096), Optional, Optional, Implicit),
    field("type", Text(255), Optional, Optional, Implicit),
    field("commercial", Switch, Optional, Optional, Implicit),
    field("ads", Switch, Optional, Optional, Implicit),
    field("adsSystem", Text(255), Optional, Optional, Implicit),
    field("usageModel", Text(255), Optional, Optional, Implicit),
    field("tags", Text(4096), Optional, Optional, Implicit),
    field("notes", Text(4096), Optional, Optional, Implicit),
    field("howDidYouHear", Text(4096), Optional, Optional, Implicit),
    field("preferredProtocol", Text(255), Optional, Optional, Implicit),
    field("preferredOutput", Text(255), Optional, Optional, Implicit),
    field("externalId", Text(255), Optional, Optional, Implicit),
    field("uri", Text(2048), Optional, Optional, Implicit),
    field("oauthRedirectUri", Text(2048), Optional, Optional, Implicit),
    field("isPackaged", Switch, Optional, Optional, Implicit),
    field("status", Text(16), Ignored, Ignored, Implicit),
    field("organization", Reference, Optional, Optional, Implicit),
    field("group", Reference, Optional, Optional, Implicit),
    field("packageKeys", List, Ignored, Ignored, Explicit),
];

const EVERYWHERE: Resource = Resource {
    path: "/v3/rest/applications",
    dialect: Dialect::V3,
    noun: "application",
    fields: FIELDS,
    extended: true,
    read: Action::ApplicationRead,
    write: Some(Action::ApplicationWrite),
    creates: false,
    updates: true,
    deletes: true,
    source: &Applications,
};

/// `/applications`
pub(crate) const ALL: Resource = EVERYWHERE;

/// `/members/{member}/applications`
pub(crate) const OF_MEMBER: Resource =
    Resource { path: "/v3/rest/members/{member}/applications", creates: true, ..EVERYWHERE };

/// The applications of both sources.
pub(crate) struct Applications;

impl Kept for Applications {
    const SHELF: Shelf = Shelf::Applications;
    const WRITE: Action = Action::ApplicationWrite;
    const MANY: bool = true;

    fn of_file(&self, scene: Scene<'_>) -> Vec<Object> {
        let member = scene.within.get("member");
        let all = scene.file().applications.values();
        all.filter(|each| member.is_none_or(|member| &*each.member == member)).map(object).collect()
    }

    fn parent(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
    ) -> Result<Option<String>, Failure> {
        let Some(member) = scene.within.get("member") else { return Ok(None) };
        Ok(Some(Members.existing(scene, connection, member)?.id))
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        let owner = Members.existing(scene, change.connection(), &document.parent)?;
        let username = text(&owner.json, "username").unwrap_or_default();
        let named = text(&document.body, "username");
        if named.is_some_and(|named| named != username) {
            return Err(Failure::invalid("username", "is not the member of the path"));
        }
        for (name, id) in [("organization", owner.realm.organization), ("group", owner.realm.group)]
        {
            if let Some(id) = id {
                document.body.entry(name).or_insert(json!(id));
            }
        }
        document.body.insert("username".to_owned(), json!(username));
        document.body.insert("status".to_owned(), json!("active"));
        Ok(())
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        before: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        if before.name == document.name && realm(&before.body) == realm(&document.body) {
            return Ok(());
        }
        let followed =
            scene.context.follow_application(change, &seen_application(document.clone()));
        followed.map_err(Failure::of_operation)
    }

    fn explicit(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
        field: &str,
    ) -> Result<Option<Json>, Failure> {
        if field != "packageKeys" {
            return Ok(None);
        }
        let application = std::slice::from_ref(&object.id);
        PackageKeys.of_application(scene, connection, application).map(Some)
    }

    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        // Its keys go with it (domain.md §1.2).
        let deleted = scene.context.delete_keys_of_application(change, &document.id);
        deleted.map_err(Failure::of_operation)
    }

    fn touched(&self, document: &Document) -> Option<(Kind, String)> {
        Some((Kind::Application, document.id.clone()))
    }
}

impl Applications {
    /// The application of an id, in either source, whosever it is.
    pub(super) fn anywhere(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        if let Some(application) = scene.file().applications.get(id) {
            return Ok(Some(object(application)));
        }
        Ok(Shelf::Applications.find(connection, id)?.map(Self::kept))
    }

    /// One that the store owns.
    pub(super) fn kept(document: Document) -> Object {
        Object {
            id: document.id.clone(),
            json: shown(&document, Self::NAME),
            realm: realm(&document.body),
            owner: Owner::Store,
            document: Some(document),
            application: None,
            chain: None,
        }
    }

    /// The applications of a member that the caller may look at.
    pub(super) fn of_member(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        member: &str,
    ) -> Result<Json, Failure> {
        let of_file = scene.file().applications.values();
        let of_file = of_file.filter(|each| &*each.member == member).map(object);
        let stored = Shelf::Applications.below(connection, member)?;
        let stored = stored.into_iter().map(Self::kept);
        let may = |object: &Object| {
            scene.caller.may(scene.permissions(), Action::ApplicationRead, &object.realm)
        };
        Ok(of_file.chain(stored).filter(may).map(|object| Json::Object(object.json)).collect())
    }
}

/// One that a file owns.
fn object(application: &Application) -> Object {
    let status = match application.status {
        ApplicationStatus::Active => "active",
        ApplicationStatus::Suspended => "suspended",
    };
    let mut json = Map::new();
    json.insert("id".to_owned(), json!(&*application.name));
    json.insert("name".to_owned(), json!(&*application.name));
    json.insert("username".to_owned(), json!(&*application.member));
    json.insert("description".to_owned(), json!(application.description));
    json.insert("status".to_owned(), json!(status));
    Object {
        id: application.name.to_string(),
        json,
        realm: Realm::default(),
        owner: application.owner.clone(),
        document: None,
        application: None,
        chain: None,
    }
}
