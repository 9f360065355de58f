//! A JSON or YAML document as a tree that no field of is lost: a field that stands twice is refused.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{LONGEST, Malformed};

/// A value. It may be a key, so it cannot be printed.
#[derive(Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Switch(bool),
    Integer(i128),
    Fraction(f64),
    Text(String),
    List(Vec<Tree>),
    Table(Vec<(String, Tree)>),
}

impl Tree {
    /// The one document of a JSON text.
    pub(super) fn of_json(document: &[u8]) -> Result<Self, Malformed> {
        serde_json::from_slice(document).map_err(|error| malformed_json(&error))
    }

    /// The one document of a YAML text, which may be JSON.
    pub(super) fn of_yaml(document: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(document).map_err(|error| {
            let before = document.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            Malformed { line, column: 0, message: "expected UTF-8".to_owned() }
        })?;
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: LONGEST,
                max_nodes: LONGEST,
                max_total_scalar_bytes: LONGEST,
                max_depth: 64,
            },
            // Snippets would repeat keys.
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let place = error.location();
            let at = |number: Option<u64>| {
                number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
            };
            Malformed {
                line: at(place.map(|place| place.line())),
                column: at(place.map(|place| place.column())),
                message: "expected YAML in which no field stands twice".to_owned(),
            }
        })
    }

    /// JSON where it begins as that, else YAML: the one is read much quicker.
    pub(super) fn of_either(document: &[u8]) -> Result<Self, Malformed> {
        match document.trim_ascii_start().first() {
            Some(b'{' | b'[') => Self::of_json(document),
            _ => Self::of_yaml(document),
        }
    }
}

/// Where a JSON text breaks. The words of the library may repeat what stands there, so they are
/// not used.
pub(super) fn malformed_json(error: &serde_json::Error) -> Malformed {
    let message = match error.classify() {
        serde_json::error::Category::Eof => "the document ends too early, expected JSON",
        serde_json::error::Category::Syntax => "expected JSON",
        _ => "expected JSON in which no field stands twice, and values of their kinds",
    };
    Malformed { line: error.line(), column: error.column(), message: message.to_owned() }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reads)
    }
}

struct Reads;

impl<'de> Visitor<'de> for Reads {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, switch: bool) -> Result<Tree, E> {
        Ok(Tree::Switch(switch))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Tree, E> {
        Ok(Tree::Integer(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Fraction(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Tree, A::Error> {
        let mut table = Vec::new();
        while let Some(field) = fields.next_entry::<String, Tree>()? {
            table.push(field);
        }
        let mut names: Vec<&str> = table.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(A::Error::custom("a field stands twice"));
        }
        Ok(Tree::Table(table))
    }
}
