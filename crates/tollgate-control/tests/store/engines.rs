//! The engines that the contract is held to, and a store on each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tollgate_control::store::{
    Change, Committed, Deed, Engine, NotChanged, Postgres, Reason, Sqlite, Store,
};
use tollgate_core::{Clock, Now, Revision};

use crate::server::Server;

/// When it is.
pub(crate) const NOW: u64 = 1_767_225_600_000;

/// A database and whatever keeps it alive.
pub(crate) struct Place {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Arc<Hands>,
    /// Makes another one of the same engine. Blocks.
    pub(crate) again: fn() -> Self,
    _folder: Option<TempDir>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&folder.path().join("store.db")).unwrap();
        Self::of(Arc::new(engine), Some(folder), Self::sqlite)
    }

    pub(crate) fn postgres() -> Self {
        Self::of_database(&Server::shared().database())
    }

    pub(crate) fn of_database(address: &str) -> Self {
        Self::of(Arc::new(Postgres::new(address).unwrap()), None, Self::postgres)
    }

    /// The same database, for another process.
    pub(crate) fn beside(&self) -> Self {
        let (engine, clock) = (Arc::clone(&self.engine), Arc::clone(&self.clock));
        Self { engine, clock, again: self.again, _folder: None }
    }

    fn of(engine: Arc<dyn Engine>, folder: Option<TempDir>, again: fn() -> Self) -> Self {
        Self { engine, clock: Arc::new(Hands(AtomicU64::new(NOW))), again, _folder: folder }
    }

    pub(crate) async fn open(&self) -> (Store, UnboundedReceiver<Committed>) {
        Store::open(Arc::clone(&self.engine), Arc::<Hands>::clone(&self.clock)).await.unwrap()
    }
}

/// A clock that a test sets.
pub(crate) struct Hands(pub(crate) AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Now {
        Now { monotonic: 0, unix_ms: self.0.load(SeqCst) }
    }
}

/// A rule that refuses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct No;

impl Reason for No {
    fn code(&self) -> &str {
        "no"
    }
}

pub(crate) fn deed(object: &str) -> Deed {
    Deed {
        actor: "jo".to_owned(),
        action: "fact.set".to_owned(),
        kind: "fact".to_owned(),
        object: object.to_owned(),
        details: "{}".to_owned(),
    }
}

/// Sets a fact: what changes here change.
pub(crate) fn set(change: &mut Change<'_>, name: &str, value: &str) -> Result<(), NotChanged<No>> {
    let statement = "INSERT INTO facts (name, value) VALUES ($1, $2) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    change.connection().run(statement, &[name.into(), value.into()])?;
    Ok(())
}

/// Sets a fact and says that proxies decide from it.
pub(crate) async fn set_and_touch(store: &Store, name: &str, value: &str) -> Revision {
    let (name, value) = (name.to_owned(), value.to_owned());
    let changed = store.change(deed(&name.clone()), move |change, _| {
        set(change, &name, &value)?;
        change.touch(tollgate_control::store::Kind::Key, name);
        Ok(())
    });
    changed.await.unwrap().1.unwrap()
}

pub(crate) async fn fact(store: &Store, name: &str) -> Option<String> {
    let name = name.to_owned();
    let look = move |connection: &mut dyn tollgate_control::store::Connection| {
        let found = connection.row("SELECT value FROM facts WHERE name = $1", &[name.into()])?;
        found.map(|row| row.text(0).map(str::to_owned)).transpose()
    };
    store.read(look).await.unwrap()
}

/// What may block, on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(make).await.unwrap()
}

/// A test for each engine, out of one that takes a [`Place`].
macro_rules! contract {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::engines::blocking(crate::engines::Place::sqlite).await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::engines::blocking(crate::engines::Place::postgres).await).await;
            })*
        }
    };
}
pub(crate) use contract;
