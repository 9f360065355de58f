//! Connections that read.

use std::sync::Arc;

use super::ahead::{self, Veiled};
use super::{Connection, Engine, StoreError};

/// The connections that read, those that nobody uses.
pub(super) struct Readers {
    engine: Arc<dyn Engine>,
    #[expect(
        clippy::disallowed_types,
        reason = "the admin API's threads, which may block, take it"
    )]
    idle: std::sync::Mutex<Vec<Box<dyn Connection>>>,
}

impl Readers {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, idle: Default::default() }
    }

    /// Looks at one committed state. Blocks.
    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.take()?;
        let looked = match ahead::is_there(&mut *connection) {
            Ok(false) => look(&mut *connection),
            Ok(true) => look(&mut Veiled::new(&mut *connection)),
            Err(error) => Err(error),
        };
        // One that failed is not kept: what state it is in is anybody's guess.
        if looked.is_ok() && connection.script("COMMIT").is_ok() {
            self.keep(connection);
        }
        looked
    }

    /// A connection that has begun to look. One that was idle may have been closed by the server
    /// in the meantime; then the next is tried.
    fn take(&self) -> Result<Box<dyn Connection>, StoreError> {
        let begin = self.engine.begin_reading();
        while let Some(mut connection) = self.pop() {
            if connection.script(begin).is_ok() {
                return Ok(connection);
            }
        }
        let mut connection = self.engine.reader()?;
        connection.script(begin)?;
        Ok(connection)
    }

    fn pop(&self) -> Option<Box<dyn Connection>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: Box<dyn Connection>) {
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < self.engine.idle_readers() {
            idle.push(connection);
        }
    }
}

impl Drop for Readers {
    /// Closes the connections on a thread that may block, which one that runs tasks may not.
    fn drop(&mut self) {
        let idle: Vec<_> = std::iter::from_fn(|| self.pop()).collect();
        std::thread::spawn(move || drop(idle));
    }
}
