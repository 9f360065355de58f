//! When keys were last used, as far as proxies have told: behind the truth by a while, and there
//! after a restart. No proxy decides from it, so it makes no revisions.

use std::collections::HashMap;

use super::batch::{BATCH, insert_or, numbered};
use super::{Connection, StoreError, Value};

/// Notes when some keys were last used, each named once: their ids, and seconds since 1970. An
/// earlier use than the one that is known changes nothing.
///
/// # Errors
/// What the store said; likewise below.
pub fn note(connection: &mut dyn Connection, uses: &[(String, i64)]) -> Result<(), StoreError> {
    let later = "ON CONFLICT (key) DO UPDATE SET at = excluded.at WHERE uses.at < excluded.at";
    let rows = uses.iter().map(|(key, at)| Ok(vec![key.as_str().into(), (*at).into()]));
    insert_or(connection, "uses", "key, at", later, rows)
}

/// When each of some keys was last used, of those that have been.
pub fn of_keys(
    connection: &mut dyn Connection,
    keys: &[&str],
) -> Result<HashMap<String, i64>, StoreError> {
    let mut uses = HashMap::new();
    for some in keys.chunks(BATCH) {
        let numbers = numbered(some.len());
        let query = format!("SELECT key, at FROM uses WHERE key IN ({numbers})");
        let keys: Vec<Value> = some.iter().map(|key| (*key).into()).collect();
        connection.each(&query, &keys, &mut |row| {
            uses.insert(row.text(0)?.to_owned(), row.integer(1)?);
            Ok(())
        })?;
    }
    Ok(uses)
}

/// Forgets the uses of a chain's keys.
pub(super) fn forget(connection: &mut dyn Connection, chain: &str) -> Result<(), StoreError> {
    let statement = "DELETE FROM uses WHERE key IN (SELECT id FROM keys WHERE chain = $1)";
    connection.run(statement, &[chain.into()]).map(drop)
}
