//! Many rows in few statements.

use super::{Connection, StoreError, Value};

/// So many rows are written or asked for in one statement: few enough for both engines' bounds on
/// parameters, many enough that the way to a server does not count.
pub(crate) const BATCH: usize = 500;

/// Puts rows into a table, each with a value for each of `columns`.
pub(crate) fn insert(
    connection: &mut dyn Connection,
    table: &str,
    columns: &str,
    rows: impl Iterator<Item = Result<Vec<Value>, StoreError>>,
) -> Result<(), StoreError> {
    insert_or(connection, table, columns, "", rows)
}

/// The same; `otherwise` says what becomes of rows that are there, as in `ON CONFLICT DO NOTHING`.
pub(super) fn insert_or(
    connection: &mut dyn Connection,
    table: &str,
    columns: &str,
    otherwise: &str,
    rows: impl Iterator<Item = Result<Vec<Value>, StoreError>>,
) -> Result<(), StoreError> {
    let width = columns.split(", ").count();
    let mut values = Vec::new();
    let mut rows = rows.peekable();
    while let Some(row) = rows.next() {
        values.extend(row?);
        let count = values.len() / width;
        if count == BATCH || rows.peek().is_none() {
            let groups: Vec<_> = (0..count).map(|row| group(row * width, width)).collect();
            let groups = groups.join(", ");
            let statement = format!("INSERT INTO {table} ({columns}) VALUES {groups} {otherwise}");
            connection.run(&statement, &values)?;
            values.clear();
        }
    }
    Ok(())
}

/// `$1, $2, …` up to `count`.
pub(crate) fn numbered(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// One row's parameters, behind so many others.
fn group(behind: usize, width: usize) -> String {
    let numbers = behind + 1..=behind + width;
    let numbers = numbers.map(|number| format!("${number}")).collect::<Vec<_>>();
    format!("({})", numbers.join(", "))
}
