//! Remote proxies: which are registered, and what each enforces.

use serde_json::{Map, Value as Json, json};
use tollgate_core::Revision;

use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Choice, Instant, Number, Object as Inner, Switch, Text};
use super::super::field::Rule::Ignored;
use super::super::field::{Field, field};
use super::super::query::Query;
use super::super::source::{Object, Scene, Source};
use super::super::{Failure, date};
use crate::people::{Action, Realm};
use crate::proxies::{HEARTBEAT, RegisteredProxy};
use crate::store::{Change, Connection, Kind, newest};

const STATES: &[&str] = &["connected", "away"];

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("state", Choice(STATES), Ignored, Ignored, Implicit),
    field("accessKey", Text(50), Ignored, Ignored, Implicit),
    field("region", Text(64), Ignored, Ignored, Implicit),
    field("version", Text(64), Ignored, Ignored, Implicit),
    field("registered", Instant, Ignored, Ignored, Implicit),
    field("lastContact", Instant, Ignored, Ignored, Implicit),
    // The revision that it enforces, since when, and how many follow.
    field("enforced", Inner, Ignored, Ignored, Implicit),
    field("enforcedSince", Instant, Ignored, Ignored, Implicit),
    field("lag", Number(u64::MAX), Ignored, Ignored, Implicit),
    // For how long it may have missed changes, in seconds; 0 = it enforces the newest.
    field("staleSeconds", Number(u64::MAX), Ignored, Ignored, Implicit),
    field("keys", Number(u64::MAX), Ignored, Ignored, Implicit),
    // How far its clock is ahead, in milliseconds; less than 0 = behind.
    field("clockSkewMs", Number(u64::MAX), Ignored, Ignored, Implicit),
    // How long it goes on without a control plane, and until when at most; absent = without a bound.
    field("serveForSeconds", Number(u64::MAX), Ignored, Ignored, Implicit),
    field("closesBy", Instant, Ignored, Ignored, Implicit),
    field("unbounded", Switch, Ignored, Ignored, Implicit),
    // Why it does not enforce a revision.
    field("problem", Text(512), Ignored, Ignored, Implicit),
];

/// `/api/proxies`
pub(crate) const ALL: Resource = Resource {
    path: "/api/proxies",
    dialect: Dialect::Native,
    noun: "proxy",
    fields: FIELDS,
    extended: false,
    read: Action::ProxyRead,
    write: Some(Action::ProxyForget),
    creates: false,
    updates: false,
    deletes: true,
    source: &Proxies,
};

struct Proxies;

impl Source for Proxies {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        let newest = newest(connection)?;
        let all = RegisteredProxy::all(connection)?;
        Ok(all.into_iter().map(|kept| object(scene, kept, newest)).collect())
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        let newest = newest(connection)?;
        let found = RegisteredProxy::find(connection, id)?;
        Ok(found.map(|kept| object(scene, kept, newest)))
    }

    fn delete(&self, _: Scene<'_>, change: &mut Change<'_>, object: Object) -> Result<(), Failure> {
        RegisteredProxy::forget(change.connection(), &object.id)?;
        // One that is connected is told so.
        change.touch(Kind::Proxy, object.id);
        Ok(())
    }
}

fn object(scene: Scene<'_>, kept: RegisteredProxy, newest: Revision) -> Object {
    let proxy = scene.plane.roll.known(&kept.name).unwrap_or(kept);
    let now = scene.plane.now();
    let gone = i64::try_from(HEARTBEAT.as_millis()).unwrap_or(i64::MAX).saturating_mul(4);
    let connected = proxy.connected && now.saturating_sub(proxy.seen) < gone;
    let mut json = Map::new();
    let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
    put("id", json!(proxy.name));
    put("state", json!(if connected { "connected" } else { "away" }));
    put("accessKey", json!(proxy.access_key));
    put("region", json!(proxy.region));
    put("version", json!(proxy.software));
    put("registered", json!(date::show(proxy.registered)));
    put("lastContact", json!(date::show(proxy.seen)));
    if let Some(Revision { epoch, number }) = proxy.enforced {
        put("enforced", json!({ "epoch": epoch, "number": number }));
        if epoch == newest.epoch {
            put("lag", json!(newest.number.saturating_sub(number)));
        }
    }
    if let Some(at) = proxy.enforced_at {
        put("enforcedSince", json!(date::show(at)));
    }
    let fresh = connected && proxy.enforces(newest);
    let since = proxy.enforced_at.unwrap_or(proxy.registered).max(proxy.seen);
    let stale = if fresh { 0 } else { now.saturating_sub(since).max(0) / 1000 };
    put("staleSeconds", json!(stale));
    put("keys", json!(proxy.keys));
    put("clockSkewMs", json!(proxy.skew));
    match proxy.serve_for {
        Some(seconds) => {
            put("serveForSeconds", json!(seconds));
            put("closesBy", json!(date::show(proxy.leased_until)));
        }
        None => {
            put("unbounded", json!(true));
        }
    }
    if let Some(problem) = &proxy.problem {
        put("problem", json!(problem));
    }
    Object::of_store(proxy.name, json, Realm::default())
}
