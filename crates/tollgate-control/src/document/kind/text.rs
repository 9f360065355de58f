//! Strings.

use super::{Kind, Misfit, string};
use crate::document::Value;

/// Any string.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl Kind for Text {
    type Value = String;

    fn expected(&self) -> String {
        "a string".to_owned()
    }

    fn read(&self, value: &Value) -> Result<String, Misfit> {
        string(value).map(str::to_owned)
    }

    fn show(&self, value: &String) -> String {
        format!("{value:?}")
    }
}

/// Any string but the empty one; the words say what it is, such as "the path of a file".
#[derive(Clone, Copy, Debug)]
pub struct NonEmpty(pub &'static str);

impl Kind for NonEmpty {
    type Value = String;

    fn expected(&self) -> String {
        self.0.to_owned()
    }

    fn read(&self, value: &Value) -> Result<String, Misfit> {
        let text = string(value)?;
        if text.is_empty() { Err(Misfit::plain()) } else { Ok(text.to_owned()) }
    }

    fn show(&self, value: &String) -> String {
        format!("{value:?}")
    }
}
