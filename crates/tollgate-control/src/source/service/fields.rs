//! The fields of an endpoint, read one by one. Whatever is wrong is noted, and reading goes on.

use serde_json::{Map, Value as Json};

use super::{Problem, Standing};
use crate::document::{Kind, Value};

/// The fields of an endpoint or a method, and what was wrong with them so far.
pub(super) struct Fields<'a> {
    json: &'a Map<String, Json>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(json: &'a Map<String, Json>) -> Self {
        Self { json, problems: Vec::new() }
    }

    /// What is there under a name.
    pub(super) fn get(&self, property: &str) -> Option<&'a Json> {
        self.json.get(property).filter(|value| !value.is_null())
    }

    /// Notes what Tollgate cannot carry out.
    pub(super) fn refuse(&mut self, property: &'static str, message: impl Into<String>) {
        let problem = Problem::refused(property, message);
        // Of two places with one name each would say so.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Notes what is missing yet.
    pub(super) fn lack(&mut self, property: &'static str, message: impl Into<String>) {
        let (message, standing) = (message.into(), Standing::Kept);
        self.problems.push(Problem { property, message, standing });
    }

    /// A text; `None` where it is blank.
    pub(super) fn text(&mut self, property: &'static str) -> Option<&'a str> {
        match self.get(property)? {
            Json::String(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            _ => {
                self.refuse(property, "expected text");
                None
            }
        }
    }

    /// A switch, off where it is not there.
    pub(super) fn switch(&mut self, property: &'static str) -> bool {
        match self.get(property) {
            None => false,
            Some(Json::Bool(on)) => *on,
            Some(_) => {
                self.refuse(property, "expected true or false");
                false
            }
        }
    }

    /// The entries of an array; none where it is not there.
    fn entries(&mut self, property: &'static str) -> &'a [Json] {
        match self.get(property) {
            None => &[],
            Some(Json::Array(entries)) => entries,
            Some(_) => {
                self.refuse(property, "expected an array");
                &[]
            }
        }
    }

    /// The texts of an array.
    pub(super) fn texts(&mut self, property: &'static str) -> Vec<&'a str> {
        let entries = self.entries(property);
        let texts: Vec<_> = entries.iter().filter_map(Json::as_str).collect();
        if texts.len() < entries.len() {
            self.refuse(property, "expected an array of texts");
        }
        texts
    }

    /// The addresses of an array of domains, such as `[{"address": "api.example.com"}]`.
    pub(super) fn addresses(&mut self, property: &'static str) -> Vec<&'a str> {
        let entries = self.entries(property);
        let address = |entry: &'a Json| entry.get("address").and_then(Json::as_str);
        let addresses: Vec<_> = entries.iter().filter_map(address).map(str::trim).collect();
        if addresses.len() < entries.len() {
            self.refuse(property, "expected domains such as {\"address\": \"api.example.com\"}");
        }
        addresses
    }

    /// What a text means, as a file would have it.
    pub(super) fn read<K: Kind>(
        &mut self,
        property: &'static str,
        text: &str,
        kind: K,
    ) -> Option<K::Value> {
        match kind.read(&Value::String(text.to_owned())) {
            Ok(value) => Some(value),
            Err(misfit) => {
                let expected = kind.expected();
                let reason = misfit.reason().map_or(String::new(), |reason| format!(", {reason}"));
                self.refuse(property, format!("found {text:?}{reason}; expected {expected}"));
                None
            }
        }
    }

    /// What each text of an array means, each once.
    pub(super) fn read_all<K: Kind>(
        &mut self,
        property: &'static str,
        texts: &[&str],
        kind: K,
    ) -> Vec<K::Value>
    where
        K::Value: PartialEq,
    {
        let mut values = Vec::with_capacity(texts.len());
        for text in texts {
            if let Some(value) = self.read(property, text, kind)
                && !values.contains(&value)
            {
                values.push(value);
            }
        }
        values
    }
}
