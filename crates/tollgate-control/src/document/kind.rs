//! What a field can hold.

mod address;
mod choice;
mod day;
mod name;
mod number;
mod size;
mod socket_path;
mod switch;
mod text;
mod time;

use super::Value;

pub use self::address::Address;
pub use self::choice::Choice;
pub use self::day::{Day, Instant};
pub use self::name::{NAME_EXPECTED, Name, NameKind};
pub use self::number::Integer;
pub use self::size::Size;
pub use self::socket_path::socket_path;
pub use self::switch::Switch;
pub use self::text::{NonEmpty, Text};
pub use self::time::Time;

/// What a field can hold: how it is read, and how it is described to an operator.
pub trait Kind: Copy {
    /// What reading gives.
    type Value;

    /// Whether a value must not be repeated in a message, because it could be a secret put into the
    /// wrong field.
    const SECRET: bool = false;

    /// What fits, to follow the word "expected".
    fn expected(&self) -> String;

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// [`Misfit`], to which the section adds what was found and what was expected.
    fn read(&self, value: &Value) -> Result<Self::Value, Misfit>;

    /// A value as TOML writes it.
    fn show(&self, value: &Self::Value) -> String;
}

/// A value is not what the field can hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfit(Option<String>);

impl Misfit {
    /// Wrong in a way that the words after "expected" explain.
    pub fn plain() -> Self {
        Self(None)
    }

    /// Wrong in a way that needs a word of its own, such as "which has no host".
    pub fn because(reason: impl Into<String>) -> Self {
        Self(Some(reason.into()))
    }

    /// The word of its own.
    pub fn reason(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The string that a value is.
///
/// # Errors
///
/// A plain misfit when it is none.
pub fn string(value: &Value) -> Result<&str, Misfit> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Misfit::plain()),
    }
}

/// How a value is repeated to the operator.
pub(super) fn found(value: &Value, secret: bool) -> String {
    const SHOWN: usize = 60;
    match value {
        Value::String(text) if secret => format!("a string of {} characters", text.chars().count()),
        Value::Integer(_) | Value::Float(_) if secret => "a number".to_owned(),
        Value::Datetime(_) if secret => "a date or a time".to_owned(),
        Value::String(text) if text.chars().count() > SHOWN => {
            let start: String = text.chars().take(SHOWN).collect();
            format!("{:?}", format!("{start}…"))
        }
        Value::String(text) => format!("{text:?}"),
        Value::Integer(Ok(number)) => number.to_string(),
        Value::Integer(Err(written)) => written.clone(),
        Value::Float(written) => written.clone(),
        Value::Boolean(switch) => switch.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(_) => "an array".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}
