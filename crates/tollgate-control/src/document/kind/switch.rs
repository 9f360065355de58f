//! On or off.

use super::{Kind, Misfit};
use crate::document::Value;

/// `true` or `false`.
#[derive(Clone, Copy, Debug)]
pub struct Switch;

impl Kind for Switch {
    type Value = bool;

    fn expected(&self) -> String {
        "true or false".to_owned()
    }

    fn read(&self, value: &Value) -> Result<bool, Misfit> {
        match value {
            Value::Boolean(switch) => Ok(*switch),
            _ => Err(Misfit::plain()),
        }
    }

    fn show(&self, value: &bool) -> String {
        value.to_string()
    }
}
