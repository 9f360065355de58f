//! What a reader makes of a document.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::document::kind::Instant;
use crate::life_cycle::State;
use crate::model::Period;
use crate::operations::Secret;
use crate::store::Written;

/// One key of a foreign document, as far as it means something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub place: RowPlace,
    /// The key itself.
    pub key: Secret,
    /// Its secret.
    pub secret: Option<Secret>,
    /// What it was called.
    pub name: String,
    /// The user name of whom it belongs to, where the document says.
    pub owner: Option<String>,
    /// The name of its application, where the document says.
    pub application: Option<String>,
    /// What decided there what it may call: plans, policies, consumer groups.
    pub groups: Vec<String>,
    /// A package and plan of ours that the document names.
    pub bought: Option<PlanName>,
    /// Where it is in life.
    pub state: State,
    /// Its own calls a second that were written without a window.
    pub qps: Written<u32>,
    /// Its own calls in the plan's period that were written without a window.
    pub quota: Written<u64>,
    /// Its own limits by their windows.
    pub limits: Vec<Limit>,
    /// When it ends.
    pub expires: Option<Instant>,
    /// When it was made, in milliseconds since 1970.
    pub created: Option<i64>,
    /// Whatever else is kept of a key.
    pub body: Map<String, Json>,
}

/// A limit of a key's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Calls.
    pub ceiling: u64,
    /// In each.
    pub window: Window,
    /// The field that it stood in.
    pub field: &'static str,
}

/// What a foreign limit counts over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// A second.
    Second,
    /// A period that plans here have too.
    Period(Period),
}

/// A package of ours and a plan of it, each by id or name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanName {
    /// The package.
    pub package: String,
    /// The plan.
    pub plan: String,
}

/// Where a row stands in its document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowPlace {
    /// A line, from 1.
    Line(u64),
    /// A way down from the top, such as `consumers[3]`.
    Path(Box<str>),
}

/// Why a row cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub place: RowPlace,
    /// The field that is wrong.
    pub field: String,
    /// What is wrong with it. Never a secret.
    pub message: String,
}

/// Something that was not carried over, or not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The field.
    pub field: String,
    /// What was made of it, and why.
    pub message: String,
    /// Where it stands: every row that this is true of.
    pub places: Vec<RowPlace>,
}

/// Everything that was read out of a document.
#[derive(Debug, Default)]
pub struct Reading {
    /// The keys that can be imported.
    pub rows: Vec<Row>,
    /// Why others cannot.
    pub problems: Vec<Problem>,
    remarks: BTreeMap<(String, String), Vec<RowPlace>>,
}

/// A window of so many seconds; `None` for one that nothing here counts over.
pub(super) fn window(seconds: u64) -> Option<Window> {
    match seconds {
        1 => Some(Window::Second),
        60 => Some(Window::Period(Period::Minute)),
        3_600 => Some(Window::Period(Period::Hour)),
        86_400 => Some(Window::Period(Period::Day)),
        _ => None,
    }
}

impl Row {
    pub(crate) fn new(place: RowPlace, key: Secret) -> Self {
        Self {
            place,
            key,
            secret: None,
            name: String::new(),
            owner: None,
            application: None,
            groups: Vec::new(),
            bought: None,
            state: State::Active,
            qps: Written::default(),
            quota: Written::default(),
            limits: Vec::new(),
            expires: None,
            created: None,
            body: Map::new(),
        }
    }
}

impl Reading {
    /// Says of a row what was not carried over.
    pub fn remark(&mut self, place: &RowPlace, field: &str, message: impl Into<String>) {
        let kind = (shown(field), message.into());
        let places = self.remarks.entry(kind).or_default();
        if places.last() != Some(place) {
            places.push(place.clone());
        }
    }

    /// Says why a row cannot be imported.
    pub fn refuse(&mut self, place: &RowPlace, field: &str, message: impl Into<String>) {
        let problem =
            Problem { place: place.clone(), field: shown(field), message: message.into() };
        self.problems.push(problem);
    }

    /// The remarks, those of one kind together.
    #[must_use]
    pub fn remarks(&self) -> Vec<Remark> {
        let remarks = self.remarks.iter().map(|((field, message), places)| Remark {
            field: field.clone(),
            message: message.clone(),
            places: places.clone(),
        });
        remarks.collect()
    }
}

/// A field's name as it may be printed. Whatever does not look like one could be anything.
fn shown(field: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-. :[]".contains(&b);
    let fits = field.len() <= 64 && field.bytes().all(plain);
    if fits { field.to_owned() } else { "(a field)".to_owned() }
}

impl RowPlace {
    /// What places are in the order of their document by: `[2]` stands before `[10]`.
    pub(crate) fn order(&self) -> Vec<(u64, &str)> {
        match self {
            Self::Line(line) => vec![(*line, "")],
            Self::Path(path) => {
                let parts = path.split(['[', ']', ' ']);
                parts.map(|part| (part.parse().unwrap_or(0), part)).collect()
            }
        }
    }
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Path(path) if path.is_empty() => f.write_str("the document"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.field, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_ordered_as_in_their_document() {
        let path = |path: &str| RowPlace::Path(path.into());
        let places = [
            RowPlace::Line(9),
            RowPlace::Line(10),
            path("consumers[2].keyauth_credentials[10]"),
            path("consumers[10].keyauth_credentials[2]"),
            path("session 2"),
            path("session 10"),
        ];
        for pair in places.chunks(2) {
            assert!(pair[0].order() < pair[1].order(), "{pair:?}");
        }
    }
}
