//! SQL, as far as both engines speak it.
//!
//! Statements are written once, with `$1`, `$2`, … for parameters. A statement names its parameters
//! in the order of their numbers, because SQLite numbers them as they first occur.

use super::StoreError;
use super::texts::{Narrowed, Words};

/// What a parameter is bound to and a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number; also an instant (milliseconds since 1970) and a switch (0 or 1).
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Texts, for [`Connection::one_of`]; no column holds them.
    Texts(Vec<String>),
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

/// A connection to a database. It belongs to one thread at a time.
pub trait Connection: Send {
    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn run(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, StoreError>;

    /// Runs a query and hands over its rows one by one, so that a large answer is never in memory.
    ///
    /// # Errors
    /// See [`StoreError`]; also the first error of `each`, which ends the query.
    fn each(
        &mut self,
        query: &str,
        parameters: &[Value],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Runs several statements without parameters.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn script(&mut self, statements: &str) -> Result<(), StoreError>;

    /// Among which documents of a shelf, or wordings, those are in whose words `text` stands, in
    /// lower case, if an index tells and they are few.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn narrow(&mut self, within: Words<'_>, text: &str) -> Result<Option<Narrowed>, StoreError>;

    /// The term of a column holding one of the texts that a parameter is bound to.
    fn one_of(&self, column: &str, parameter: &str) -> String;

    /// What stands in front of the name of a table where a query in front (`WITH`) has that name too.
    fn past_queries(&self) -> &'static str {
        ""
    }
}

impl dyn Connection + '_ {
    /// All rows of a query.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn rows(&mut self, query: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        self.each(query, parameters, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row of a query, if it has one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn row(&mut self, query: &str, parameters: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(query, parameters)?.into_iter().next())
    }
}

impl Row {
    /// The text in a column.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if something else stands there; likewise below.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(StoreError::corrupt("text", column, other)),
        }
    }

    /// The text in a column that may hold none.
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        self.optional(column, Self::text)
    }

    /// The number in a column.
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            other => Err(StoreError::corrupt("a number", column, other)),
        }
    }

    /// The number in a column that may hold none.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        self.optional(column, Self::integer)
    }

    /// The switch in a column.
    pub fn switch(&self, column: usize) -> Result<bool, StoreError> {
        self.integer(column).map(|number| number != 0)
    }

    /// The bytes in a column.
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            other => Err(StoreError::corrupt("bytes", column, other)),
        }
    }

    /// The bytes in a column that may hold none.
    pub fn optional_bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        self.optional(column, Self::bytes)
    }

    fn optional<'a, T>(
        &'a self,
        column: usize,
        read: impl FnOnce(&'a Self, usize) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if self.0.get(column) == Some(&Value::Null) {
            Ok(None)
        } else {
            read(self, column).map(Some)
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(switch: bool) -> Self {
        Self::Integer(i64::from(switch))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
