//! What a request gets to see of objects: which of them, in which order, and what of each.

use serde_json::{Map, Value as Json};

use super::super::field::Kind;
use super::super::query::Query;
use super::super::sort::Order;
use super::super::source::{Object, Scene};
use super::sift::{complete, explicit, sift};
use super::{Dialect, Failure, Resource};
use crate::admin::native::instant;
use crate::store::Connection;

/// What a request gets of all objects, and how many there are.
pub(super) fn list(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    query: &Query,
) -> Result<(Vec<Json>, usize, Vec<String>), Failure> {
    let (mut objects, total) = match resource.source.page(resource, scene, connection, query)? {
        Some(paged) => paged,
        None => paged(resource, scene, connection, query)?,
    };
    resource.source.show(scene, connection, &mut objects)?;
    let (mut page, mut shown) = (Vec::new(), Vec::new());
    for object in objects {
        let id = object.id.clone();
        let json = selected(resource, scene, connection, object, query)?;
        if shows_keys(&json) {
            shown.push(id);
        }
        page.push(Json::Object(json));
    }
    Ok((page, total, shown))
}

/// The page that a request gets, out of all objects, and how many there are.
pub(crate) fn paged(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    query: &Query,
) -> Result<(Vec<Object>, usize), Failure> {
    let all = resource.source.all(scene, connection, query)?;
    let mut all = sift(resource, scene, connection, query, all)?;
    Order::arrange(&query.orders, &mut all, |object| &object.json);
    let total = all.len();
    Ok((query.page.of(all), total))
}

/// What a request wants to see of the one object that it asks for.
pub(super) fn one(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    mut object: Object,
    query: &Query,
) -> Result<Map<String, Json>, Failure> {
    resource.source.show(scene, connection, std::slice::from_mut(&mut object))?;
    selected(resource, scene, connection, object, query)
}

/// What a request wants to see of an object.
fn selected(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    mut object: Object,
    query: &Query,
) -> Result<Map<String, Json>, Failure> {
    for field in explicit(resource, |name| query.selection.names(name)) {
        complete(resource, scene, connection, &mut object, field)?;
    }
    let secrets = resource.fields.iter().filter(|field| field.kind == Kind::Secret);
    if secrets.into_iter().any(|field| query.selection.shows(field.name)) {
        resource.source.reveal(scene, &mut object)?;
    }
    let mut json = query.selection.of(&object.json, resource.fields);
    if resource.dialect == Dialect::Native {
        write_instants(resource, &mut json);
    }
    Ok(json)
}

/// Writes instants as the native API does. Until here they stand as the v3 API has them, whatever is
/// asked of them.
fn write_instants(resource: &Resource, json: &mut Map<String, Json>) {
    for field in resource.fields.iter().filter(|field| field.kind == Kind::Instant) {
        if let Some(Json::String(text)) = json.get_mut(field.name) {
            *text = instant::of_v3(text);
        }
    }
}

/// Whether the value of a key, or its secret, stands anywhere in an answer.
pub(super) fn shows_keys(json: &Map<String, Json>) -> bool {
    json.iter().any(|(name, value)| match value {
        Json::String(_) => matches!(&**name, "apikey" | "secret"),
        Json::Object(below) => shows_keys(below),
        Json::Array(list) => list.iter().filter_map(Json::as_object).any(shows_keys),
        _ => false,
    })
}
