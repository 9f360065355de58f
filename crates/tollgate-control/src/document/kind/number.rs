//! Integers.

use std::fmt;

use super::{Kind, Misfit};
use crate::document::Value;

/// An integer from `min` to `max`, both included.
#[derive(Clone, Copy, Debug)]
pub struct Integer<T> {
    min: T,
    max: T,
}

impl<T> Integer<T> {
    /// From `min` to `max`, both included.
    pub const fn within(min: T, max: T) -> Self {
        Self { min, max }
    }
}

impl<T: Copy + PartialOrd + TryFrom<i64> + fmt::Display> Kind for Integer<T> {
    type Value = T;

    fn expected(&self) -> String {
        format!("an integer from {} to {}", self.min, self.max)
    }

    fn read(&self, value: &Value) -> Result<T, Misfit> {
        let integer = integer(value).ok_or_else(Misfit::plain)?;
        let fits = T::try_from(integer).ok().filter(|n| (self.min..=self.max).contains(n));
        fits.ok_or_else(Misfit::plain)
    }

    fn show(&self, value: &T) -> String {
        value.to_string()
    }
}

/// The integer that a value is, unless it is greater than any range here.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(Ok(integer)) => Some(*integer),
        _ => None,
    }
}
