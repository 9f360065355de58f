//! What is wrong with a document.

use std::error::Error;
use std::fmt;
use std::slice;

use super::Place;

/// One thing that an operator has to look at.
///
/// Shown as `tollgate.toml:12:12: services.orders.upstream: no upstream "ordres" (expected one of:
/// demo, orders)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// Path of the field, such as `services.orders.upstream`; empty when the problem is the file or
    /// its syntax.
    pub field: String,
    /// What is wrong, and what was expected instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that makes a document unusable: by file, line and column, each thing once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order of their places.
    pub fn iter(&self) -> slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self(in_order(problems))
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    /// One line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lines(&self.0, f)
    }
}

impl Error for Problems {}

/// What is odd about a usable document: by file, line and column, each thing once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings(Vec<Problem>);

impl Warnings {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of their places.
    pub fn iter(&self) -> slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl FromIterator<Problem> for Warnings {
    fn from_iter<I: IntoIterator<Item = Problem>>(warnings: I) -> Self {
        Self(in_order(warnings))
    }
}

impl<'a> IntoIterator for &'a Warnings {
    type Item = &'a Problem;
    type IntoIter = slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Warnings {
    /// One line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lines(&self.0, f)
    }
}

fn in_order(found: impl IntoIterator<Item = Problem>) -> Vec<Problem> {
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort();
    found.dedup();
    found
}

fn lines(found: &[Problem], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (number, problem) in found.iter().enumerate() {
        if number > 0 {
            f.write_str("\n")?;
        }
        write!(f, "{problem}")?;
    }
    Ok(())
}
