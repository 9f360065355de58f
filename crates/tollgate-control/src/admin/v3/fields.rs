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
        let mut wanted = Map::new();
        for path in paths {
            if path.iter().eq([ALL]) {
                wanted.extend(implicit(object, fields));
            } else {
                let never = |field: &Field| {
                    field.fetch == Fetch::Never && path.starts_with(&[field.name.to_owned()])
                };
                if !fields.iter().any(never) {
                    take(object, path, &mut wanted);
                }
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

/// Copies what a path leads to. What is already there stays.
fn take(from: &Map<String, Json>, path: &[String], to: &mut Map<String, Json>) {
    let Some((name, rest)) = path.split_first() else { return };
    let Some(value) = from.get(name) else { return };
    let slot = to.entry(name.clone()).or_insert(Json::Null);
    take_value(value, rest, slot);
}

fn take_value(from: &Json, rest: &[String], to: &mut Json) {
    if rest.is_empty() || rest == [ALL] {
        to.clone_from(from);
        return;
    }
    match from {
        Json::Object(from) => {
            if !to.is_object() {
                *to = Json::Object(Map::new());
            }
            if let Json::Object(to) = to {
                take(from, rest, to);
            }
        }
        Json::Array(from) => {
            if !to.is_array() {
                *to = Json::Array(vec![Json::Null; from.len()]);
            }
            if let Json::Array(to) = to {
                from.iter().zip(to).for_each(|(from, to)| take_value(from, rest, to));
            }
        }
        // A path that goes on where there is nothing below names nothing.
        _ => {}
    }
}
