//! `filter`: which objects are returned (S3-16).

use serde_json::{Map, Value as Json};

use super::date;
use crate::store::Within;

/// What an object has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// The path to a property, into nested collections too.
    pub(crate) path: Vec<String>,
    /// What it has to be, exactly.
    pub(crate) value: String,
}

impl Condition {
    /// Reads one `filter` parameter: `path:value`, or several of them joined by commas. A comma
    /// belongs to the value unless a property that `known` knows and a colon follow it.
    pub(crate) fn read(text: &str, known: impl Fn(&str) -> bool) -> Result<Vec<Self>, String> {
        let pairs = pairs(text, |path| known(path.split('.').next().unwrap_or(path)));
        let read = |pair: &str| {
            let (path, value) = pair.split_once(':').ok_or("expected property:value")?;
            let path: Vec<_> = path.trim().split('.').map(str::to_owned).collect();
            if path.iter().any(String::is_empty) {
                return Err("expected property:value, such as status:active".to_owned());
            }
            Ok(Self { path, value: value.to_owned() })
        };
        pairs.into_iter().map(read).collect()
    }

    /// Whether an object is that.
    pub(crate) fn holds(&self, object: &Map<String, Json>) -> bool {
        let Some((first, rest)) = self.path.split_first() else { return false };
        object.get(first).is_some_and(|value| leads_to(value, rest, &self.value))
    }
}

/// From when to when an instant is that a value names, both included, in milliseconds since 1970.
pub(crate) fn instants(value: &str) -> Option<Within> {
    let (start, end) = date::read(value)?;
    Some(Within { from: Some(start), to: Some(end - 1) })
}

/// Splits `a:b,c:d` at those commas behind which a pair begins.
pub(crate) fn pairs(text: &str, begins: impl Fn(&str) -> bool) -> Vec<&str> {
    let mut pairs = Vec::new();
    let mut start = 0;
    for (comma, _) in text.match_indices(',') {
        let Some(rest) = text.get(comma + 1..) else { continue };
        if rest.split_once(':').is_some_and(|(path, _)| begins(path.trim())) {
            pairs.extend(text.get(start..comma));
            start = comma + 1;
        }
    }
    pairs.extend(text.get(start..));
    pairs
}

fn leads_to(value: &Json, path: &[String], expected: &str) -> bool {
    match (value, path.split_first()) {
        (Json::Array(values), _) => values.iter().any(|value| leads_to(value, path, expected)),
        (Json::Object(object), Some((first, rest))) => {
            object.get(first).is_some_and(|value| leads_to(value, rest, expected))
        }
        (Json::String(text), None) => text == expected || means(text, expected),
        (Json::Number(number), None) => number.to_string() == expected,
        (Json::Bool(switch), None) => switch.to_string() == expected,
        _ => false,
    }
}

/// Whether an instant of an object is the one that was written another way, or within the day that
/// was named.
fn means(text: &str, expected: &str) -> bool {
    const SHOWN: usize = "2015-05-13T23:08:29.000+0000".len();
    if text.len() != SHOWN {
        return false;
    }
    match (date::read(text), date::read(expected)) {
        (Some((found, _)), Some((start, end))) => (start..end).contains(&found),
        _ => false,
    }
}
