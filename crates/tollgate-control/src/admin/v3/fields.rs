//! `fields`: which properties of an object are returned (S3-15).

use serde_json::{Map, Value as Json};

use super::field::{Fetch, Field};

/// What a request wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Paths of properties; `None` = those that are implicit.
    paths: Option<Vec<Vec<String>>>,
}

/// Stands for everything that is implicit.
const ALL: &str = "*";

impl Selection {
    /// Reads all `fields` parameters of a request.
    pub(crate) fn read<'q>(parameters: impl Iterator<Item = &'q str>) -> Self {
        let named = parameters.flat_map(|value| value.split(','));
        let named = named.map(str::trim).filter(|path| !path.is_empty());
        let paths: Vec<_> =
            named.map(|path| path.split('.').map(str::to_owned).collect()).collect();
        Self { paths: (!paths.is_empty()).then_some(paths) }
    }

    /// Whether a property of this name is wanted that is only returned when it is named.
    pub(crate) fn names(&self, field: &str) -> bool {
        self.paths.iter().flatten().any(|path| path.first().is_some_and(|first| first == field))
    }

    /// Whether an implicit property is wanted.
    pub(crate) fn shows(&self, field: &str) -> bool {
        self.paths.is_none() || self.names(ALL) || self.names(field)
    }

    /// What is wanted of an object that has everything.
    pub(crate) fn of(&self, object: &Map<String, Json>, fields: &[Field]) -> Map<String, Json> {
        let Some(paths) = &self.paths else { return implicit(object, fields) };
        let never = |name: &str| {
            fields.iter().any(|field| field.name == name && field.fetch == Fetch::Never)
        };
        let mut wanted = if self.names(ALL) { implicit(object, fields) } else { Map::new() };
        for (name, value) in object.iter().filter(|(name, _)| !never(name)) {
            if wanted.contains_key(name) {
                continue;
            }
            let named = paths.iter().filter_map(|path| path.split_first());
            let rests: Vec<_> =
                named.filter(|(first, _)| *first == name).map(|(_, rest)| rest).collect();
            if let Some(part) = part(value, &rests) {
                wanted.insert(name.clone(), part);
            }
        }
        wanted
    }
}

fn implicit(object: &Map<String, Json>, fields: &[Field]) -> Map<String, Json> {
    let implicit = |name: &str| {
        let field = fields.iter().find(|field| field.name == name);
        field.is_none_or(|field| field.fetch == Fetch::Implicit)
    };
    let kept = object.iter().filter(|(name, _)| implicit(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What paths lead to, within collections too. A path that goes on where there is nothing below
/// leads nowhere.
fn part(value: &Json, paths: &[&[String]]) -> Option<Json> {
    if paths.iter().any(|path| path.is_empty() || *path == [ALL]) {
        return Some(value.clone());
    }
    match value {
        Json::Object(object) => {
            let below = |(name, value): (&String, &Json)| {
                let rests = paths.iter().filter_map(|path| path.split_first());
                let rests: Vec<_> =
                    rests.filter(|(first, _)| *first == name).map(|(_, rest)| rest).collect();
                part(value, &rests).map(|part| (name.clone(), part))
            };
            let object: Map<_, _> = object.iter().filter_map(below).collect();
            (!object.is_empty()).then_some(Json::Object(object))
        }
        Json::Array(list) => {
            let list: Vec<_> = list.iter().filter_map(|value| part(value, paths)).collect();
            (!list.is_empty()).then_some(Json::Array(list))
        }
        _ => None,
    }
}
