//! The values of a document, apart from its text.

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    String(String),
    /// An integer; beyond `i64` only as it is written.
    Integer(Result<i64, String>),
    /// A float, as it is written.
    Float(String),
    /// `true` or `false`.
    Boolean(bool),
    /// A date, a time or both.
    Datetime(Datetime),
    /// An array.
    Array(Vec<Spot>),
    /// A table.
    Table(Table),
}

/// A value and the byte at which it starts; that of its header for a table that has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    pub(super) at: usize,
    pub(super) value: Value,
}

/// The fields of a table, in the order of the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table(Vec<Field>);

/// A field of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub(super) name: String,
    /// The byte at which the name starts.
    pub(super) name_at: usize,
    pub(super) spot: Spot,
}

impl Table {
    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<Spot> {
        let index = self.0.iter().position(|field| field.name == name)?;
        Some(self.0.remove(index).spot)
    }
}

impl IntoIterator for Table {
    type Item = Field;
    type IntoIter = std::vec::IntoIter<Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<DeTable<'_>> for Table {
    fn from(table: DeTable<'_>) -> Self {
        let field = |(name, value): (Spanned<_>, _)| Field {
            name_at: name.span().start,
            name: std::borrow::Cow::into_owned(name.into_inner()),
            spot: Spot::from(value),
        };
        let mut fields: Vec<_> = table.into_iter().map(field).collect();
        fields.sort_by_key(|field| field.name_at);
        Self(fields)
    }
}

impl From<Spanned<DeValue<'_>>> for Spot {
    fn from(value: Spanned<DeValue<'_>>) -> Self {
        Self { at: value.span().start, value: Value::from(value.into_inner()) }
    }
}

impl From<DeValue<'_>> for Value {
    fn from(value: DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::String(text.into_owned()),
            DeValue::Integer(number) => Self::Integer(
                i64::from_str_radix(number.as_str(), number.radix())
                    .map_err(|_| number.to_string()),
            ),
            DeValue::Float(number) => Self::Float(number.to_string()),
            DeValue::Boolean(switch) => Self::Boolean(switch),
            DeValue::Datetime(time) => Self::Datetime(time),
            DeValue::Array(array) => Self::Array(array.into_iter().map(Spot::from).collect()),
            DeValue::Table(table) => Self::Table(table.into()),
        }
    }
}
