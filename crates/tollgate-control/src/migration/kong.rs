//! Kong's declarative configuration: consumers with `keyauth_credentials`, and what limits them.
//! Credentials and plugins stand within their consumer or beside all of them, naming it.

use std::collections::HashMap;

use super::fields::Fields;
use super::row::{Limit, Reading, Row, RowPlace, Window, window};
use super::tree::Tree;
use super::{Malformed, within};
use crate::document::kind::Instant;
use crate::life_cycle::State;
use crate::model::Period;
use crate::operations::Secret;

/// A consumer with all that was found of it.
struct Consumer {
    place: RowPlace,
    username: Option<String>,
    custom_id: Option<String>,
    groups: Vec<String>,
    limits: Vec<Limit>,
    credentials: Vec<Credential>,
}

struct Credential {
    place: RowPlace,
    key: Secret,
    expires: Option<Instant>,
}

/// What identifies things and places them, and says nothing of rights.
const BOOKKEEPING: &[&str] = &["id", "created_at", "updated_at", "tags", "instance_name"];

/// How a limiter counts and answers. What it counts by matters and is looked at.
const MECHANICS: &[&str] = &[
    "policy",
    "fault_tolerant",
    "hide_client_headers",
    "error_code",
    "error_message",
    "sync_rate",
    "strategy",
    "dictionary_name",
    "redis",
    "namespace",
    "window_type",
    "limit_by",
    "identifier",
];

pub(super) fn read(document: &[u8]) -> Result<Reading, Malformed> {
    let mut reading = Reading::default();
    let document = Tree::of_either(document)?;
    let top = Fields::of(document, RowPlace::Path("".into()), &mut reading);
    let Some(mut top) = top else {
        return Err(Malformed::whole("expected an object with a list of consumers"));
    };
    top.drop(&["_format_version", "_transform", "_comment", "_info", "_workspace"]);
    let mut consumers = Vec::new();
    let mut known = HashMap::new();
    let listed = top.list("consumers", &mut reading);
    for (index, consumer) in listed.into_iter().enumerate() {
        let place = within("", "consumers", index);
        let Some(fields) = Fields::of(consumer, place, &mut reading) else { continue };
        let consumer = read_consumer(fields, &mut known, consumers.len(), &mut reading);
        consumers.push(consumer);
    }
    let apart = top.list("keyauth_credentials", &mut reading);
    for (index, credential) in apart.into_iter().enumerate() {
        let place = within("", "keyauth_credentials", index);
        let Some(mut fields) = Fields::of(credential, place, &mut reading) else { continue };
        let Some(owner) = named_consumer(&mut fields, &known, &mut reading) else {
            fields.refuse(&mut reading, "consumer", "expected a consumer of this document");
            continue;
        };
        let credential = read_credential(fields, &mut reading);
        if let Some(consumer) = consumers.get_mut(owner) {
            consumer.credentials.extend(credential);
        }
    }
    let plugins = top.list("plugins", &mut reading);
    for (index, plugin) in plugins.into_iter().enumerate() {
        let place = within("", "plugins", index);
        let Some(mut fields) = Fields::of(plugin, place, &mut reading) else { continue };
        match named_consumer(&mut fields, &known, &mut reading) {
            Some(owner) => {
                if let Some(consumer) = consumers.get_mut(owner) {
                    consumer.limits.extend(read_plugin(fields, &mut reading));
                }
            }
            None => fields.remark(&mut reading, "name", NOT_OF_A_CONSUMER),
        }
    }
    top.leave(&mut reading);
    for consumer in consumers {
        consumer.into_rows(&mut reading);
    }
    Ok(reading)
}

const NOT_OF_A_CONSUMER: &str =
    "not carried over: a plugin that is of no single consumer is a matter of services and plans";

fn read_consumer(
    mut fields: Fields,
    known: &mut HashMap<String, usize>,
    index: usize,
    reading: &mut Reading,
) -> Consumer {
    let mut consumer = Consumer {
        username: fields.label("username", reading),
        custom_id: fields.label("custom_id", reading),
        place: fields.place.clone(),
        groups: Vec::new(),
        limits: Vec::new(),
        credentials: Vec::new(),
    };
    let id = fields.text("id", reading);
    for name in [&consumer.username, &id, &consumer.custom_id].into_iter().flatten() {
        known.entry(name.clone()).or_insert(index);
    }
    let RowPlace::Path(path) = fields.place.clone() else { return consumer };
    for (list, field) in [("groups", "name"), ("acls", "group")] {
        for group in fields.list(list, reading) {
            let name = match group {
                Tree::Text(name) => Some(name),
                group => Fields::of(group, fields.place.clone(), reading)
                    .and_then(|mut group| group.label(field, reading)),
            };
            consumer.groups.extend(name);
        }
    }
    let credentials = fields.list("keyauth_credentials", reading);
    for (index, credential) in credentials.into_iter().enumerate() {
        let place = within(&path, "keyauth_credentials", index);
        let found = Fields::of(credential, place, reading);
        let found = found.and_then(|credential| read_credential(credential, reading));
        consumer.credentials.extend(found);
    }
    for (index, plugin) in fields.list("plugins", reading).into_iter().enumerate() {
        let plugin = Fields::of(plugin, within(&path, "plugins", index), reading);
        consumer.limits.extend(plugin.into_iter().flat_map(|plugin| read_plugin(plugin, reading)));
    }
    fields.drop(BOOKKEEPING);
    fields.leave(reading);
    consumer
}

/// Which consumer a credential or plugin is of that stands beside them.
fn named_consumer(
    fields: &mut Fields,
    known: &HashMap<String, usize>,
    reading: &mut Reading,
) -> Option<usize> {
    let names = match fields.take("consumer")? {
        Tree::Text(name) => vec![name],
        consumer => {
            let mut consumer = Fields::of(consumer, fields.place.clone(), reading)?;
            let names = ["username", "id", "custom_id", "name"];
            names.into_iter().filter_map(|name| consumer.text(name, reading)).collect()
        }
    };
    names.iter().find_map(|name| known.get(name).copied())
}

fn read_credential(mut fields: Fields, reading: &mut Reading) -> Option<Credential> {
    let before = reading.problems.len();
    let key = fields.text("key", reading);
    let ttl = fields.count("ttl", reading).filter(|seconds| *seconds > 0);
    let created = fields.integer("created_at", reading);
    let expires = match (ttl.map(i64::try_from), created) {
        (None, _) => None,
        (Some(Ok(ttl)), Some(created)) => Some(Instant::Second(created.saturating_add(ttl))),
        (Some(_), _) => {
            let message = "expected created_at beside it: else nobody knows when the key ends";
            fields.refuse(reading, "ttl", message);
            None
        }
    };
    let Some(key) = key else {
        if reading.problems.len() == before {
            fields.refuse(reading, "key", "expected a key");
        }
        return None;
    };
    if key.starts_with("{vault://") {
        fields.refuse(reading, "key", "the key stands in a vault, expected it in this document");
    }
    fields.drop(BOOKKEEPING);
    let place = fields.place.clone();
    fields.leave(reading);
    let whole = reading.problems.len() == before;
    whole.then(|| Credential { place, key: Secret::new(key), expires })
}

/// The limits of a plugin of a consumer.
fn read_plugin(mut fields: Fields, reading: &mut Reading) -> Vec<Limit> {
    let name = fields.text("name", reading).unwrap_or_default();
    let enabled = fields.switch("enabled", reading).unwrap_or(true);
    let narrower = ["service", "route"].map(|scope| fields.take(scope).is_some()).contains(&true);
    let limiter = matches!(name.as_str(), "rate-limiting" | "rate-limiting-advanced");
    let why = match (limiter, enabled, narrower) {
        (false, _, _) => "not carried over: this plugin has no counterpart on a key",
        (true, false, _) => "not carried over: it is switched off",
        (true, true, true) => "not carried over: it limits one service or route only",
        (true, true, false) => "",
    };
    if !why.is_empty() {
        let plugin = format!("plugin {name}");
        fields.remark(reading, &plugin, why);
        return Vec::new();
    }
    let Some(mut config) = fields.table("config", "config.", reading) else { return Vec::new() };
    if let Some(Tree::Text(by)) = config.take("limit_by")
        && !matches!(by.as_str(), "consumer" | "credential")
    {
        config.remark(reading, "limit_by", "here a limit counts the calls of the key");
    }
    let limits = match name.as_str() {
        "rate-limiting" => read_windows(&mut config, reading),
        _ => read_pairs(&mut config, reading),
    };
    config.drop(MECHANICS);
    config.leave(reading);
    limits
}

/// The windows that the plugin knows by name.
fn read_windows(config: &mut Fields, reading: &mut Reading) -> Vec<Limit> {
    let windows = [
        ("second", Window::Second),
        ("minute", Window::Period(Period::Minute)),
        ("hour", Window::Period(Period::Hour)),
        ("day", Window::Period(Period::Day)),
        ("month", Window::Period(Period::Month)),
    ];
    let mut limits = Vec::new();
    for (field, window) in windows {
        let ceiling = config.count(field, reading);
        limits.extend(ceiling.map(|ceiling| Limit { ceiling, window, field }));
    }
    if config.take("year").is_some() {
        config.remark(reading, "year", "not carried over: nothing here counts over a year");
    }
    limits
}

/// Windows of any length, in seconds, each with its limit in another list.
fn read_pairs(config: &mut Fields, reading: &mut Reading) -> Vec<Limit> {
    let mut limits = Vec::new();
    let ceilings = config.list("limit", reading);
    let windows = config.list("window_size", reading);
    if ceilings.len() != windows.len() {
        config.refuse(reading, "limit", "expected as many as in window_size");
    }
    for (ceiling, size) in ceilings.into_iter().zip(windows) {
        let numbers = (whole(&ceiling), whole(&size).map(window));
        match numbers {
            (Some(ceiling), Some(Some(window))) => {
                limits.push(Limit { ceiling, window, field: "limit" });
            }
            (Some(_), Some(None)) => config.remark(
                reading,
                "window_size",
                "not carried over: limits here count over a second, minute, hour, day or month",
            ),
            _ => config.refuse(reading, "limit", "expected whole numbers from 0"),
        }
    }
    limits
}

fn whole(value: &Tree) -> Option<u64> {
    match value {
        Tree::Integer(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

impl Consumer {
    fn into_rows(self, reading: &mut Reading) {
        let why = match self.credentials.len() {
            0 => "a consumer without a key: nothing of it is imported",
            1 => "",
            _ => "several keys of one consumer: each has limits and counters of its own here",
        };
        if !why.is_empty() {
            reading.remark(&self.place, "keyauth_credentials", why);
        }
        let owner = self.username.or(self.custom_id);
        for credential in self.credentials {
            let mut row = Row::new(credential.place, credential.key);
            row.owner.clone_from(&owner);
            row.application.clone_from(&owner);
            row.groups.clone_from(&self.groups);
            row.limits.clone_from(&self.limits);
            row.expires = credential.expires;
            row.state = State::Active;
            reading.rows.push(row);
        }
    }
}
