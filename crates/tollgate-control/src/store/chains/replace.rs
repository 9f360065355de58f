//! A chain in the place of itself. Only what differs is written: an engine that keeps indexes writes those anew of all
//! columns that a statement names, whatever stands in them, and each of those indexes is far from the others on the disk.

use super::{StoredChain, columns};
use crate::store::batch::insert;
use crate::store::{Connection, Row, StoreError, Value};

/// Columns of [`columns::KEY`] that are unique: where one differs, all keys of the chain are written anew, so that
/// values can change places.
const UNIQUE: [&str; 3] = ["id", "number", "digest"];

impl StoredChain {
    /// Puts the chain in the place of itself with the version `before`, with all of its keys.
    /// Returns whether it was still there in that version.
    ///
    /// # Errors
    /// What the store said.
    pub fn update(&self, connection: &mut dyn Connection, before: u64) -> Result<bool, StoreError> {
        let values = [self.id.as_str().into(), before.cast_signed().into()];
        let present = connection.rows(&columns::whole(), &values)?;
        let Some(first) = present.first() else { return Ok(false) };
        let written = columns::written();
        let (chain, _) = split(first, &written);
        change(connection, "chains", &written, (chain, &self.chain_values()?))?;
        let keys = self.life.keys().map(|key| self.key_values(key));
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
        keys.sort_by_key(|key| number(key));
        let known: Vec<_> = present.iter().map(|row| split(row, &written).1).collect();
        let same = known.len() == keys.len()
            && known.iter().zip(&keys).all(|(known, key)| unique(known).eq(unique(key)));
        if !same {
            connection.run("DELETE FROM keys WHERE chain = $1", &[self.id.as_str().into()])?;
            insert(connection, "keys", columns::KEY, keys.into_iter().map(Ok))?;
            return Ok(true);
        }
        for (known, key) in known.into_iter().zip(&keys) {
            change(connection, "keys", columns::KEY, (known, key))?;
        }
        Ok(true)
    }
}

/// The columns of a chain, and those of one of its keys.
fn split<'r>(row: &'r Row, written: &str) -> (&'r [Value], &'r [Value]) {
    row.0.split_at_checked(written.split(", ").count()).unwrap_or_default()
}

fn number(key: &[Value]) -> i64 {
    let at = columns::KEY.split(", ").position(|column| column == "number");
    match at.and_then(|at| key.get(at)) {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    }
}

fn unique(key: &[Value]) -> impl Iterator<Item = &Value> {
    let columns = columns::KEY.split(", ").zip(key);
    columns.filter(|(column, _)| UNIQUE.contains(column)).map(|(_, value)| value)
}

/// Writes those columns of a row whose values differ. The first of them is its id.
fn change(
    connection: &mut dyn Connection,
    table: &str,
    columns: &str,
    (before, after): (&[Value], &[Value]),
) -> Result<(), StoreError> {
    let columns = columns.split(", ").zip(before.iter().zip(after));
    let differs: Vec<_> = columns.filter(|(_, (before, after))| before != after).collect();
    if differs.is_empty() {
        return Ok(());
    }
    let numbered = (1..).zip(&differs);
    let assignments: Vec<_> =
        numbered.map(|(number, (column, _))| format!("{column} = ${number}")).collect();
    let assignments = assignments.join(", ");
    let mut values: Vec<_> = differs.iter().map(|(_, (_, after))| (*after).clone()).collect();
    values.extend(after.first().cloned());
    let id = values.len();
    connection.run(&format!("UPDATE {table} SET {assignments} WHERE id = ${id}"), &values)?;
    Ok(())
}
