//! What a store holds, as a whole.

use tollgate_core::Revision;

use super::{Connection, StoreError, audit, migrations, writer};

/// A store that was looked at as a whole and found sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Its newest revision.
    pub newest: Revision,
    /// How many entries its audit log has.
    pub entries: i64,
    /// How many keys it holds.
    pub keys: i64,
}

impl Inspected {
    /// Looks at every audit entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for what is no store or has a broken audit log,
    /// [`StoreError::TooNew`] for one of a later version, else what the database said.
    pub(crate) fn of(connection: &mut dyn Connection) -> Result<Self, StoreError> {
        migrations::refuse_later(connection)?;
        let entries = audit::verify(connection)?.map_err(|number| {
            StoreError::Corrupt(format!("an audit log that is broken from entry {number} on"))
        })?;
        let keys = connection.row("SELECT count(*) FROM keys", &[])?;
        let keys = keys.map_or(Ok(0), |row| row.integer(0))?;
        Ok(Self { newest: writer::newest(connection)?, entries, keys })
    }
}
