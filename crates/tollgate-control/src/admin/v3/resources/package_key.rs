//! Package keys (domain.md §1.2; S0, S2, S3).

mod listed;
mod owners;
mod shown;
mod wanted;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::super::Failure;
use super::super::engine::{Dialect, Resource, sift};
use super::super::field::Fetch::{Explicit, Implicit};
use super::super::field::Kind::{
    Any, Choice, Instant, List, Number, Object as Reference, Secret, Switch, Text,
};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::filter::Condition;
use super::super::kept::permit;
use super::super::query::Query;
use super::super::source::{Object, Scene, Source, Wanted, reference, text};
use super::application::Applications;
use super::member::Members;
use crate::model::{MAX_QPS, MAX_QUOTA};
use crate::operations::PackageKeyChange;
use crate::people::Action;
use crate::store::{Change, Connection, StoredChain};

use listed::Listed;
use shown::Catalogue;

/// What the audit log calls a package key.
pub(crate) const NOUN: &str = "package_key";

const STATUS: &[&str] = &["waiting", "active", "disabled"];

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("apikey", Secret, Optional, Ignored, Implicit),
    field("secret", Secret, Optional, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("rateLimitCeiling", Number(MAX_QUOTA), Optional, Optional, Implicit),
    field("rateLimitExempt", Switch, Optional, Optional, Implicit),
    field("qpsLimitCeiling", Number(MAX_QPS as u64), Optional, Optional, Implicit),
    field("qpsLimitExempt", Switch, Optional, Optional, Implicit),
    field("status", Choice(STATUS), Optional, Optional, Implicit),
    field("limits", List, Ignored, Ignored, Explicit),
    field("package", Reference, Required, Ignored, Implicit),
    field("plan", Reference, Required, Optional, Implicit),
    field("expires", Text(64), Optional, Optional, Implicit),
    field("eav", Any, Optional, Optional, Explicit),
    field("application", Reference, Optional, Ignored, Explicit),
    field("member", Reference, Optional, Ignored, Explicit),
    // S2-4: whose the application has to be.
    field("username", Text(255), Optional, Ignored, Explicit),
];

/// `/packageKeys`
pub(crate) const ALL: Resource = Resource {
    path: "/v3/rest/packageKeys",
    dialect: Dialect::V3,
    noun: NOUN,
    fields: FIELDS,
    extended: false,
    read: Action::KeyRead,
    write: Some(Action::KeyWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &PackageKeys,
};

/// `/applications/{application}/packageKeys`
pub(crate) const OF_APPLICATION: Resource =
    Resource { path: "/v3/rest/applications/{application}/packageKeys", ..ALL };

/// `/members/{member}/packageKeys`
pub(crate) const OF_MEMBER: Resource =
    Resource { path: "/v3/rest/members/{member}/packageKeys", creates: false, ..ALL };

/// The package keys of both sources.
pub(crate) struct PackageKeys;

impl Source for PackageKeys {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
    ) -> Result<Vec<Object>, Failure> {
        let applications = self.applications(scene, connection)?;
        let mut all = self.of_file(scene, applications.as_deref(), query);
        let mut catalogue = Catalogue::default();
        for chain in self.chains(scene, connection, applications.as_deref(), query)? {
            let object = catalogue.of_chain(connection, chain)?;
            if wanted::digests(scene, query)
                .is_none_or(|digests| shown::has_digest(scene, &object, &digests))
            {
                all.push(object);
            }
        }
        Ok(all)
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        let applications = self.applications(scene, connection)?;
        let within = |id: &str| applications.as_ref().is_none_or(|all| all.iter().any(|a| a == id));
        if let Some(key) = scene.file().keys.get(id).filter(|key| within(&key.application)) {
            return Ok(Some(Catalogue::of_file(key)));
        }
        let chain = StoredChain::find(connection, id)?;
        let chain = chain.filter(|chain| is_package_key(chain) && within(&chain.application));
        let shown = chain.map(|chain| Catalogue::default().of_chain(connection, chain));
        Ok(shown.transpose()?)
    }

    fn page(
        &self,
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
    ) -> Result<Option<(Vec<Object>, usize)>, Failure> {
        let applications = self.applications(scene, connection)?;
        let of_file = self.of_file(scene, applications.as_deref(), query);
        let of_file = sift(resource, scene, connection, query, of_file)?;
        let listed = Listed::of(resource, scene, connection, applications, query)?;
        listed.page(resource, scene, connection, query, of_file).map(Some)
    }

    fn answers(&self, condition: &Condition) -> bool {
        condition.path == ["apikey"]
    }

    fn searched(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
    ) -> Result<Option<Map<String, Json>>, Failure> {
        let Some(id) = &object.application else { return Ok(None) };
        Ok(Applications.anywhere(scene, connection, id)?.map(|application| application.json))
    }

    fn reveal(&self, scene: Scene<'_>, object: &mut Object) -> Result<(), Failure> {
        let may = scene.caller.may(scene.permissions(), Action::KeyRetrieve, &object.realm);
        let Some(chain) = object.chain.as_ref().filter(|_| may) else { return Ok(()) };
        let Some(credential) = chain.credential(chain.life.latest.number) else { return Ok(()) };
        for (name, opened) in [
            ("apikey", scene.context.open_key(credential)),
            ("secret", scene.context.open_secret(credential)),
        ] {
            if let Some(opened) = opened.map_err(Failure::from)? {
                object.json.entry(name).or_insert_with(|| json!(opened.reveal()));
            }
        }
        Ok(())
    }

    fn explicit(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
        field: &str,
    ) -> Result<Option<Json>, Failure> {
        let application = object.application.as_deref();
        let application = match (field, application) {
            ("application" | "member" | "username", Some(id)) => {
                Applications.anywhere(scene, connection, id)?
            }
            _ => None,
        };
        Ok(match field {
            "limits" => Some(shown::limits(scene, connection, object)?),
            "application" => application.map(|application| Json::Object(application.json)),
            "username" => {
                application.and_then(|application| application.json.get("username").cloned())
            }
            "member" => {
                let username = application.as_ref().and_then(|each| text(&each.json, "username"));
                let member = match username {
                    Some(username) => Members.named(scene, connection, username)?,
                    None => None,
                };
                member.map(|member| Json::Object(member.json))
            }
            _ => None,
        })
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let application = match scene.within.get("application") {
            Some(id) => id.to_owned(),
            None => {
                reference(&wanted.given, "application").map(str::to_owned).ok_or_else(|| {
                    Failure::invalid("application", "required, expected an object with an id")
                })?
            }
        };
        let owner = Applications.anywhere(scene, change.connection(), &application)?;
        let owner = owner.ok_or_else(|| match scene.within.get("application") {
            Some(_) => Failure::NotFound("there is no such application".to_owned()),
            None => Failure::invalid("application", "there is no such application"),
        })?;
        permit(scene, Action::KeyWrite, &owner.realm)?;
        let new = wanted::new(application, wanted.given)?;
        let made = scene.context.create_package_key(change, new).map_err(Failure::of_operation)?;
        let mut object = Catalogue::default().of_chain(change.connection(), made.chain)?;
        object.json.insert("apikey".to_owned(), json!(made.apikey.reveal()));
        if let Some(secret) = &made.secret {
            object.json.insert("secret".to_owned(), json!(secret.reveal()));
        }
        Ok(object)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let wanted = wanted::change(wanted.given)?;
        let application = scene.within.get("application");
        let changed = scene.context.update_package_key(change, application, &object.id, wanted);
        let changed = changed.map_err(Failure::of_operation)?;
        Ok(Catalogue::default().of_chain(change.connection(), changed)?)
    }

    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
    ) -> Result<(), Failure> {
        let application = scene.within.get("application");
        let deleted = scene.context.delete_package_key(change, application, &object.id);
        deleted.map_err(Failure::of_operation)
    }
}

impl PackageKeys {
    /// The keys that files own, of some applications or of all, those that a filter on `apikey`
    /// means.
    fn of_file(
        &self,
        scene: Scene<'_>,
        applications: Option<&[String]>,
        query: &Query,
    ) -> Vec<Object> {
        let within = |id: &str| applications.is_none_or(|all| all.iter().any(|a| a == id));
        let keys = scene.file().keys.values().filter(|key| within(&key.application));
        let mut keys: Vec<_> = keys.map(Catalogue::of_file).collect();
        if let Some(digests) = wanted::digests(scene, query) {
            keys.retain(|object| shown::has_digest(scene, object, &digests));
        }
        keys
    }

    /// The applications whose keys are meant; `None` = all.
    fn applications(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
    ) -> Result<Option<Vec<String>>, Failure> {
        if let Some(id) = scene.within.get("application") {
            let found = Applications.anywhere(scene, connection, id)?;
            let missing = || Failure::NotFound("there is no such application".to_owned());
            return Ok(Some(vec![found.ok_or_else(missing)?.id]));
        }
        let Some(member) = scene.within.get("member") else { return Ok(None) };
        let member = Members.existing(scene, connection, member)?;
        Ok(Some(scene.directory().applications_of(connection, &member.id)?))
    }

    fn chains(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        applications: Option<&[String]>,
        query: &Query,
    ) -> Result<Vec<StoredChain>, Failure> {
        let mut chains = Vec::new();
        if let Some(applications) = applications {
            for application in applications {
                chains.extend(StoredChain::of_application(connection, application)?);
            }
        } else if let Some(digests) = wanted::digests(scene, query) {
            for digest in digests {
                if let Some(key) = StoredChain::key_of_digest(connection, &digest.to_string())? {
                    chains.extend(StoredChain::of_key(connection, &key)?);
                }
            }
        } else {
            StoredChain::each(connection, |chain| {
                chains.push(chain);
                Ok(())
            })?;
        }
        chains.retain(is_package_key);
        chains.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(chains)
    }

    /// The package keys of an application that the caller may look at, with what they may see of
    /// each.
    pub(super) fn of_application(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        applications: &[String],
    ) -> Result<Json, Failure> {
        let mut catalogue = Catalogue::default();
        let file = scene.file().keys.values();
        let file = file.filter(|key| applications.iter().any(|id| *id == *key.application));
        let mut all: Vec<_> = file.map(Catalogue::of_file).collect();
        for application in applications {
            let chains = StoredChain::of_application(connection, application)?;
            for chain in chains.into_iter().filter(is_package_key) {
                all.push(catalogue.of_chain(connection, chain)?);
            }
        }
        all.retain(|object| scene.caller.may(scene.permissions(), Action::KeyRead, &object.realm));
        for object in &mut all {
            self.reveal(scene, object)?;
        }
        Ok(all.into_iter().map(|object| Json::Object(object.json)).collect())
    }
}

/// Gives a package key the plan and limits back that it had, by the names of
/// [`StoredChain::LIMITS`]; a ceiling that is null is the plan's again.
pub(crate) fn give_back(
    scene: Scene<'_>,
    change: &mut Change<'_>,
    id: &str,
    values: &BTreeMap<String, Json>,
) -> Result<(), Failure> {
    let switch = |name: &str| values.get(name).and_then(Json::as_bool);
    let ceiling = |name: &str| values.get(name).map(Json::as_u64);
    let wanted = PackageKeyChange {
        plan: values.get("plan").and_then(Json::as_str).map(str::to_owned),
        qps_ceiling: ceiling("qpsLimitCeiling")
            .map(|ceiling| ceiling.and_then(|ceiling| u32::try_from(ceiling).ok())),
        qps_exempt: switch("qpsLimitExempt"),
        quota_ceiling: ceiling("rateLimitCeiling"),
        quota_exempt: switch("rateLimitExempt"),
        ..PackageKeyChange::default()
    };
    let changed = scene.context.update_package_key(change, None, id, wanted);
    changed.map(drop).map_err(Failure::of_operation)
}

/// Key sets are no package keys.
fn is_package_key(chain: &StoredChain) -> bool {
    chain.life.policy.is_none()
}
