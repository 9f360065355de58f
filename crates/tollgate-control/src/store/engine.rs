//! What a store stands on.

use super::{Connection, Listening, StoreError};

/// How processes that work on one database know of each other.
#[derive(Clone, Debug)]
pub struct Presence {
    /// The number of this process, as long as it listens.
    pub id: i64,
    /// The query for the numbers of all that do.
    pub live: &'static str,
}

/// A database. Both engines keep the same contract, which one test runs over each.
pub trait Engine: Send + Sync + 'static {
    /// A connection that changes things. There is one at a time in a process.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn writer(&self) -> Result<Box<dyn Connection>, StoreError>;

    /// A connection that only reads, and sees what was committed.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn reader(&self) -> Result<Box<dyn Connection>, StoreError>;

    /// How many connections that read are kept open while nobody reads.
    fn idle_readers(&self) -> usize {
        8
    }

    /// The statements that begin a change. Until it ends, no other process changes anything.
    fn begin(&self) -> &'static str;

    /// The statement that begins a look at one state of everything.
    fn begin_reading(&self) -> &'static str;

    /// Whether other processes can change what is in the database.
    fn is_shared(&self) -> bool {
        false
    }

    /// A connection that hears when they do, where they can.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn listen(&self) -> Result<Option<Box<dyn Listening>>, StoreError> {
        Ok(None)
    }

    /// How processes that listen know of each other, where they can.
    fn presence(&self) -> Option<Presence> {
        None
    }

    /// The statement that tells them of a change, when it is committed.
    fn tell_others(&self) -> Option<&'static str> {
        None
    }

    /// Has the database be the store's, in a transaction that has begun and outside of savepoints,
    /// where a copy of it could come to stand in another.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn take_home(&self, _: &mut dyn Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// Refuses a database that the store was copied into; from then on every connection is held to
    /// that.
    ///
    /// # Errors
    /// [`StoreError::NotReconciled`], else what the database said.
    fn hold_home(&self, _: &mut dyn Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// The same, of a connection that was held to it before, once a change has begun there.
    ///
    /// # Errors
    /// Likewise.
    fn still_home(&self, _: &mut dyn Connection) -> Result<(), StoreError> {
        Ok(())
    }

    /// The statements that index the words of chains and documents, where they are not indexed
    /// yet. They run at every opening.
    fn index_words(&self) -> &'static str;

    /// The statements that index chains in the orders of lists, and keep the tallies of chains.
    /// Migration 13 runs them.
    fn lists(&self) -> &'static str;

    /// The statements that say how rare what queries ask for is, to an engine that does not count it
    /// by itself. A migration that changes an index they name runs them again.
    fn plan_queries(&self) -> &'static str {
        ""
    }
}
