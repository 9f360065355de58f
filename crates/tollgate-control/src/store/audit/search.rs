//! Looking for entries of the audit log.

use super::{COLUMNS, Entry};
use crate::store::{Connection, StoreError, Value};

/// Which entries are looked for. What is `None` is not asked about; everything that is has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// By whom.
    pub actor: Option<String>,
    /// What was done, as in `key.suspend`.
    pub action: Option<String>,
    /// To which kind of object.
    pub kind: Option<String>,
    /// To the object of this id.
    pub object: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// Not before, in milliseconds since 1970.
    pub from: Option<i64>,
    /// Before, in milliseconds since 1970.
    pub until: Option<i64>,
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries, the newest first.
    pub entries: Vec<Entry>,
    /// How many there are in all.
    pub total: u64,
}

impl AuditSearch {
    /// A page of the entries that are looked for.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn page(
        &self,
        connection: &mut dyn Connection,
        offset: u64,
        limit: u64,
    ) -> Result<AuditPage, StoreError> {
        let (condition, mut values) = self.condition();
        let count = format!("SELECT count(*) FROM audit{condition}");
        let count = connection.row(&count, &values)?;
        let total = count.map_or(Ok(0), |row| row.integer(0))?;
        let page = format!(
            "SELECT {COLUMNS} FROM audit{condition} ORDER BY number DESC LIMIT ${} OFFSET ${}",
            values.len() + 1,
            values.len() + 2
        );
        values.extend([limit, offset].map(|number| Value::Integer(number.cast_signed())));
        let found = connection.rows(&page, &values)?;
        let entries = found.iter().map(Entry::read).collect::<Result<_, _>>()?;
        Ok(AuditPage { entries, total: total.cast_unsigned() })
    }

    /// Hands over the entries that are looked for, the newest first.
    pub fn each(
        &self,
        connection: &mut dyn Connection,
        mut each: impl FnMut(Entry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (condition, values) = self.condition();
        let all = format!("SELECT {COLUMNS} FROM audit{condition} ORDER BY number DESC");
        connection.each(&all, &values, &mut |row| each(Entry::read(&row)?))
    }

    /// What follows the table in a query, and its parameters.
    fn condition(&self) -> (String, Vec<Value>) {
        let text = |column, text: &Option<String>| {
            text.as_deref().map(|text| (column, "=", Value::from(text)))
        };
        let asked = [
            text("actor", &self.actor),
            text("action", &self.action),
            text("kind", &self.kind),
            text("object", &self.object),
            text("outcome", &self.outcome),
            self.from.map(|from| ("at", ">=", from.into())),
            self.until.map(|until| ("at", "<", until.into())),
        ];
        let (mut condition, mut values) = (String::new(), Vec::new());
        for (column, compares, value) in asked.into_iter().flatten() {
            values.push(value);
            let before = if condition.is_empty() { "WHERE" } else { "AND" };
            condition += &format!(" {before} {column} {compares} ${}", values.len());
        }
        (condition, values)
    }
}
