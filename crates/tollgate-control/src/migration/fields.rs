//! The fields of a table, taken one after the other. What is left in the end was not carried over.

use std::borrow::Cow;

use super::row::{Reading, RowPlace};
use super::tree::Tree;

/// The longest name of a member, an application or a group.
const LONGEST_NAME: usize = 255;

/// A table at a place.
pub(super) struct Fields {
    pub(super) place: RowPlace,
    /// What goes before the names of the fields, such as `config.`.
    prefix: &'static str,
    left: Vec<(String, Tree)>,
}

impl Fields {
    /// The fields of a value; anything but a table is a problem.
    pub(super) fn of(value: Tree, place: RowPlace, reading: &mut Reading) -> Option<Self> {
        match value {
            Tree::Table(left) => Some(Self { place, prefix: "", left }),
            _ => {
                reading.refuse(&place, "", "expected an object");
                None
            }
        }
    }

    fn name<'a>(&self, field: &'a str) -> Cow<'a, str> {
        if self.prefix.is_empty() {
            Cow::Borrowed(field)
        } else {
            Cow::Owned(format!("{}{field}", self.prefix))
        }
    }

    /// Says what is wrong with a field.
    pub(super) fn refuse(&self, reading: &mut Reading, field: &str, message: &str) {
        reading.refuse(&self.place, &self.name(field), message);
    }

    /// Says what was not carried over of a field.
    pub(super) fn remark(&self, reading: &mut Reading, field: &str, message: &str) {
        reading.remark(&self.place, &self.name(field), message);
    }

    /// A field; one that is null is not there.
    pub(super) fn take(&mut self, field: &str) -> Option<Tree> {
        let found = self.left.iter().position(|(name, _)| name == field)?;
        let (_, value) = self.left.swap_remove(found);
        (value != Tree::Null).then_some(value)
    }

    /// A field that stays where it is.
    pub(super) fn see(&self, field: &str) -> Option<&Tree> {
        self.left.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// A text.
    pub(super) fn text(&mut self, field: &str, reading: &mut Reading) -> Option<String> {
        match self.take(field)? {
            Tree::Text(text) => Some(text),
            Tree::Integer(_) | Tree::Fraction(_) | Tree::Switch(_) => {
                self.refuse(reading, field, "expected text, in quotes");
                None
            }
            _ => {
                self.refuse(reading, field, "expected text");
                None
            }
        }
    }

    /// A text that people gave something as a name; an empty one is none.
    pub(super) fn label(&mut self, field: &str, reading: &mut Reading) -> Option<String> {
        let text = self.text(field, reading)?;
        match misfit(&text) {
            Some(misfit) => {
                self.refuse(reading, field, misfit);
                None
            }
            None => Some(text).filter(|text| !text.is_empty()),
        }
    }

    /// A whole number of any sign.
    pub(super) fn integer(&mut self, field: &str, reading: &mut Reading) -> Option<i64> {
        let number = match self.take(field)? {
            Tree::Integer(number) => i64::try_from(number).ok(),
            // What writes all its numbers as fractions means whole ones.
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
            Tree::Fraction(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Some(number as i64)
            }
            _ => None,
        };
        if number.is_none() {
            self.refuse(reading, field, "expected a whole number");
        }
        number
    }

    /// A whole number from 0.
    pub(super) fn count(&mut self, field: &str, reading: &mut Reading) -> Option<u64> {
        let number = self.integer(field, reading)?;
        let count = u64::try_from(number).ok();
        if count.is_none() {
            self.refuse(reading, field, "expected a whole number from 0");
        }
        count
    }

    /// A switch.
    pub(super) fn switch(&mut self, field: &str, reading: &mut Reading) -> Option<bool> {
        match self.take(field)? {
            Tree::Switch(switch) => Some(switch),
            _ => {
                self.refuse(reading, field, "expected true or false");
                None
            }
        }
    }

    /// A list; one that is not there is empty.
    pub(super) fn list(&mut self, field: &str, reading: &mut Reading) -> Vec<Tree> {
        match self.take(field) {
            None => Vec::new(),
            Some(Tree::List(list)) => list,
            Some(_) => {
                self.refuse(reading, field, "expected a list");
                Vec::new()
            }
        }
    }

    /// A table. Its fields are named with `prefix` in front.
    pub(super) fn table(
        &mut self,
        field: &str,
        prefix: &'static str,
        reading: &mut Reading,
    ) -> Option<Self> {
        match self.take(field)? {
            Tree::Table(left) => Some(Self { place: self.place.clone(), prefix, left }),
            _ => {
                self.refuse(reading, field, "expected an object");
                None
            }
        }
    }

    /// Leaves fields out that say nothing of a key's rights.
    pub(super) fn drop(&mut self, fields: &[&str]) {
        self.left.retain(|(name, _)| !fields.contains(&name.as_str()));
    }

    /// Remarks on every field that was not taken. Those without a value say nothing.
    pub(super) fn leave(self, reading: &mut Reading) {
        for (field, value) in &self.left {
            let says_nothing = match value {
                Tree::Null | Tree::Switch(false) => true,
                Tree::Text(text) => text.is_empty(),
                Tree::List(list) => list.is_empty(),
                Tree::Table(table) => table.is_empty(),
                Tree::Switch(true) | Tree::Integer(_) | Tree::Fraction(_) => false,
            };
            if !says_nothing {
                self.remark(reading, field, "not carried over: it has no counterpart here");
            }
        }
    }
}

/// Why a text is no name; an empty one may be.
pub(super) fn misfit(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST_NAME {
        return Some("expected 255 bytes at most");
    }
    text.chars().any(char::is_control).then_some("expected no control characters")
}
