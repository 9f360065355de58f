//! Which objects a query is about, by looking at each.

use super::super::field::Fetch;
use super::super::query::Query;
use super::super::source::{Object, Scene};
use super::{Failure, Resource};
use crate::store::Connection;

/// Of some objects those that a query is about and the caller may look at.
pub(crate) fn sift(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    query: &Query,
    mut objects: Vec<Object>,
) -> Result<Vec<Object>, Failure> {
    let permissions = scene.permissions();
    objects.retain(|object| scene.caller.may(permissions, resource.read, &object.realm));
    for field in explicit(resource, |name| query.needs(name)) {
        for object in &mut objects {
            complete(resource, scene, connection, object, field)?;
        }
    }
    let conditions = query.conditions.iter();
    let conditions: Vec<_> =
        conditions.filter(|condition| !resource.source.answers(condition)).collect();
    objects.retain(|Object { json, .. }| conditions.iter().all(|condition| condition.holds(json)));
    if query.searches.is_empty() {
        return Ok(objects);
    }
    let mut found = Vec::new();
    for object in objects {
        let searched = resource.source.searched(scene, connection, &object)?;
        let searched = searched.as_ref().unwrap_or(&object.json);
        if query.searches.iter().all(|search| search.holds(searched)) {
            found.push(object);
        }
    }
    Ok(found)
}

/// The fields that have to be asked for and are.
pub(super) fn explicit(
    resource: &Resource,
    asked: impl Fn(&str) -> bool,
) -> impl Iterator<Item = &'static str> {
    let fields = resource.fields.iter().filter(|field| field.fetch == Fetch::Explicit);
    fields.map(|field| field.name).filter(move |name| asked(name))
}

/// Adds a field that has to be asked for.
pub(super) fn complete(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    object: &mut Object,
    field: &'static str,
) -> Result<(), Failure> {
    if let Some(value) = resource.source.explicit(scene, connection, object, field)? {
        object.json.insert(field.to_owned(), value);
    }
    Ok(())
}
