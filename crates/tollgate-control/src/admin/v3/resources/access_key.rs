//! Proxy access keys (S1). They are revoked by a call of their own, which takes several.

use serde_json::{Map, Value as Json, json};

use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Choice, Instant, Name, Secret as SecretText, Text, Url};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::permit;
use super::super::query::Query;
use super::super::source::{Object, Scene, Source, Wanted, text};
use super::super::{Failure, date};
use crate::admin::feed::connect_url;
use crate::people::{Action, Realm, Secret};
use crate::proxies::{AccessKey, Capability, CertificateMark, MOST_OF_REGION, Proof};
use crate::store::{Change, Connection, StoreError};

const STATUSES: &[&str] = &["active", "revoked"];

/// What the path of their revocation has in the place of an id.
const REVOKE: &str = "revoke";

const FIELDS: &[Field] = &[
    field("id", Name(50), Required, Ignored, Implicit),
    field("capability", Choice(Capability::WORDS), Required, Ignored, Implicit),
    field("region", Name(64), Optional, Ignored, Implicit),
    field("certificate", Name(512), Optional, Ignored, Implicit),
    field("status", Choice(STATUSES), Ignored, Ignored, Implicit),
    field("connectUrl", Url(2048), Ignored, Ignored, Implicit),
    field("member", Text(64), Ignored, Ignored, Implicit),
    field("organization", Text(64), Optional, Ignored, Implicit),
    field("group", Text(64), Optional, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("revoked", Instant, Ignored, Ignored, Implicit),
    // Shown once, by the answer that makes it.
    field("secret", SecretText, Ignored, Ignored, Implicit),
];

/// `/api/access-keys`
pub(crate) const ALL: Resource = Resource {
    path: "/api/access-keys",
    dialect: Dialect::Native,
    noun: "access_key",
    fields: FIELDS,
    extended: false,
    read: Action::AccessKeyWrite,
    write: Some(Action::AccessKeyWrite),
    creates: true,
    updates: false,
    deletes: true,
    source: &AccessKeys,
};

struct AccessKeys;

impl Source for AccessKeys {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        Ok(AccessKey::all(connection)?.iter().map(|key| object(scene, key)).collect())
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        Ok(AccessKey::find(connection, id)?.map(|key| object(scene, &key)))
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let given = |name| text(&wanted.given, name);
        let owner = owner(scene, &wanted.given);
        permit(scene, Action::AccessKeyWrite, &owner)?;
        let id = given("id").unwrap_or_default();
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
            return Err(Failure::invalid("id", "expected 1 to 50 of A-Z a-z 0-9 _ - ."));
        }
        if id == REVOKE || id.bytes().all(|byte| byte == b'.') {
            return Err(Failure::invalid("id", "means something else in a path"));
        }
        if AccessKey::find(change.connection(), id)?.is_some() {
            return Err(Failure::invalid("id", "another access key has or had this id"));
        }
        let capability = given("capability").and_then(Capability::of_word);
        let capability = capability.ok_or_else(|| Failure::invalid("capability", "required"))?;
        let mark = given("certificate").map(|mark| certificate(mark, capability)).transpose()?;
        let regions = &scene.plane.settings.regions;
        let region = given("region").unwrap_or(&regions.own);
        if !regions.all.iter().any(|known| known == region) {
            let expected = format!("expected one of {}", regions.all.join(", "));
            return Err(Failure::invalid("region", expected));
        }
        // The store makes one change after the other, whoever makes them.
        if AccessKey::count(change.connection(), region)? >= MOST_OF_REGION {
            let full = format!("the region has {MOST_OF_REGION} access keys; revoke one of them");
            return Err(Failure::Conflict(full));
        }
        let (proof, secret) = match mark {
            Some(mark) => (Proof::Certificate(mark), None),
            None => {
                let secret = Secret::fresh().map_err(|_| Failure::Store(StoreError::Closed))?;
                (Proof::of(&secret), Some(secret))
            }
        };
        let maker = (scene.caller.member.as_str(), owner);
        let key = AccessKey::new(id, (capability, region), maker, proof, change.now());
        key.insert(change.connection())?;
        let object = object(scene, &key);
        Ok(match secret {
            Some(secret) => object.with_secret(&secret),
            None => object,
        })
    }

    fn delete(&self, _: Scene<'_>, change: &mut Change<'_>, object: Object) -> Result<(), Failure> {
        if !object.json.contains_key("revoked") {
            return Err(Failure::Conflict("it is good: expected to be revoked before".to_owned()));
        }
        Ok(AccessKey::delete(change.connection(), &object.id)?)
    }
}

/// What the certificate is known by that is to be presented in the place of a secret.
fn certificate(mark: &str, capability: Capability) -> Result<CertificateMark, Failure> {
    if capability != Capability::Enforce {
        let expected =
            "expected none: only the key feed takes certificates, whose capability is enforce";
        return Err(Failure::invalid("certificate", expected));
    }
    let read = CertificateMark::read(mark);
    read.ok_or_else(|| Failure::invalid("certificate", CertificateMark::EXPECTED))
}

/// Whose it is to be: of an organization and a group that are named, else of those where the caller
/// is somebody.
fn owner(scene: Scene<'_>, given: &Map<String, Json>) -> Realm {
    let id = |name| text(given, name).map(str::to_owned);
    let named = Realm { organization: id("organization"), group: id("group") };
    if !named.is_shared() {
        return named;
    }
    scene.caller.home(scene.permissions(), Action::AccessKeyWrite).unwrap_or_default()
}

fn object(scene: Scene<'_>, key: &AccessKey) -> Object {
    let mut json = Map::new();
    let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
    put("id", json!(key.id));
    put("capability", json!(key.capability.as_str()));
    put("region", json!(key.region));
    if let Proof::Certificate(mark) = &key.proof {
        put("certificate", json!(mark.as_str()));
    }
    put("member", json!(key.member));
    let Realm { organization, group } = &key.realm;
    for (name, id) in [("organization", organization), ("group", group)] {
        if let Some(id) = id {
            put(name, json!(id));
        }
    }
    put("created", json!(date::show(key.created)));
    match key.revoked {
        Some(revoked) => {
            put("status", json!("revoked"));
            put("revoked", json!(date::show(revoked)));
        }
        None => {
            put("status", json!("active"));
            if key.capability == Capability::Enforce {
                let base = &scene.plane.settings.regions.public_url;
                put("connectUrl", json!(connect_url(base, &key.id)));
            }
        }
    }
    Object::of_store(key.id.clone(), json, key.realm.clone())
}
