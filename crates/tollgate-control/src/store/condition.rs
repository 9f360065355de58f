//! Conditions of a search as SQL.

use super::texts::{Narrowed, Words, pattern};
use super::{Connection, StoreError, Value, Within};
use crate::people::Realm;

/// So many texts stand in a statement one by one; more are handed over as one list.
const ONE_BY_ONE: usize = 20;

/// Conditions on one table, and the values of their parameters in the order of their numbers.
#[derive(Default)]
pub(super) struct Condition {
    pub(super) terms: Vec<String>,
    pub(super) values: Vec<Value>,
    /// The ids among which an index says that all matches are.
    narrowed: Option<String>,
}

impl Condition {
    /// That a text stands in the words of a shelf's documents, `d`. Comes first, because the index
    /// stands in front of all other conditions.
    pub(super) fn of_words(
        connection: &mut dyn Connection,
        shelf: &str,
        text: Option<&str>,
    ) -> Result<Self, StoreError> {
        let mut condition = Self::default();
        let Some(text) = text else { return Ok(condition) };
        let narrowed = connection.narrow(Words::Documents(shelf), text)?;
        if let Some(Narrowed { query, values }) = narrowed {
            condition =
                Self { narrowed: Some(query), values, terms: vec!["d.id = n.id".to_owned()] };
        }
        condition.contains("d.words", text);
        Ok(condition)
    }

    /// A query for the wordings in which a text stands. Comes first, because an index's parameters
    /// are the first of a statement.
    pub(super) fn wordings(
        &mut self,
        connection: &mut dyn Connection,
        text: &str,
    ) -> Result<String, StoreError> {
        if let Some(Narrowed { query, values }) = connection.narrow(Words::Chains, text)? {
            self.values = values;
            return Ok(query);
        }
        let pattern = self.parameter(pattern(text).into());
        Ok(format!("SELECT w.id FROM wordings w WHERE w.words LIKE {pattern} ESCAPE '\\'"))
    }

    pub(super) fn parameter(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    pub(super) fn equal(&mut self, column: &str, value: Value) {
        let parameter = self.parameter(value);
        self.terms.push(format!("{column} = {parameter}"));
    }

    /// The term of a column holding one of some texts.
    pub(super) fn one_of(
        &mut self,
        column: &str,
        texts: &[impl AsRef<str>],
        connection: &dyn Connection,
    ) -> String {
        if texts.is_empty() {
            return "1 = 0".to_owned();
        }
        if texts.len() > ONE_BY_ONE {
            let texts = texts.iter().map(|text| text.as_ref().to_owned()).collect();
            let parameter = self.parameter(Value::Texts(texts));
            return connection.one_of(column, &parameter);
        }
        let parameters = texts.iter().map(|text| self.parameter(text.as_ref().into()));
        format!("{column} IN ({})", parameters.collect::<Vec<_>>().join(", "))
    }

    /// That a text stands in a column, as it is.
    pub(super) fn contains(&mut self, column: &str, text: &str) {
        let parameter = self.parameter(pattern(text).into());
        self.terms.push(format!("{column} LIKE {parameter} ESCAPE '\\'"));
    }

    pub(super) fn within(&mut self, column: &str, within: Within) {
        for (compare, bound) in [(">=", within.from), ("<=", within.to)] {
            if let Some(bound) = bound {
                let parameter = self.parameter(bound.into());
                self.terms.push(format!("{column} {compare} {parameter}"));
            }
        }
    }

    /// That a table's objects are within one of some realms.
    pub(super) fn within_any(&mut self, table: &str, realms: &[Realm]) {
        let columns = ["organization", "organization_group"].map(|name| format!("{table}.{name}"));
        let mut any = Vec::new();
        for realm in realms {
            let bound = columns.iter().zip([&realm.organization, &realm.group]);
            let bound = bound.filter_map(|(column, id)| Some((column, id.as_deref()?)));
            let bound = bound.map(|(column, id)| {
                let parameter = self.parameter(id.into());
                format!("{column} = {parameter}")
            });
            let mut all: Vec<_> = bound.collect();
            if all.is_empty() {
                all.extend(columns.iter().map(|column| format!("{column} IS NULL")));
            }
            any.push(format!("({})", all.join(" AND ")));
        }
        self.terms.push(match any.is_empty() {
            true => "1 = 0".to_owned(),
            false => format!("({})", any.join(" OR ")),
        });
    }

    /// How many objects of `tables` it holds of.
    pub(super) fn count(
        &self,
        connection: &mut dyn Connection,
        tables: &str,
    ) -> Result<u64, StoreError> {
        let count = format!("SELECT count(*) FROM {}", self.of(tables));
        let count = connection.row(&count, &self.values)?;
        Ok(count.map_or(Ok(0), |row| row.integer(0))?.cast_unsigned())
    }

    /// What the numbers in a column are in all, of the rows of `table` that it holds of.
    pub(super) fn sum(
        &self,
        connection: &mut dyn Connection,
        table: &str,
        column: &str,
    ) -> Result<u64, StoreError> {
        let from = self.of(table);
        let sum = format!("SELECT CAST(coalesce(sum({column}), 0) AS BIGINT) FROM {from}");
        let sum = connection.row(&sum, &self.values)?;
        Ok(sum.map_or(Ok(0), |row| row.integer(0))?.cast_unsigned())
    }

    /// A table, as in `chains c`, and the condition.
    pub(super) fn of(&self, table: &str) -> String {
        let tables = match &self.narrowed {
            // In this order: SQLite takes the word for it.
            Some(narrowed) => format!("({narrowed}) n CROSS JOIN {table}"),
            None => table.to_owned(),
        };
        match self.terms.is_empty() {
            true => tables,
            false => format!("{tables} WHERE {}", self.terms.join(" AND ")),
        }
    }
}
