//! What key sets look like to people.

use serde_json::Value as Json;

use super::kept::text;
use super::show::{Lines, named};
use crate::client::clean;
use crate::output::{Column, Table, status};

/// The columns of a list.
pub(super) const COLUMNS: [Column; 7] = [
    Column { head: "ID", whole: true },
    Column { head: "STATUS", whole: true },
    Column { head: "NAME", whole: false },
    Column { head: "TYPE", whole: false },
    Column { head: "APPLICATION", whole: false },
    Column { head: "ROTATION", whole: true },
    Column { head: "EXPIRES", whole: true },
];

const KEYS: [Column; 6] = [
    Column { head: "KEY", whole: true },
    Column { head: "STATUS", whole: true },
    Column { head: "MADE", whole: true },
    Column { head: "ROTATION", whole: true },
    Column { head: "EXPIRES", whole: true },
    Column { head: "REVOKED", whole: true },
];

/// A row of a list.
pub(super) fn row(key_set: &Json) -> Vec<String> {
    let cell = |path: &[&str]| clean(text(key_set, path));
    let date = |name: &str| some(cell(&[name]));
    vec![
        cell(&["id"]),
        status(text(key_set, &["status"])),
        cell(&["name"]),
        cell(&["authType"]),
        cell(&["application", "name"]),
        date("rotation"),
        date("expiration"),
    ]
}

/// What there is to say of a key set.
pub(super) fn lines(key_set: &Json) -> String {
    let plain = |path: &[&str]| clean(text(key_set, path));
    let mut lines = Lines::default();
    lines.add("id", &plain(&["id"]));
    lines.add("name", &plain(&["name"]));
    lines.add("status", &status(text(key_set, &["status"])));
    lines.add("type", &plain(&["authType"]));
    lines.add("application", &named(key_set, "application"));
    lines.add("owner", &plain(&["username"]));
    lines.add("policy", &policy(key_set));
    for api in list(key_set, "authorizedApis") {
        lines.add("api", &named(api, "service"));
    }
    let actions: Vec<_> = list(key_set, "actions").filter_map(Json::as_str).map(clean).collect();
    lines.add("you may", &actions.join(", "));
    let reason = plain(&["lastError", "reason"]);
    lines.add("last error", &reason);
    lines.add("created", &plain(&["created"]));
    lines.add("updated", &plain(&["updated"]));
    let mut keys = Table::new(&KEYS);
    for key in list(key_set, "keys") {
        keys.row(key_row(key));
    }
    let mut lines = format!("{}\n{}", lines.0, keys.text(None));
    for credential in list(key_set, "credentials") {
        let mut of_key = Lines::default();
        of_key.add("of", &clean(text(credential, &["key"])));
        of_key.add("key", &clean(text(credential, &["apikey"])));
        of_key.add("secret", &clean(text(credential, &["secret"])));
        lines += &format!("\n{}", of_key.0);
    }
    lines
}

fn key_row(key: &Json) -> Vec<String> {
    let cell = |path: &[&str]| clean(text(key, path));
    let latest = key.get("latest").and_then(Json::as_bool).unwrap_or(false);
    // What has come to pass, or else what is planned.
    let milestone = |name: &str| {
        let actual = cell(&[name, "actual"]);
        let cancelled = key.get(name).and_then(|date| date.get("cancelled")?.as_bool());
        match (actual.as_str(), cancelled) {
            ("", Some(true)) => "-".to_owned(),
            ("", _) => some(cell(&[name, "planned"])),
            _ => actual,
        }
    };
    vec![
        format!("{}{}", cell(&["id"]), if latest { " LATEST" } else { "" }),
        status(text(key, &["status"])),
        cell(&["created"]),
        milestone("rotation"),
        milestone("expiration"),
        some(cell(&["revoked"])),
    ]
}

/// The policy in a few words.
fn policy(key_set: &Json) -> String {
    let number = |name: &str| key_set.get("policy").and_then(|policy| policy.get(name)?.as_u64());
    let mut words = Vec::new();
    if let Some(months) = number("rotationMonths") {
        words.push(format!("rotation every {months} months"));
    }
    if let Some(months) = number("expirationMonths") {
        words.push(format!("expires after {months} months"));
    }
    if let Some(seconds) = number("overlapSeconds").filter(|seconds| *seconds > 0) {
        words.push(format!("overlap of {seconds} s"));
    }
    words.join(", ")
}

fn list<'a>(key_set: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    key_set.get(name).and_then(Json::as_array).into_iter().flatten()
}

fn some(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}
