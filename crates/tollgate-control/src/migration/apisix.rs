//! APISIX consumers and credentials, as its admin API lists them (JSON) or as its standalone file
//! has them (YAML).

use std::collections::HashMap;

use super::fields::Fields;
use super::row::{Limit, Reading, Row, RowPlace, Window, window};
use super::tree::Tree;
use super::{Malformed, within};
use crate::life_cycle::State;
use crate::operations::Secret;

/// What a key's consumer gives to all its keys.
#[derive(Default)]
struct Consumer {
    groups: Vec<String>,
    limits: Vec<Limit>,
}

/// A key before it is known what its consumer says.
struct Credential {
    place: RowPlace,
    consumer: String,
    name: String,
    key: Secret,
    state: State,
}

/// What identifies things and places them, and says nothing of rights.
const BOOKKEEPING: &[&str] =
    &["id", "create_time", "update_time", "desc", "labels", "createdIndex", "modifiedIndex"];

/// How a limiter answers and where it keeps its counts.
const MECHANICS: &[&str] = &[
    "policy",
    "rejected_code",
    "rejected_msg",
    "allow_degradation",
    "show_limit_quota_header",
    "nodelay",
    "key_type",
    "sync_interval",
    "redis_host",
    "redis_port",
    "redis_username",
    "redis_password",
    "redis_database",
    "redis_timeout",
    "redis_ssl",
    "redis_ssl_verify",
    "redis_cluster_nodes",
    "redis_cluster_name",
    "redis_cluster_ssl",
    "redis_cluster_ssl_verify",
];

/// Which field of a consumer or path names credentials.
const CREDENTIALS: &str = "/credentials/";

pub(super) fn read(document: &[u8]) -> Result<Reading, Malformed> {
    let mut reading = Reading::default();
    let document = Tree::of_either(document)?;
    let (list, items) = items(document, &mut reading)
        .ok_or_else(|| Malformed::whole("expected a list of consumers, as the admin API gives"))?;
    let mut consumers = HashMap::new();
    let mut credentials = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let Some(fields) = Fields::of(item, within("", list, index), &mut reading) else {
            continue;
        };
        read_item(fields, &mut consumers, &mut credentials, &mut reading);
    }
    for credential in credentials {
        let mut row = Row::new(credential.place, credential.key);
        match consumers.get(&credential.consumer) {
            Some(Consumer { groups, limits }) => {
                row.groups.clone_from(groups);
                row.limits.clone_from(limits);
            }
            None => reading.remark(
                &row.place,
                "consumer",
                "its consumer is not in the document, so neither are its group and limits",
            ),
        }
        row.name = credential.name;
        row.owner = Some(credential.consumer.clone());
        row.application = Some(credential.consumer);
        row.state = credential.state;
        reading.rows.push(row);
    }
    Ok(reading)
}

/// The items of a document, with the name of the list that they stand in.
fn items(document: Tree, reading: &mut Reading) -> Option<(&'static str, Vec<Tree>)> {
    let mut fields = match document {
        Tree::List(items) => return Some(("", items)),
        Tree::Table(_) => Fields::of(document, RowPlace::Path("".into()), reading)?,
        _ => return None,
    };
    if let Some(Tree::List(items)) = fields.take("list") {
        return Some(("list", items));
    }
    if let Some(mut node) = fields.table("node", "node.", reading) {
        return match node.take("nodes") {
            Some(Tree::List(items)) => Some(("node.nodes", items)),
            _ => None,
        };
    }
    if let Some(Tree::List(items)) = fields.take("consumers") {
        fields.leave(reading);
        return Some(("consumers", items));
    }
    fields.take("value").map(|value| ("", vec![value]))
}

fn read_item(
    mut fields: Fields,
    consumers: &mut HashMap<String, Consumer>,
    credentials: &mut Vec<Credential>,
    reading: &mut Reading,
) {
    let mut path = String::new();
    if let Some(value) = fields.take("value") {
        path = fields.text("key", reading).unwrap_or_default();
        let Some(inner) = Fields::of(value, fields.place, reading) else { return };
        fields = inner;
    }
    let username = fields.label("username", reading);
    if path.is_empty() {
        // A standalone file names a credential by the way to it.
        let id = fields.text("id", reading).or_else(|| username.clone()).unwrap_or_default();
        path = format!("/consumers/{id}");
    }
    let below = path.rsplit_once("/consumers/").map_or("", |(_, below)| below);
    let (consumer, name) = match below.split_once(CREDENTIALS) {
        Some((consumer, name)) => (Some(consumer.to_owned()), name.to_owned()),
        None => (username, String::new()),
    };
    let Some(consumer) = consumer.filter(|consumer| !consumer.is_empty()) else {
        fields.refuse(reading, "username", "expected the name of a consumer");
        return;
    };
    let is_credential = below.contains(CREDENTIALS);
    let Some(mut plugins) = fields.table("plugins", "plugins.", reading) else {
        if is_credential {
            fields.refuse(reading, "plugins", "expected a key-auth plugin");
        } else {
            remember(fields, consumer, Vec::new(), consumers, reading);
        }
        return;
    };
    if let Some(auth) = plugins.table("key-auth", "plugins.key-auth.", reading) {
        let credential = read_key_auth(auth, &consumer, name, reading);
        credentials.extend(credential);
    } else if is_credential {
        plugins.remark(reading, "key-auth", "a credential without a key: nothing of it");
    }
    let limits = read_limits(&mut plugins, reading);
    plugins.leave(reading);
    if is_credential {
        fields.drop(BOOKKEEPING);
        fields.leave(reading);
    } else {
        remember(fields, consumer, limits, consumers, reading);
    }
}

fn remember(
    mut fields: Fields,
    name: String,
    limits: Vec<Limit>,
    consumers: &mut HashMap<String, Consumer>,
    reading: &mut Reading,
) {
    let group = fields.label("group_id", reading);
    fields.drop(BOOKKEEPING);
    fields.leave(reading);
    consumers.insert(name, Consumer { groups: group.into_iter().collect(), limits });
}

fn read_key_auth(
    mut auth: Fields,
    consumer: &str,
    name: String,
    reading: &mut Reading,
) -> Option<Credential> {
    let before = reading.problems.len();
    let key = auth.text("key", reading);
    let key = key.filter(|key| !key.is_empty());
    if key.is_none() && reading.problems.len() == before {
        auth.refuse(reading, "key", "expected a key");
    }
    let key = key?;
    let refers = ["$secret://", "$env://", "$ENV://"];
    if refers.iter().any(|prefix| key.starts_with(prefix)) {
        auth.refuse(reading, "key", "the key stands elsewhere, expected it in this document");
        return None;
    }
    let state = if disabled(&mut auth, reading) { State::Suspended } else { State::Active };
    if state == State::Suspended {
        auth.remark(reading, "_meta.disable", "imported as a disabled key");
    }
    auth.drop(&["header", "query", "hide_credentials"]);
    let place = auth.place.clone();
    auth.leave(reading);
    let key = Secret::new(key);
    Some(Credential { place, consumer: consumer.to_owned(), name, key, state })
}

/// Whether a plugin is switched off.
fn disabled(plugin: &mut Fields, reading: &mut Reading) -> bool {
    let meta = plugin.table("_meta", "_meta.", reading);
    meta.is_some_and(|mut meta| meta.switch("disable", reading) == Some(true))
}

fn read_limits(plugins: &mut Fields, reading: &mut Reading) -> Vec<Limit> {
    let mut limits = Vec::new();
    if let Some(mut plugin) = plugins.table("limit-count", "plugins.limit-count.", reading)
        && is_on(&mut plugin, reading)
    {
        let ceiling = number(&mut plugin, "count", reading);
        let size = number(&mut plugin, "time_window", reading);
        match (ceiling, size.map(window)) {
            (Some(ceiling), Some(Some(window))) => {
                limits.push(Limit { ceiling, window, field: "plugins.limit-count.count" });
            }
            (Some(_), Some(None)) => plugin.remark(
                reading,
                "time_window",
                "not carried over: limits here count over a second, minute, hour, day or month",
            ),
            _ => {}
        }
        finish(plugin, reading);
    }
    if let Some(mut plugin) = plugins.table("limit-req", "plugins.limit-req.", reading)
        && is_on(&mut plugin, reading)
    {
        if let Some(ceiling) = number(&mut plugin, "rate", reading) {
            let window = Window::Second;
            limits.push(Limit { ceiling, window, field: "plugins.limit-req.rate" });
        }
        if plugin.take("burst").is_some() {
            plugin.remark(reading, "burst", "not carried over: the burst of a key is its ceiling");
        }
        finish(plugin, reading);
    }
    limits
}

fn is_on(plugin: &mut Fields, reading: &mut Reading) -> bool {
    let off = disabled(plugin, reading);
    if off {
        plugin.remark(reading, "_meta.disable", "not carried over: it is switched off");
    }
    !off
}

/// A number from 1. Those that a variable or a fraction stands for are not carried over.
fn number(plugin: &mut Fields, field: &str, reading: &mut Reading) -> Option<u64> {
    let number = match plugin.take(field)? {
        Tree::Integer(number) => u64::try_from(number).ok().filter(|number| *number > 0),
        _ => None,
    };
    if number.is_none() {
        plugin.remark(reading, field, "not carried over: it is no whole number from 1");
    }
    number
}

fn finish(mut plugin: Fields, reading: &mut Reading) {
    let of_consumer = |by: &str| matches!(by, "consumer_name" | "$consumer_name");
    if let Some(Tree::Text(by)) = plugin.take("key")
        && !of_consumer(&by)
    {
        plugin.remark(reading, "key", "here a limit counts the calls of the key");
    }
    plugin.drop(MECHANICS);
    plugin.leave(reading);
}
