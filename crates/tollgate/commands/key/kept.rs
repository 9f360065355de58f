//! The keys of a control plane: package keys of the v3 API, and key sets.

use hyper::http::Method;
use serde_json::Value as Json;

use crate::client::{Answer, Ask, Client, Failure, encoded, looks_like_id};

/// A key that was found.
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) json: Json,
}

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One key of an application for a plan.
    PackageKey,
    /// Successive keys of an application.
    KeySet,
}

/// Where package keys are.
pub(super) const PACKAGE_KEYS: &str = "/v3/rest/packageKeys";

/// Where key sets are.
pub(super) const KEY_SETS: &str = "/api/key-sets";

/// What is asked for of a package key: everything but its value and its secret, so that looking at
/// keys is no retrieval of them.
pub(super) const FIELDS: &str = "id,status,created,updated,expires,package,plan,qpsLimitCeiling,\
    qpsLimitExempt,rateLimitCeiling,rateLimitExempt,application.id,application.name,\
    application.username,application.organization,application.group";

/// The key of an id.
pub(super) fn find(client: &Client, id: &str) -> Result<Found, Failure> {
    let missing = || Failure::Missing("there is no such key".to_owned());
    let found = |kind, json: Json| Found { kind, id: text(&json, &["id"]).to_owned(), json };
    if let Some(json) = client.find(PACKAGE_KEYS, id, FIELDS)? {
        return Ok(found(Kind::PackageKey, json));
    }
    // The store gives their ids, so they all look like one.
    if !looks_like_id(id) {
        return Err(missing());
    }
    let key_set = client.get_if_there(&format!("{KEY_SETS}/{id}"))?;
    Ok(found(Kind::KeySet, key_set.ok_or_else(missing)?))
}

impl Found {
    /// Where it is, with what is asked for of it.
    pub(super) fn target(&self) -> String {
        let id = encoded(&self.id);
        match self.kind {
            Kind::PackageKey => format!("{PACKAGE_KEYS}/{id}?fields={FIELDS}"),
            Kind::KeySet => format!("{KEY_SETS}/{id}"),
        }
    }

    /// Has something happen to a key set, and returns what has become of it.
    pub(super) fn act(&self, client: &Client, act: &str, body: &Json) -> Result<Json, Failure> {
        let target = format!("{}/{act}", self.target());
        client.ask(Ask::new(Method::POST, &target).json(body)).and_then(Answer::json)
    }

    /// Its status, in the word of its API.
    pub(super) fn status(&self) -> &str {
        text(&self.json, &["status"])
    }
}

/// A text of an object, by the way to it; what is not there is nothing.
pub(in crate::commands) fn text<'a>(key: &'a Json, path: &[&str]) -> &'a str {
    let found = path.iter().try_fold(key, |value, name| value.get(name));
    found.and_then(Json::as_str).unwrap_or_default()
}

/// The id of a reference, which is an id or an object with one.
pub(super) fn reference<'a>(key: &'a Json, path: &[&str]) -> &'a str {
    let found = path.iter().try_fold(key, |value, name| value.get(name));
    let id = found.and_then(|found| found.as_str().or_else(|| found.get("id")?.as_str()));
    id.unwrap_or_default()
}

/// An instant without what every one of the v3 API ends with, or a day.
pub(in crate::commands) fn instant(text: &str) -> String {
    match text.strip_suffix(".000+0000") {
        Some(text) => format!("{text}Z"),
        None => {
            text.strip_suffix("+0000").map_or_else(|| text.to_owned(), |text| format!("{text}Z"))
        }
    }
}
