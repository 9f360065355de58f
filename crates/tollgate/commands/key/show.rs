//! `tollgate key show`

use std::process::ExitCode;

use serde_json::Value as Json;

use super::each::{Each, of_each};
use super::kept::{Kind, find, instant, text};
use super::key_set;
use crate::cli::ShowArguments;
use crate::client::{Client, Failure, clean};
use crate::output::status;

pub(super) fn perform(arguments: &ShowArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let shown = of_each(&arguments.ids, |id| {
        let found = find(&client, id)?;
        let mut key = found.json.clone();
        if arguments.value {
            match found.kind {
                Kind::PackageKey => {
                    let path = found.target();
                    key = client.get(&format!("{path},apikey,secret"))?;
                }
                Kind::KeySet => {
                    let credentials = client.get(&format!("{}/credentials", found.target()))?;
                    key["credentials"] = credentials;
                }
            }
        }
        Ok(match (arguments.asking.json, found.kind) {
            (true, _) => format!("{key}\n"),
            (false, Kind::PackageKey) => lines(&key),
            (false, Kind::KeySet) => key_set::lines(&key),
        })
    });
    Ok(Each::end(shown?))
}

/// What there is to say of a package key, a line each.
pub(super) fn lines(key: &Json) -> String {
    let plain = |path: &[&str]| clean(text(key, path));
    let mut lines = Lines::default();
    lines.add("id", &plain(&["id"]));
    lines.add("status", &status(text(key, &["status"])));
    lines.add("application", &named(key, "application"));
    lines.add("owner", &plain(&["application", "username"]));
    lines.add("package", &named(key, "package"));
    lines.add("plan", &named(key, "plan"));
    lines.add("qps", &limit(key, "qpsLimitCeiling", "qpsLimitExempt"));
    lines.add("quota", &limit(key, "rateLimitCeiling", "rateLimitExempt"));
    let expires = text(key, &["expires"]);
    let expires = if expires.is_empty() { "never".to_owned() } else { clean(&instant(expires)) };
    lines.add("expires", &expires);
    lines.add("created", &clean(&instant(text(key, &["created"]))));
    lines.add("updated", &clean(&instant(text(key, &["updated"]))));
    lines.add("key", &plain(&["apikey"]));
    lines.add("secret", &plain(&["secret"]));
    lines.0
}

/// Lines of a word and what there is to say to it.
#[derive(Default)]
pub(super) struct Lines(pub(super) String);

impl Lines {
    /// One of them, if there is anything to say.
    pub(super) fn add(&mut self, head: &str, value: &str) {
        if !value.is_empty() {
            self.0 += &format!("{head:<13}{value}\n");
        }
    }
}

/// What a part of an object is called, and its id where that is something else.
pub(super) fn named(key: &Json, part: &str) -> String {
    let (name, id) = (clean(text(key, &[part, "name"])), clean(text(key, &[part, "id"])));
    match (name.as_str(), id.as_str()) {
        (_, "") => name,
        ("", _) => id,
        (name, id) if name == id => id.to_owned(),
        (name, id) => format!("{name} ({id})"),
    }
}

/// A key's own limit.
fn limit(key: &Json, ceiling: &str, exempt: &str) -> String {
    if key.get(exempt).and_then(Json::as_bool).unwrap_or(false) {
        return "exempt".to_owned();
    }
    let ceiling = key.get(ceiling).and_then(Json::as_u64);
    ceiling.map_or_else(|| "the plan's".to_owned(), |ceiling| ceiling.to_string())
}
