//! A database that pg_restore has filled, and what the present one says was done since the dump.
//!
//! Both are held as they are until the end: neither lets a control plane start meanwhile.

use std::sync::Arc;

use super::{RestoreError, Restored, Terms};
use crate::store::{Connection, Engine, Inspected, Listening, StoreError, bring, end};

/// A store in a database that was copied there.
pub struct DatabaseRestore {
    /// The database.
    pub store: Arc<dyn Engine>,
    /// The one that has the history since; `None` = it is lost, or is not to be asked.
    pub present: Option<Arc<dyn Engine>>,
    /// What holds of it.
    pub terms: Terms,
}

/// A store that was restored and is not committed. Dropping it leaves everything as it was.
pub struct PreparedDatabase {
    /// What it is like.
    pub restored: Restored,
    connection: Box<dyn Connection>,
    _present: Option<Box<dyn Connection>>,
    _claim: Option<Box<dyn Listening>>,
}

impl DatabaseRestore {
    /// Makes the store as it is to be, seen by nobody.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub fn prepare(self) -> Result<PreparedDatabase, RestoreError> {
        let claim = self.claim()?;
        let mut present = self.present.as_ref().map(|present| self.ask(&**present)).transpose()?;
        let mut connection = self.store.writer().map_err(RestoreError::Store)?;
        connection.script(self.store.begin()).map_err(RestoreError::Store)?;
        let backup = Inspected::of(&mut *connection).map_err(RestoreError::Backup)?;
        let restored = self.terms.restore(&*self.store, &mut *connection, &mut present, backup)?;
        Ok(PreparedDatabase { restored, connection, _present: present, _claim: claim })
    }

    /// Has others know that somebody works on the store. Nobody else may.
    fn claim(&self) -> Result<Option<Box<dyn Listening>>, RestoreError> {
        let mut claim = self.store.listen().map_err(RestoreError::Store)?;
        if let Some(claim) = &mut claim {
            let mut others = at_work(&*self.store, &mut **claim).map_err(RestoreError::Store)?;
            others.retain(|id| Some(*id) != self.id());
            if !others.is_empty() {
                return Err(in_use("that control.store names"));
            }
        }
        Ok(claim)
    }

    /// The present store, to be read as it is while nobody works on it. It is brought to the newest
    /// version, because what is asked of it is asked in that; it is never committed that it was.
    fn ask(&self, present: &dyn Engine) -> Result<Box<dyn Connection>, RestoreError> {
        let mut connection = present.writer().map_err(RestoreError::Present)?;
        let others = at_work(present, &mut *connection).map_err(RestoreError::Present)?;
        if others.iter().any(|id| Some(*id) == self.id()) {
            return Err(RestoreError::Same);
        }
        if !others.is_empty() {
            return Err(in_use("that --present names"));
        }
        connection.script(present.begin()).map_err(RestoreError::Present)?;
        Inspected::of(&mut *connection).map_err(RestoreError::Present)?;
        let epoch = self.terms.now().cast_signed();
        bring(present, &mut *connection, epoch).map_err(RestoreError::Present)?;
        Ok(connection)
    }

    /// By what others know this process.
    fn id(&self) -> Option<i64> {
        self.store.presence().map(|presence| presence.id)
    }
}

impl PreparedDatabase {
    /// Puts it in force.
    ///
    /// # Errors
    /// [`RestoreError::Store`]; nothing was restored then, unless it is [`StoreError::Unknown`].
    pub fn commit(mut self) -> Result<(), RestoreError> {
        end(&mut *self.connection).map_err(RestoreError::Store)
    }
}

/// Who works on the store of a connection.
fn at_work(engine: &dyn Engine, connection: &mut dyn Connection) -> Result<Vec<i64>, StoreError> {
    let Some(presence) = engine.presence() else { return Ok(Vec::new()) };
    connection.rows(presence.live, &[])?.iter().map(|row| row.integer(0)).collect()
}

fn in_use(which: &str) -> RestoreError {
    RestoreError::Store(StoreError::InUse(which.to_owned()))
}
