//! What a package key looks like.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::super::super::source::{Object, Scene, realm};
use super::super::super::{Failure, date};
use super::super::plan::word;
use crate::directory::PlanSeen;
use crate::life_cycle::{Instant, PackageKeyStatus, State};
use crate::model::{DigestLiteral, Key, Own, Owner, Period};
use crate::people::Realm;
use crate::store::{Connection, Shelf, StoreError, StoredChain, Written};

/// What keys refer to, looked up once each.
#[derive(Default)]
pub(super) struct Catalogue {
    /// The names of packages and plans.
    names: HashMap<String, String>,
    /// Whose applications are.
    realms: HashMap<String, Realm>,
}

impl Catalogue {
    /// One that the store owns.
    pub(super) fn of_chain(
        &mut self,
        connection: &mut dyn Connection,
        chain: StoredChain,
    ) -> Result<Object, StoreError> {
        let (package, plan) = match &chain.bought {
            Some(bought) => (
                Some(self.named(connection, Shelf::Packages, &bought.package)?),
                Some(self.named(connection, Shelf::Plans, &bought.plan)?),
            ),
            None => (None, None),
        };
        let realm = self.realm(connection, &chain.application)?;
        let mut json = chain.body.clone();
        let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
        put("id", json!(chain.id));
        put("created", json!(date::show(chain.created)));
        put("updated", json!(date::show(chain.updated)));
        put("qpsLimitCeiling", json!(chain.qps.ceiling));
        put("qpsLimitExempt", json!(chain.qps.exempt));
        put("rateLimitCeiling", json!(chain.quota.ceiling));
        put("rateLimitExempt", json!(chain.quota.exempt));
        put("status", json!(PackageKeyStatus::from(chain.life.state()).as_str()));
        if let Some((package, plan)) = package.zip(plan) {
            put("package", package);
            put("plan", plan);
        }
        if let Some(expires) = chain.life.latest.expiration {
            put("expires", json!(end(expires)));
        }
        Ok(Object {
            id: chain.id.clone(),
            json,
            realm,
            owner: Owner::Store,
            document: None,
            application: Some(chain.application.clone()),
            chain: Some(chain),
        })
    }

    /// One that a file owns. What the key itself is, nobody knows.
    pub(super) fn of_file(key: &Key) -> Object {
        let mut json = Map::new();
        let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
        let status = PackageKeyStatus::from(State::from(key.status));
        put("id", json!(&*key.name));
        put("status", json!(status.as_str()));
        put("qpsLimitCeiling", json!(ceiling(key.qps).map(|qps| qps.ceiling)));
        put("qpsLimitExempt", json!(matches!(key.qps, Own::Exempt)));
        put("rateLimitCeiling", json!(ceiling(key.quota)));
        put("rateLimitExempt", json!(matches!(key.quota, Own::Exempt)));
        if let Some(bought) = key.bought.first() {
            put("package", json!({ "id": &*bought.package, "name": &*bought.package }));
            put("plan", json!({ "id": &*bought.plan, "name": &*bought.plan }));
        }
        if let Some(expires) = key.expires {
            put("expires", json!(end(Instant::Second(expires))));
        }
        Object {
            id: key.name.to_string(),
            json,
            realm: Realm::default(),
            owner: key.owner.clone(),
            document: None,
            application: Some(key.application.to_string()),
            chain: None,
        }
    }

    /// A package or a plan; one of the file is called by its id.
    fn named(
        &mut self,
        connection: &mut dyn Connection,
        shelf: Shelf,
        id: &str,
    ) -> Result<Json, StoreError> {
        if !self.names.contains_key(id) {
            let found = shelf.find(connection, id)?;
            let name = found.map_or_else(|| id.to_owned(), |document| document.name);
            self.names.insert(id.to_owned(), name);
        }
        Ok(json!({ "id": id, "name": self.names.get(id) }))
    }

    fn realm(
        &mut self,
        connection: &mut dyn Connection,
        application: &str,
    ) -> Result<Realm, StoreError> {
        if let Some(known) = self.realms.get(application) {
            return Ok(known.clone());
        }
        let found = Shelf::Applications.find(connection, application)?;
        let realm = found.map(|document| realm(&document.body)).unwrap_or_default();
        self.realms.insert(application.to_owned(), realm.clone());
        Ok(realm)
    }
}

/// Whether a key has one of these digests.
pub(super) fn has_digest(scene: Scene<'_>, object: &Object, digests: &[DigestLiteral]) -> bool {
    let stored = object.chain.as_ref().map(|chain| {
        let credentials = chain.credentials.iter();
        credentials.map(|(_, credential)| credential.digest).collect::<Vec<_>>()
    });
    let file = scene.file().keys.get(object.id.as_str()).map(|key| vec![key.digest]);
    stored.or(file).is_some_and(|own| own.iter().any(|digest| digests.contains(digest)))
}

/// The limits that hold for a key: throttle and quota (domain.md §1.4).
pub(super) fn limits(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    object: &Object,
) -> Result<Json, Failure> {
    let id = |name: &str| super::reference(&object.json, name).unwrap_or_default();
    let plan = scene.directory().plan(connection, id("package"), id("plan"))?;
    let Some(plan) = plan else { return Ok(json!([])) };
    let own = |ceiling: &str, exempt: &str| Written {
        ceiling: object.json.get(ceiling).and_then(Json::as_u64),
        exempt: object.json.get(exempt).and_then(Json::as_bool).unwrap_or(false),
    };
    let PlanSeen { qps, quota, period, qps_override, quota_override, .. } = plan;
    let throttle = effective(own("qpsLimitCeiling", "qpsLimitExempt").own(), qps, qps_override);
    let quota = effective(own("rateLimitCeiling", "rateLimitExempt").own(), quota, quota_override);
    let entry = |period: &str, (source, ceiling): (&str, Option<u64>)| json!({ "period": period, "source": source, "ceiling": ceiling });
    Ok(json!([entry("second", throttle), entry(word(period.unwrap_or(Period::Day)), quota)]))
}

/// Whose ceiling holds, and which (requirements.md, decision 1); `None` = no ceiling.
fn effective(own: Own<u64>, plan: Option<u64>, overrides: bool) -> (&'static str, Option<u64>) {
    match (own, plan) {
        (Own::Exempt, _) if overrides => ("key", None),
        (Own::Ceiling(own), _) if overrides => ("key", Some(own)),
        (Own::Ceiling(own), Some(plan)) if own < plan => ("key", Some(own)),
        (Own::Ceiling(own), None) => ("key", Some(own)),
        (_, plan) => ("plan", plan),
    }
}

fn ceiling<T>(own: Own<T>) -> Option<T> {
    match own {
        Own::Ceiling(ceiling) => Some(ceiling),
        Own::Inherit | Own::Exempt => None,
    }
}

/// When a key ends: a date where it was written as one.
fn end(instant: Instant) -> String {
    match instant {
        Instant::Day(second) => date::show(second.saturating_mul(1000)).chars().take(10).collect(),
        Instant::Second(second) => date::show(second.saturating_mul(1000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_holds_says_whose_it_is() {
        let ten = Some(10);
        for (own, plan, overrides, expected) in [
            (Own::Inherit, ten, true, ("plan", ten)),
            (Own::Inherit, None, false, ("plan", None)),
            (Own::Exempt, ten, true, ("key", None)),
            (Own::Exempt, ten, false, ("plan", ten)),
            (Own::Ceiling(20), ten, true, ("key", Some(20))),
            (Own::Ceiling(20), ten, false, ("plan", ten)),
            (Own::Ceiling(5), ten, false, ("key", Some(5))),
            (Own::Ceiling(0), ten, true, ("key", Some(0))),
            (Own::Ceiling(5), None, false, ("key", Some(5))),
        ] {
            assert_eq!(effective(own, plan, overrides), expected, "{own:?} {plan:?} {overrides}");
        }
    }
}
