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
    /// With a smaller number.
    pub below: Option<i64>,
    /// Only the last entry of each revision.
    pub revised: bool,
    /// The entries of this revision.
    pub revision: Option<u64>,
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries, the newest first.
    pub entries: Vec<Entry>,
    /// How many there are in all.
    pub total: u64,
}

/// The last entry of each revision: the one of the change as a whole.
const LAST_OF_EACH: &str =
    "SELECT max(number) FROM audit WHERE revision IS NOT NULL GROUP BY revision";

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

    /// The newest of the entries that are looked for, so many at most.
    pub fn newest(
        &self,
        connection: &mut dyn Connection,
        most: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let (condition, mut values) = self.condition();
        let newest = format!(
            "SELECT {COLUMNS} FROM audit{condition} ORDER BY number DESC LIMIT ${}",
            values.len() + 1
        );
        values.push(most.cast_signed().into());
        connection.rows(&newest, &values)?.iter().map(Entry::read).collect()
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
            self.below.map(|below| ("number", "<", below.into())),
            self.revision.map(|number| ("revision", "=", number.cast_signed().into())),
        ];
        let (mut condition, mut values) = (String::new(), Vec::new());
        for (column, compares, value) in asked.into_iter().flatten() {
            values.push(value);
            let before = if condition.is_empty() { "WHERE" } else { "AND" };
            condition += &format!(" {before} {column} {compares} ${}", values.len());
        }
        if self.revised {
            let before = if condition.is_empty() { "WHERE" } else { "AND" };
            condition += &format!(" {before} number IN ({LAST_OF_EACH})");
        }
        (condition, values)
    }
}
