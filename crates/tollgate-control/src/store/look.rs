//! A look at a store from beside the process that has it.

use super::{Connection, Engine, StoreError, migrations};

/// Looks at one committed state of a store that another process may have. Blocks.
///
/// # Errors
/// [`StoreError::TooNew`] and [`StoreError::Corrupt`] for what is no store of this version, else
/// what `look` or the store said.
pub fn look<T>(
    engine: &dyn Engine,
    look: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut connection = engine.reader()?;
    connection.script(engine.begin_reading())?;
    migrations::refuse_later(&mut *connection)?;
    let looked = look(&mut *connection)?;
    connection.script("COMMIT")?;
    Ok(looked)
}
