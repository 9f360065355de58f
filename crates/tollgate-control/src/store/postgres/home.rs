//! Which database a store is at home in, by which a copy of it is known for one.
//!
//! The store has one row of it, never changed: the server, the database, and the transaction that
//! wrote the row, which the server keeps beside every row. `pg_restore` writes the row anew, be it into
//! another database or over the same, and so in a later transaction; a database that another was the
//! template of has a number of its own. What tidies tables (`VACUUM FULL`, `CLUSTER`), a replica that
//! takes over and another name of the database leave all of it as it was.

use crate::store::{Connection, StoreError};

/// Has the database that a connection leads to be the store's. The row keeps its transaction only
/// outside of savepoints.
pub(super) fn take(connection: &mut dyn Connection) -> Result<(), StoreError> {
    let server = server(connection)?;
    connection.run("DELETE FROM home", &[])?;
    let take = "INSERT INTO home (server, base, written) \
                SELECT CAST($1 AS TEXT), CAST(oid AS BIGINT), txid_current() \
                FROM pg_database WHERE datname = current_database()";
    connection.run(take, &[server.into()]).map(|_| ())
}

/// Refuses a database that the store was copied into.
///
/// # Errors
/// [`StoreError::NotReconciled`], also where nothing says whose database it is.
pub(super) fn refuse_copied(connection: &mut dyn Connection) -> Result<(), StoreError> {
    let noted = noted(connection)?;
    match (noted, server(connection)?) {
        (Some(noted), Some(server)) if noted != server => Err(StoreError::NotReconciled),
        // Not every role may ask which server it is.
        _ => Ok(()),
    }
}

/// The server that is noted, if it is, of the database that a connection leads to. It refuses others;
/// of a connection that was looked at before, this tells whether another store was put there since.
///
/// # Errors
/// Likewise.
pub(super) fn noted(connection: &mut dyn Connection) -> Result<Option<String>, StoreError> {
    // A transaction's number is kept beside a row without its upper half.
    let homes = "SELECT h.server, CASE WHEN h.base = CAST(d.oid AS BIGINT) \
                 AND (h.written & 4294967295) = CAST(CAST(h.xmin AS TEXT) AS BIGINT) \
                 THEN 1 ELSE 0 END \
                 FROM home h, pg_database d WHERE d.datname = current_database()";
    let homes = connection.rows(homes, &[])?;
    match &homes[..] {
        [home] if home.switch(1)? => Ok(home.optional_text(0)?.map(str::to_owned)),
        _ => Err(StoreError::NotReconciled),
    }
}

/// What tells the server from others, if it may be asked.
fn server(connection: &mut dyn Connection) -> Result<Option<String>, StoreError> {
    let may = "SELECT CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE') \
               THEN 1 ELSE 0 END";
    let Some(may) = connection.row(may, &[])? else { return Ok(None) };
    if !may.switch(0)? {
        return Ok(None);
    }
    let server = "SELECT CAST(system_identifier AS TEXT) FROM pg_control_system()";
    let server = connection.row(server, &[])?;
    server.map(|row| row.text(0).map(str::to_owned)).transpose()
}
