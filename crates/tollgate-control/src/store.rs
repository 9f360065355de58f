//! The store of the control plane: what was committed, in the order in which it was.
//!
//! SQL is written once and runs on both engines. One thread changes things, in transactions that
//! waiting changes share; readers each see one committed state. A change that proxies decide from
//! has a revision, and every change and refusal an entry in the audit log, in the same transaction.

mod ahead;
mod answers;
mod audit;
mod batch;
mod chains;
mod change;
mod condition;
mod connection;
mod deliveries;
mod differences;
mod documents;
mod engine;
mod error;
pub(crate) mod history;
mod inspect;
mod look;
mod migrations;
pub(crate) mod peers;
mod postgres;
mod readers;
mod revisions;
mod sqlite;
mod subscriptions;
mod texts;
pub mod timeline;
pub mod uses;
mod writer;

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tollgate_core::{Clock, Revision};

pub use ahead::Ahead;
pub(crate) use ahead::Begun;
pub use answers::KeptAnswer;
pub use audit::{AuditEntry, AuditPage, AuditSearch, DONE, Deed, Entry, verify};
pub(crate) use batch::{BATCH as PAGE, insert as insert_rows, numbered};
pub use chains::{
    Api, Bought, ChainDate, ChainNumber, ChainOrder, ChainPage, ChainSearch, Credential, Ordering,
    StoredChain, Within, Written,
};
pub use change::{Change, Kind, NotChanged, Reason};
pub use connection::{Connection, Row, Value};
pub use deliveries::{Delivery, DeliveryState, Tried};
pub use differences::{Difference, Differences, Noted};
pub use documents::{Document, DocumentSearch, Shelf};
pub use engine::{Engine, Presence};
pub use error::StoreError;
pub use inspect::Inspected;
pub use look::look;
pub(crate) use migrations::bring;
pub use peers::Listening;
pub use postgres::{ClientFiles, Postgres, PostgresTls, PostgresUrl, WrongFile};
use readers::Readers;
pub use revisions::Revised;
pub use sqlite::{BackupError, Sqlite, SqliteLock, back_up, inspect};
pub(crate) use sqlite::{copy, sync_folder_of};
pub use subscriptions::Subscription;
pub use texts::Narrowed;
pub use writer::Committed;
use writer::Writer;
pub(crate) use writer::{change_within, end, newest};

/// Brings a store to the newest version, without opening it. The history of a new one begins with
/// `epoch`.
///
/// # Errors
/// See [`StoreError`].
pub(crate) fn migrate(engine: &dyn Engine, epoch: u64) -> Result<(), StoreError> {
    migrations::migrate(engine, &mut *engine.writer()?, epoch.cast_signed())
}

/// A store, open.
pub struct Store {
    writer: Writer,
    readers: Arc<Readers>,
    presence: Option<Presence>,
}

impl Store {
    /// Opens a store and brings it to the newest version. The second part hears of every change
    /// that is committed from then on, by any control plane of the store, in the order of their
    /// revisions.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, UnboundedReceiver<Committed>), StoreError> {
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(engine, clock)).await;
        opened.unwrap_or(Err(StoreError::Closed))
    }

    fn open_blocking(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, UnboundedReceiver<Committed>), StoreError> {
        let epoch = i64::try_from(clock.now().unix_ms).unwrap_or(i64::MAX);
        let mut connection = engine.writer()?;
        migrations::migrate(&*engine, &mut *connection, epoch)?;
        let newest = newest(&mut *connection)?;
        drop(connection);
        let (sender, committed) = unbounded_channel();
        let readers = Readers::new(Arc::clone(&engine));
        let writer = Writer::start(Arc::clone(&engine), clock, sender.clone())?;
        let presence = engine.presence();
        peers::follow(engine, newest, sender)?;
        Ok((Self { writer, readers: Arc::new(readers), presence }, committed))
    }

    /// How control planes of the store know of each other, where there can be several.
    pub(crate) fn presence(&self) -> Option<&Presence> {
        self.presence.as_ref()
    }

    /// Makes a change, wholly or not at all, and returns what it says and the revision that it
    /// made, if it touched anything. It is committed then. `deed` is what the audit log says; the
    /// change may complete it.
    ///
    /// # Errors
    /// [`NotChanged::Refused`] with what the change refused, else what the store said.
    pub async fn change<T, E>(
        &self,
        deed: Deed,
        work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<T, NotChanged<E>> + Send + 'static,
    ) -> Result<(T, Option<Revision>), NotChanged<E>>
    where
        T: Send + 'static,
        E: Reason + Send + 'static,
    {
        self.writer.ask(deed, work).await.unwrap_or(Err(StoreError::Closed.into()))
    }

    /// Looks at one committed state. Changes that were answered before are in it.
    ///
    /// # Errors
    /// What `look` or the store said.
    pub async fn read<T>(
        &self,
        look: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let looked = tokio::task::spawn_blocking(move || readers.read(look)).await;
        looked.unwrap_or(Err(StoreError::Closed))
    }

    /// Begins to write rows ahead whose ids lie between these two.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub(crate) async fn begin_ahead(&self, ids: (String, String)) -> Result<Begun, StoreError> {
        let presence = self.presence.clone();
        self.quietly(move |connection| Ahead::begin(connection, presence.as_ref(), ids)).await
    }

    /// Takes rows away that were written ahead, unless they were revealed.
    pub(crate) async fn end_ahead(&self, ahead: Ahead) -> Result<(), StoreError> {
        match self.quietly(move |connection| ahead.give_up(connection)).await? {
            true => self.sweep_ahead().await,
            false => Ok(()),
        }
    }

    /// Takes rows away that were written ahead and that nobody writes any more: those of this process,
    /// which may write none meanwhile, and of one that is gone.
    pub async fn sweep_left(&self) -> Result<(), StoreError> {
        if !self.read(ahead::is_there).await? {
            return Ok(());
        }
        let presence = self.presence.clone();
        self.quietly(move |connection| ahead::give_up_left(connection, presence.as_ref())).await?;
        self.sweep_ahead().await
    }

    /// Takes rows away that were written ahead and given up, some at a time.
    pub(crate) async fn sweep_ahead(&self) -> Result<(), StoreError> {
        while self.quietly(ahead::sweep).await? {}
        Ok(())
    }

    /// Writes something that is no change to anybody: it has no entry in the audit log.
    pub(crate) async fn quietly<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.change(Deed::default(), |change, _| {
            change.leave_untold();
            Ok(work(change.connection())?)
        });
        match done.await {
            Ok((done, _)) => Ok(done),
            Err(NotChanged::Store(error)) => Err(error),
            Err(NotChanged::<Infallible>::Refused(never)) => match never {},
        }
    }

    /// The newest revision that is committed.
    ///
    /// # Errors
    /// What the store said.
    pub async fn newest(&self) -> Result<Revision, StoreError> {
        self.read(newest).await
    }
}
