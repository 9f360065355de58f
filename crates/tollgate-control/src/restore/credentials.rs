//! What is kept of keys: sealed and digested as the present store has it, so that a rotation of the
//! sealing key or of the pepper is not undone, and no secret works again that was replaced.

use std::collections::HashMap;

use crate::store::{Connection, PAGE, Row, StoreError, Value, numbered};

const COLUMNS: &str = "id, digest, sealed, sealed_secret, secret_digest, wrapped_secret, scheme";

/// Takes over what the present store keeps of the keys that both have.
pub(super) fn adopt(
    restored: &mut dyn Connection,
    present: &mut dyn Connection,
) -> Result<(), StoreError> {
    let page = format!("SELECT {COLUMNS} FROM keys WHERE id > $1 ORDER BY id LIMIT {PAGE}");
    let mut last = String::new();
    loop {
        let keys = restored.rows(&page, &[last.as_str().into()])?;
        let Some(key) = keys.last() else { return Ok(()) };
        last = key.text(0)?.to_owned();
        let known = find(present, &keys)?;
        for key in &keys {
            if let Some(as_known) = known.get(key.text(0)?).filter(|known| *known != key) {
                write(restored, as_known)?;
            }
        }
    }
}

fn find(present: &mut dyn Connection, keys: &[Row]) -> Result<HashMap<String, Row>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM keys WHERE id IN ({})", numbered(keys.len()));
    let ids = keys.iter().map(|key| key.text(0).map(Value::from));
    let found = present.rows(&query, &ids.collect::<Result<Vec<_>, _>>()?)?;
    found.into_iter().map(|key| Ok((key.text(0)?.to_owned(), key))).collect()
}

fn write(restored: &mut dyn Connection, Row(values): &Row) -> Result<(), StoreError> {
    // The id comes first because parameters are numbered in the order of their naming.
    let assignments = (1..).zip(COLUMNS.split(", "));
    let assignments: Vec<_> =
        assignments.map(|(number, column)| format!("{column} = ${number}")).collect();
    let statement = format!("UPDATE keys SET {} WHERE id = $1", assignments.join(", "));
    restored.run(&statement, values).map(|_| ())
}
