//! Attributes of spans.

use std::borrow::Cow;

use super::message::{AnyValue, KeyValue, Value};

/// The attributes of one span.
#[derive(Debug, Default)]
pub(super) struct Attributes(pub(super) Vec<KeyValue>);

impl Attributes {
    /// Adds a text, if it is known.
    pub(super) fn text<'a>(&mut self, key: &str, value: impl Into<Option<Cow<'a, str>>>) {
        if let Some(value) = value.into() {
            self.0.push(text(key, &value));
        }
    }

    /// Adds a text that is known.
    pub(super) fn word(&mut self, key: &str, value: &str) {
        self.0.push(text(key, value));
    }

    /// Adds a number. One that is too large for the format is the largest.
    pub(super) fn number(&mut self, key: &str, value: u64) {
        let value = Value::Number(i64::try_from(value).unwrap_or(i64::MAX));
        self.0.push(attribute(key, value));
    }
}

/// An attribute that is a text.
pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::Text(value.to_owned()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
