//! The keys of a control plane: package keys of the v3 API.

use serde_json::Value as Json;

use crate::client::{Client, Failure, encoded};

/// Where package keys are.
pub(super) const PACKAGE_KEYS: &str = "/v3/rest/packageKeys";

/// What is asked for of a package key: everything but its value and its secret, so that looking at
/// keys is no retrieval of them.
pub(super) const FIELDS: &str = "id,status,created,updated,expires,package,plan,qpsLimitCeiling,\
    qpsLimitExempt,rateLimitCeiling,rateLimitExempt,application.id,application.name,\
    application.username,application.organization,application.group";

/// The path of a package key that was found, with what is asked for of it.
pub(super) fn target(id: &str) -> String {
    format!("{PACKAGE_KEYS}/{}?fields={FIELDS}", encoded(id))
}

/// The key of an id.
pub(super) fn find(client: &Client, id: &str) -> Result<Json, Failure> {
    find_with(client, id, "")
}

/// The key of an id, with more fields.
pub(super) fn find_with(client: &Client, id: &str, more: &str) -> Result<Json, Failure> {
    let found = client.find(PACKAGE_KEYS, id, &format!("{FIELDS}{more}"))?;
    found.ok_or_else(|| Failure::Missing("there is no such key".to_owned()))
}

/// A text of an object, by the way to it; what is not there is nothing.
pub(super) fn text<'a>(key: &'a Json, path: &[&str]) -> &'a str {
    let found = path.iter().try_fold(key, |value, name| value.get(name));
    found.and_then(Json::as_str).unwrap_or_default()
}

/// The id of a reference, which is an id or an object with one.
pub(super) fn reference<'a>(key: &'a Json, path: &[&str]) -> &'a str {
    let found = path.iter().try_fold(key, |value, name| value.get(name));
    let id = found.and_then(|found| found.as_str().or_else(|| found.get("id")?.as_str()));
    id.unwrap_or_default()
}

/// An instant without what every one of the API ends with, or a day.
pub(super) fn instant(text: &str) -> String {
    match text.strip_suffix(".000+0000") {
        Some(text) => format!("{text}Z"),
        None => {
            text.strip_suffix("+0000").map_or_else(|| text.to_owned(), |text| format!("{text}Z"))
        }
    }
}
