//! What has been used of the limits of keys, and when each key was last used, as the proxy of this
//! process has counted: an entry for each thing that counts by itself, which is a package key as a
//! whole, and each subscription of a key set.

use serde_json::{Map, Value as Json, json};
use tollgate_core::{
    Digest, GrantUsage, Limit, LimitSource, LimitState, LineTag, Now, Record, Root, Usage,
};

use super::super::Failure;
use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Any, Instant, List, Text};
use super::super::field::Rule::Ignored;
use super::super::field::{Field, field};
use super::super::kept::permit;
use super::super::query::Query;
use super::super::source::{Object, Scene, Source};
use super::plan::word;
use crate::admin::native;
use crate::life_cycle::State;
use crate::people::{Action, Realm};
use crate::store::{Connection, StoredChain, uses};

const FIELDS: &[Field] = &[
    field("id", Text(255), Ignored, Ignored, Implicit),
    field("at", Instant, Ignored, Ignored, Implicit),
    field("package", Text(64), Ignored, Ignored, Implicit),
    field("plan", Text(64), Ignored, Ignored, Implicit),
    field("services", List, Ignored, Ignored, Implicit),
    field("quota", Any, Ignored, Ignored, Implicit),
    field("qps", Any, Ignored, Ignored, Implicit),
    field("methods", List, Ignored, Ignored, Implicit),
    field("openRequests", Any, Ignored, Ignored, Implicit),
    field("keys", List, Ignored, Ignored, Implicit),
];

/// `/api/key-sets/{key_set}/usage`
pub(crate) const OF_KEY_SET: Resource = Resource {
    path: "/api/key-sets/{key_set}/usage",
    dialect: Dialect::Native,
    noun: "usage",
    fields: FIELDS,
    extended: false,
    read: Action::KeyRead,
    write: None,
    creates: false,
    updates: false,
    deletes: false,
    source: &Usages,
};

/// `/api/package-keys/{package_key}/usage`
pub(crate) const OF_PACKAGE_KEY: Resource =
    Resource { path: "/api/package-keys/{package_key}/usage", ..OF_KEY_SET };

struct Usages;

/// A key set or a package key, before it is looked at what was used of it.
struct Seen {
    realm: Realm,
    /// LATEST first: each by its id, its number, its state and its digest.
    keys: Vec<(String, u32, &'static str, Digest)>,
}

impl Source for Usages {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        shown(scene, connection)
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        Ok(shown(scene, connection)?.into_iter().find(|object| object.id == id))
    }
}

/// The entries of the key that the path names.
fn shown(scene: Scene<'_>, connection: &mut dyn Connection) -> Result<Vec<Object>, Failure> {
    let seen = Seen::find(scene, connection)?;
    permit(scene, Action::KeyRead, &seen.realm)?;
    let (now, root) = (scene.plane.clock.now(), scene.plane.reader.current());
    let keys = seen.last_uses(scene, connection, root.as_deref())?;
    let latest = seen.keys.first().map(|(.., digest)| digest);
    let record = root.as_deref().zip(latest);
    let record = record.and_then(|(root, digest)| Some((root, root.keys.find(digest)?)));
    let used = record.and_then(|(root, record)| entries(scene, root, record, now));
    // A key that no proxy knows has used nothing that is counted.
    let used = used.unwrap_or_else(|| vec![("none".to_owned(), Map::new())]);
    let shown = used.into_iter().map(|(id, mut json)| {
        json.insert("id".to_owned(), json!(id));
        json.insert("at".to_owned(), instant(now.unix()));
        json.insert("keys".to_owned(), Json::from(keys.clone()));
        Object::of_store(id, json, seen.realm.clone())
    });
    Ok(shown.collect())
}

impl Seen {
    fn find(scene: Scene<'_>, connection: &mut dyn Connection) -> Result<Self, Failure> {
        let key_set = scene.within.get("key_set");
        let id = key_set.or(scene.within.get("package_key")).unwrap_or_default();
        if let Some(key) = scene.file().keys.get(id).filter(|_| key_set.is_none()) {
            let digest = Digest::new(key.digest.bytes);
            let state = State::from(key.status).as_str();
            let keys = vec![(id.to_owned(), key.number, state, digest)];
            return Ok(Self { realm: Realm::default(), keys });
        }
        let chain = StoredChain::find(connection, id)?;
        let chain = chain.filter(|chain| chain.life.policy.is_some() == key_set.is_some());
        let noun = if key_set.is_some() { "key set" } else { "package key" };
        let chain = chain.ok_or_else(|| Failure::NotFound(format!("there is no such {noun}")))?;
        let keys = chain.life.keys().filter_map(|key| {
            let known = chain.credential(key.number)?;
            let digest = Digest::new(known.digest.bytes);
            Some((known.id.clone(), key.number.0, key.state.as_str(), digest))
        });
        let mut keys: Vec<_> = keys.collect();
        keys.reverse();
        Ok(Self { realm: chain.realm, keys })
    }

    /// When each key was last used: what the meters say, or what they said before a restart.
    fn last_uses(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        root: Option<&Root>,
    ) -> Result<Vec<Json>, Failure> {
        let ids: Vec<_> = self.keys.iter().map(|(id, ..)| id.as_str()).collect();
        let stored = uses::of_keys(connection, &ids)?;
        let meters = scene.plane.reader.meters();
        let shown = self.keys.iter().enumerate().map(|(place, (id, number, state, digest))| {
            let record = root.and_then(|root| root.keys.find(digest));
            let counted = record.and_then(|record| meters.last_use(record.meter, record.number));
            let known = stored.get(id).map(|at| at.cast_unsigned());
            json!({
                "id": id, "number": number, "latest": place == 0, "status": state,
                "lastUse": counted.max(known).map(instant),
            })
        });
        Ok(shown.collect())
    }
}

/// What stands in the meter of a key. What counts together is one entry.
fn entries(
    scene: Scene<'_>,
    root: &Root,
    record: &Record,
    now: Now,
) -> Option<Vec<(String, Map<String, Json>)>> {
    let Usage { open, concurrency, grants } = scene.plane.decider().usage(root, record, now)?;
    let ceiling = match concurrency {
        Limit::Ceiling(ceiling) => ceiling,
        Limit::Closed | Limit::Exempt => 0,
    };
    let open = open.map(|open| json!({ "open": open, "ceiling": ceiling }));
    let mut tags: Vec<LineTag> = grants.iter().map(|used| used.grant.tag).collect();
    tags.sort_unstable();
    tags.dedup();
    let entries = tags.into_iter().filter_map(|tag| {
        let together: Vec<_> = grants.iter().filter(|used| used.grant.tag == tag).collect();
        let first = together.first()?;
        let services: Vec<_> = together.iter().map(|used| service(root, used)).collect();
        let methods: Vec<_> = together.iter().flat_map(|used| methods(root, used, now)).collect();
        let period = match first.grant.quota {
            Limit::Ceiling(quota) => Some(word(quota.period)),
            Limit::Closed | Limit::Exempt => None,
        };
        let mut entry = Map::new();
        let mut put = |name: &str, value: Json| entry.insert(name.to_owned(), value);
        put("package", json!(&*first.grant.package));
        put("plan", json!(&*first.grant.plan));
        put("quota", quota(first.quota.as_ref(), period, Some(first.grant.quota_source), now));
        put("qps", qps(first.qps.as_ref(), Some(first.grant.qps_source)));
        put("openRequests", json!(open));
        put("methods", json!(methods));
        let id = match tag {
            LineTag::KEY => "key".to_owned(),
            _ => services.first().cloned().unwrap_or_default(),
        };
        put("services", json!(services));
        Some((id, entry))
    });
    Some(entries.collect())
}

fn service(root: &Root, used: &GrantUsage<'_>) -> String {
    let mut services = root.routes.services();
    let service = services.find(|service| service.id == used.grant.service);
    service.map(|service| service.name.to_string()).unwrap_or_default()
}

fn methods(root: &Root, used: &GrantUsage<'_>, now: Now) -> Vec<Json> {
    let methods = used.methods.iter().map(|(method, [of_qps, of_quota])| {
        json!({
            "method": root.routes.method_name(*method),
            "quota": quota(of_quota.as_ref(), None, None, now),
            "qps": qps(of_qps.as_ref(), None),
        })
    });
    methods.collect()
}

/// Calls of the present window; `null` = exempt.
fn quota(
    state: Option<&LimitState>,
    period: Option<&str>,
    source: Option<LimitSource>,
    now: Now,
) -> Json {
    let Some(state) = state else { return Json::Null };
    json!({
        "ceiling": state.ceiling,
        "used": state.used,
        "left": state.ceiling.saturating_sub(state.used),
        "period": period,
        "resets": state.reading.map(|reading| instant(now.unix() + reading.reset)),
        "source": source.map(whose),
        "enforced": state.enforced,
    })
}

/// Queries per second, at this instant; `null` = exempt.
fn qps(state: Option<&LimitState>, source: Option<LimitSource>) -> Json {
    let Some(state) = state else { return Json::Null };
    json!({
        "ceiling": state.ceiling,
        "burst": state.reading.map_or(0, |reading| reading.quota),
        "left": state.reading.map_or(0, |reading| reading.remaining),
        "source": source.map(whose),
        "enforced": state.enforced,
    })
}

fn whose(source: LimitSource) -> &'static str {
    match source {
        LimitSource::Plan => "plan",
        LimitSource::Key => "key",
    }
}

fn instant(second: u64) -> Json {
    json!(native::instant::show(second.cast_signed()))
}
