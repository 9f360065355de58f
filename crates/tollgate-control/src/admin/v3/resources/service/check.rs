//! Whether a service can be carried out, and which of its endpoints calls lead to.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::super::super::field::misfits;
use super::super::super::source::{Object, Scene};
use super::super::super::{Failure, Violation};
use super::{ENDPOINT_FIELDS, METHOD_FIELDS};
use crate::source::routed::Routed;
use crate::source::service::{self, Problem, Standing};
use crate::store::{Connection, Document};

/// Whether calls lead to an endpoint.
pub(super) const ROUTED: &str = "routed";
/// Why no call leads to an endpoint.
pub(super) const WHY_NOT: &str = "notRoutedBecause";

/// Refuses endpoints that were made or changed and ask for what Tollgate cannot carry out, and such
/// as take calls of another.
pub(super) fn carried_out(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    before: Option<&Document>,
    document: &Document,
) -> Result<(), Failure> {
    let unchanged = |endpoint: &Map<String, Json>| {
        before.is_some_and(|before| service::endpoints(&before.body).any(|old| old == endpoint))
    };
    let mut violations = Vec::new();
    for endpoint in service::endpoints(&document.body).filter(|endpoint| !unchanged(endpoint)) {
        misfits(ENDPOINT_FIELDS, endpoint, &mut violations);
        let methods = endpoint.get("methods").and_then(Json::as_array).into_iter().flatten();
        for method in methods.filter_map(Json::as_object) {
            misfits(METHOD_FIELDS, method, &mut violations);
        }
    }
    if !violations.is_empty() {
        return Err(Failure::Invalid(violations));
    }
    let read = service::of_document(document, scene.file());
    for (id, problems) in &read.unrouted {
        let endpoint = service::endpoints(&document.body).find(|known| service::id(known) == &**id);
        if endpoint.is_none_or(|endpoint| !unchanged(endpoint)) {
            let refused = problems.iter().filter(|known| known.standing == Standing::Refused);
            violations.extend(refused.map(|Problem { property, message, .. }| {
                Violation::new(*property, message.clone())
            }));
        }
    }
    if !violations.is_empty() {
        return Err(Failure::Invalid(violations));
    }
    let mut routed = Routed::of_both(scene.file(), connection, Some(&document.id))?;
    for front in &read.service.fronts {
        if let Err(clash) = routed.claim(document, &read.service, front) {
            let part = front.part.as_ref().map_or("", |part| part);
            return Err(Failure::Conflict(format!("endpoint {part}: {clash}")));
        }
    }
    Ok(())
}

/// Says of the endpoints of services whether calls lead to them.
pub(super) fn show_services(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    objects: &mut [Object],
) -> Result<(), Failure> {
    let closed = closed(scene, connection)?;
    for object in objects.iter_mut().filter(|object| object.document.is_some()) {
        let endpoints = object.json.get_mut("endpoints").and_then(Json::as_array_mut);
        for endpoint in endpoints.into_iter().flatten().filter_map(Json::as_object_mut) {
            say(&closed, &object.id, endpoint);
        }
    }
    Ok(())
}

/// Says of endpoints whether calls lead to them.
pub(super) fn show_endpoints(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    objects: &mut [Object],
) -> Result<(), Failure> {
    let closed = closed(scene, connection)?;
    for object in objects {
        if let Some(document) = &object.document {
            say(&closed, &document.id, &mut object.json);
        }
    }
    Ok(())
}

/// Why endpoints are closed, by the ids of their services and theirs.
type Closed = BTreeMap<(String, String), String>;

fn closed(scene: Scene<'_>, connection: &mut dyn Connection) -> Result<Closed, Failure> {
    let routed = Routed::of_both(scene.file(), connection, None)?;
    let closed = routed.unrouted.into_iter();
    Ok(closed.map(|it| ((it.service.to_string(), it.endpoint.to_string()), it.why)).collect())
}

fn say(closed: &Closed, service: &str, endpoint: &mut Map<String, Json>) {
    let id = service::id(endpoint).to_owned();
    let why = closed.get(&(service.to_owned(), id));
    endpoint.insert(ROUTED.to_owned(), json!(why.is_none()));
    if let Some(why) = why {
        endpoint.insert(WHY_NOT.to_owned(), json!(why));
    }
}
