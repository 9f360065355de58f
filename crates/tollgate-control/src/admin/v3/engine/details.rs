//! What the audit log says of a change.

use serde_json::{Map, Value as Json, json};

use super::super::field::Kind;
use super::super::source::Wanted;
use super::Resource;
use crate::webhooks::without_query;

/// Each property with what it was and what it is to be. Of what is secret it says that it changed,
/// and of a URL where it leads.
pub(super) fn details(resource: &Resource, before: &Map<String, Json>, wanted: &Wanted) -> String {
    let kind = |name: &str| {
        let field = resource.fields.iter().find(|field| field.name == name);
        field.map(|field| field.kind)
    };
    let mut changed = Map::new();
    for (name, value) in &wanted.given {
        let old = before.get(name).unwrap_or(&Json::Null);
        if kind(name) == Some(Kind::Secret) {
            changed.insert(name.clone(), json!("changed"));
        } else if old != value {
            let told = match kind(name) {
                Some(Kind::Url(_)) => [old, value].map(place),
                _ => [old, value].map(Json::clone),
            };
            changed.insert(name.clone(), json!(told));
        }
    }
    if wanted.password.is_some() {
        changed.insert("password".to_owned(), json!("changed"));
    }
    Json::Object(changed).to_string()
}

fn place(url: &Json) -> Json {
    url.as_str().map_or(Json::Null, |url| json!(without_query(url)))
}
