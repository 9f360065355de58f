//! Texts within texts.

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::Value;

/// Where an index says that a text stands, if it stands anywhere.
#[derive(Debug)]
pub struct Narrowed {
    /// A query for ids. Its parameters are the first of a statement.
    pub query: String,
    /// What they are bound to.
    pub values: Vec<Value>,
}

/// Whose words are looked through.
#[derive(Clone, Copy, Debug)]
pub enum Words<'a> {
    /// Of the documents of a shelf.
    Documents(&'a str),
    /// Of chains: each once for all that have the same.
    Chains,
}

/// Up to so many objects, or one in so many of all, are looked up by an index of texts; if more have
/// a text, looking through all of them is quicker. Tests, which have few, do both.
pub(super) const FEW: i64 = if cfg!(test) { 3 } else { 1_000 };
pub(super) const SHARE: i64 = 32;

/// So long a text is at least for an index to know it.
pub(super) const GRAM: usize = 3;

/// What `LIKE … ESCAPE '\'` finds a text by as it is: `%` and `_` mean nothing in it.
pub(super) fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// What stands for the words of a chain, of all that have the same: the first half of their SHA-256.
pub(super) fn wording(words: &str) -> Value {
    let digest = Sha256::digest(words);
    Value::Bytes(digest.iter().take(16).copied().collect())
}

/// Every text, number and switch of an object in lower case, each on a line of its own.
pub(super) fn words(name: &str, body: &Map<String, Json>) -> String {
    let mut words = name.to_lowercase();
    body.values().for_each(|value| add(value, &mut words));
    words
}

fn add(value: &Json, words: &mut String) {
    let mut line = |text: &str| {
        words.push('\n');
        words.push_str(text);
    };
    match value {
        Json::Null => {}
        Json::Bool(switch) => line(&switch.to_string()),
        Json::Number(number) => line(&number.to_string()),
        Json::String(text) => line(&text.to_lowercase()),
        Json::Array(list) => list.iter().for_each(|value| add(value, words)),
        Json::Object(object) => object.values().for_each(|value| add(value, words)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_all_that_an_object_says() {
        let body = json!({
            "tags": "Red,ALL", "ads": true, "n": 7, "no": null, "roles": [{ "id": "Ü" }]
        });
        let words = words("Name", body.as_object().unwrap_or(&Map::new()));
        let mut words: Vec<_> = words.lines().collect();
        words.sort_unstable();
        assert_eq!(words, ["7", "name", "red,all", "true", "ü"]);
    }

    #[test]
    fn a_pattern_takes_signs_as_they_are() {
        assert_eq!(pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
