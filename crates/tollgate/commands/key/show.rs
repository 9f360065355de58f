//! `tollgate key show`

use std::process::ExitCode;

use serde_json::Value as Json;

use super::each::{Each, of_each};
use super::kept::{find_with, instant, text};
use crate::cli::ShowArguments;
use crate::client::{Client, Failure, clean};
use crate::output::status;

pub(super) fn perform(arguments: &ShowArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let shown = of_each(&arguments.ids, |id| {
        let key = find_with(&client, id, if arguments.value { ",apikey,secret" } else { "" })?;
        Ok(if arguments.asking.json { format!("{key}\n") } else { lines(&key) })
    });
    Ok(Each::end(shown?))
}

/// What there is to say of a key, a line each.
pub(super) fn lines(key: &Json) -> String {
    let mut lines = String::new();
    let mut line = |head: &str, value: &str| {
        if !value.is_empty() {
            lines += &format!("{head:<13}{value}\n");
        }
    };
    let plain = |path: &[&str]| clean(text(key, path));
    let both = |name: String, id: String| match (name.as_str(), id.as_str()) {
        (_, "") => name,
        ("", _) => id,
        (name, id) if name == id => id.to_owned(),
        (name, id) => format!("{name} ({id})"),
    };
    line("id", &plain(&["id"]));
    line("status", &status(text(key, &["status"])));
    let of = |name: &str| both(plain(&[name, "name"]), plain(&[name, "id"]));
    line("application", &of("application"));
    line("owner", &plain(&["application", "username"]));
    line("package", &of("package"));
    line("plan", &of("plan"));
    line("qps", &limit(key, "qpsLimitCeiling", "qpsLimitExempt"));
    line("quota", &limit(key, "rateLimitCeiling", "rateLimitExempt"));
    let expires = text(key, &["expires"]);
    line(
        "expires",
        &if expires.is_empty() { "never".to_owned() } else { clean(&instant(expires)) },
    );
    line("created", &clean(&instant(text(key, &["created"]))));
    line("updated", &clean(&instant(text(key, &["updated"]))));
    line("key", &plain(&["apikey"]));
    line("secret", &plain(&["secret"]));
    lines
}

/// A key's own limit.
fn limit(key: &Json, ceiling: &str, exempt: &str) -> String {
    if key.get(exempt).and_then(Json::as_bool).unwrap_or(false) {
        return "exempt".to_owned();
    }
    let ceiling = key.get(ceiling).and_then(Json::as_u64);
    ceiling.map_or_else(|| "the plan's".to_owned(), |ceiling| ceiling.to_string())
}
