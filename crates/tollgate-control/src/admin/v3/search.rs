//! `search`: objects in which a text occurs (S3-19).

use serde_json::{Map, Value as Json};

use super::filter::pairs;

/// The properties that can be searched.
const SEARCHED: [&str; 10] = [
    "name",
    "username",
    "description",
    "type",
    "usageModel",
    "tags",
    "preferredProtocol",
    "preferredOutput",
    "uri",
    "isPackaged",
];

/// Pairs of which one has to hold: the property contains the text, in whatever case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search(Vec<(&'static str, String)>);

impl Search {
    /// Reads one `search` parameter: `property:value`, or several joined by commas.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let known = |name: &str| SEARCHED.into_iter().find(|known| *known == name);
        let read = |pair: &str| {
            let expected =
                || format!("expected property:value, with one of {}", SEARCHED.join(", "));
            let (name, value) = pair.split_once(':').ok_or_else(expected)?;
            let name = known(name.trim()).ok_or_else(expected)?;
            Ok((name, value.to_lowercase()))
        };
        let begins = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic());
        pairs(text, begins).into_iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    /// The text that every object has which is found, if all of them have one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [(_, text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it looks at nothing but one property.
    pub(crate) fn is_about(&self, property: &str) -> bool {
        self.0.iter().all(|(name, _)| *name == property)
    }

    /// Whether one of the pairs holds where their property is this text.
    pub(crate) fn holds_of(&self, value: &str) -> bool {
        let value = value.to_lowercase();
        self.0.iter().any(|(_, text)| value.contains(text))
    }

    /// Whether one of the pairs holds.
    pub(crate) fn holds(&self, object: &Map<String, Json>) -> bool {
        self.0.iter().any(|(name, text)| match object.get(*name) {
            Some(Json::String(value)) => value.to_lowercase().contains(text),
            Some(Json::Bool(value)) => value.to_string().contains(text),
            Some(Json::Number(value)) => value.to_string().contains(text),
            _ => false,
        })
    }
}
