//! The control plane of a process: the store, the clock, and what everything else is decided by.

mod settings;
mod state;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::Instant;
use tollgate_core::{Clock, Decider, Qps, Revision, SnapshotReader, StrangerBudget, Strangers};

use crate::compile::GivenNumbers;
use crate::feed::KeyFeed;
use crate::model::Objects;
use crate::operations::Context;
use crate::people::{First, FirstError, Passwords, first_administrator};
use crate::proxies::{Applied, Roll};
use crate::seal::{Sealer, SealingKey, SealingKeyError};
use crate::store::{
    Change, Committed, Deed, Engine, NotChanged, Reason, Sqlite, Store, StoreError,
};

pub use settings::{ControlSettings, Regions, StorePlace};

/// What seals keys and their secrets by these settings. A sealing key that is not there is made.
///
/// # Errors
/// See [`ControlError`].
pub fn sealer(settings: &ControlSettings) -> Result<Sealer, ControlError> {
    state::make_sealing_key(&settings.sealing_key_file)?;
    known_sealer(settings)
}

/// The same, of sealing keys that are there.
///
/// # Errors
/// See [`ControlError`].
pub fn known_sealer(settings: &ControlSettings) -> Result<Sealer, ControlError> {
    let current = SealingKey::read(&settings.sealing_key_file).map_err(ControlError::SealingKey)?;
    let previous = settings.previous_sealing_key_file.as_deref().map(SealingKey::read).transpose();
    let previous = previous.map_err(ControlError::PreviousSealingKey)?;
    Ok(Sealer::new(current, previous))
}

/// The database of a place, to be read beside the process that has it. It has to be there.
///
/// # Errors
/// See [`ControlError`].
pub fn beside(place: &StorePlace) -> Result<Arc<dyn Engine>, ControlError> {
    match place {
        StorePlace::File(path) => Ok(Arc::new(Sqlite::beside(path))),
        StorePlace::Postgres { .. } => state::engine(place),
    }
}

/// Everything that the admin API, the scheduler and the feed work on.
pub struct ControlPlane {
    /// What was committed.
    pub store: Arc<Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What the configuration says.
    pub settings: ControlSettings,
    /// What seals keys and their secrets.
    pub sealer: Sealer,
    /// What files own at present. It can only be read here.
    pub file: watch::Receiver<Arc<Objects>>,
    /// The newest revision that the proxy of this process enforces.
    pub enforced: watch::Receiver<Revision>,
    /// What the proxy of this process decides by, and where it counts.
    pub reader: SnapshotReader,
    /// The numbers by which it knows services, endpoints and methods.
    pub given: watch::Receiver<Arc<GivenNumbers>>,
    /// The id of this environment in tokens: the scope of domain.md §1.1.
    pub area: String,
    /// Compares passwords.
    pub passwords: Passwords,
    /// Sources of logins and tokens that failed.
    pub strangers: Strangers,
    /// What remote proxies are told.
    pub feed: Arc<KeyFeed>,
    /// The proxies that are registered.
    pub roll: Arc<Roll>,
    /// Whether whoever follows the feed has to go.
    pub closing: watch::Sender<bool>,
}

/// Why there is no control plane.
#[derive(Debug)]
pub enum ControlError {
    /// A folder or file of its own cannot be made.
    Files(std::io::Error),
    /// The store cannot be used.
    Store(StoreError),
    /// The sealing key cannot be used.
    SealingKey(SealingKeyError),
    /// The sealing key before it cannot be used.
    PreviousSealingKey(SealingKeyError),
    /// Nobody could log in.
    First(FirstError),
    /// Another area could not be recorded.
    Area,
}

/// Failed logins and tokens of one source: a person mistypes, a guesser does not stop.
const FAILURES_A_SECOND: NonZeroU32 = NonZeroU32::MIN;
const FAILURES_AT_ONCE: u32 = 30;
const SOURCES: usize = 4096;

/// How long a change is held back from its answer until it is enforced.
const ENFORCEMENT: Duration = Duration::from_secs(10);

impl ControlPlane {
    /// Opens the store, which is made where there is none, as are the sealing key and the first
    /// administrator. The second part hears of every change that this process commits.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn open(
        settings: ControlSettings,
        clock: Arc<dyn Clock>,
        file: watch::Receiver<Arc<Objects>>,
        enforced: watch::Receiver<Revision>,
        reader: SnapshotReader,
        given: watch::Receiver<Arc<GivenNumbers>>,
        feed: Arc<KeyFeed>,
    ) -> Result<(Self, UnboundedReceiver<Committed>), ControlError> {
        let files = settings.clone();
        let opened = tokio::task::spawn_blocking(move || {
            Ok::<_, ControlError>((sealer(&files)?, state::engine(&files.store)?))
        });
        let (sealer, engine) = opened.await.unwrap_or(Err(StoreError::Closed.into()))?;
        let (store, committed) = Store::open(engine, Arc::clone(&clock)).await?;
        let environment = file.borrow().environment.0.to_string();
        let area = area(&store, environment).await?;
        match first_administrator(&store, &area, &settings.first_administrator_file).await? {
            First::Known => {}
            First::Made => tracing::warn!(
                file = %settings.first_administrator_file.display(),
                "nobody could log in: the file holds a first administrator",
            ),
        }
        let burst = NonZeroU32::new(FAILURES_AT_ONCE).unwrap_or(NonZeroU32::MIN);
        let failures = Qps::new(FAILURES_A_SECOND, burst);
        let store = Arc::new(store);
        let roll = Roll::load(Arc::clone(&store), Arc::clone(&clock)).await?;
        let plane = Self {
            store,
            feed,
            roll: Arc::new(roll),
            closing: watch::Sender::new(false),
            enforced,
            clock,
            settings,
            sealer,
            file,
            reader,
            given,
            area,
            passwords: Passwords::new(),
            strangers: Strangers::new(StrangerBudget { failures, max_sources: SOURCES }),
        };
        Ok((plane, committed))
    }

    /// What operations on keys are done within, at present.
    #[must_use]
    pub fn context(&self) -> Context {
        Context {
            files: Arc::clone(&self.file.borrow()),
            sealer: self.sealer.clone(),
            retrieval: self.settings.retrieval,
        }
    }

    /// Makes a change, as [`Store::change`] does, and returns once the proxy of this process
    /// enforces it: no request that is sent from then on is decided otherwise.
    ///
    /// # Errors
    /// See [`Store::change`].
    pub async fn change<T, E>(
        &self,
        deed: Deed,
        work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<T, NotChanged<E>> + Send + 'static,
    ) -> Result<T, NotChanged<E>>
    where
        T: Send + 'static,
        E: Reason + Send + 'static,
    {
        let (done, revision) = self.store.change(deed, work).await?;
        if let Some(revision) = revision {
            self.enforcement(revision).await;
        }
        Ok(done)
    }

    /// Waits until every registered proxy and the proxy of this process enforce a revision that was
    /// committed at `committed`, until `until` at most.
    ///
    /// # Errors
    /// What the store said.
    pub async fn applied(
        &self,
        revision: Revision,
        committed: Instant,
        until: Instant,
    ) -> Result<Applied, StoreError> {
        let (here, told) = (self.enforced.clone(), self.feed.newest());
        self.roll.applied(revision, (committed, until), here, told).await
    }

    /// What tells how much of their limits keys have used, by the meters of this process.
    #[must_use]
    pub fn decider(&self) -> Decider {
        Decider::new(self.reader.clone(), Arc::clone(&self.clock))
    }

    /// Returns once the proxy of this process enforces all that is committed.
    ///
    /// # Errors
    /// What the store said.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let newest = self.store.newest().await?;
        self.enforcement(newest).await;
        Ok(())
    }

    async fn enforcement(&self, revision: Revision) {
        let mut enforced = self.enforced.clone();
        let reached = enforced.wait_for(|newest| *newest >= revision);
        if tokio::time::timeout(ENFORCEMENT, reached).await.is_err() {
            tracing::warn!(revision = revision.number, "a change is not enforced yet");
        }
    }

    /// What keys are valid for here.
    #[must_use]
    pub fn environment(&self) -> String {
        self.file.borrow().environment.0.to_string()
    }

    /// The present instant in milliseconds since 1970, as the store counts.
    #[must_use]
    pub fn now(&self) -> i64 {
        i64::try_from(self.clock.now().unix_ms).unwrap_or(i64::MAX)
    }

    /// Writes a refusal into the audit log.
    ///
    /// # Errors
    /// What the store said.
    pub async fn refuse<E: Reason + Send + 'static>(
        &self,
        deed: Deed,
        why: E,
    ) -> Result<(), StoreError> {
        let refused = |_: &mut Change<'_>, _: &mut Deed| Err::<(), _>(NotChanged::Refused(why));
        match self.store.change(deed, refused).await {
            Ok(_) | Err(NotChanged::Refused(_)) => Ok(()),
            Err(NotChanged::Store(error)) => Err(error),
        }
    }
}

/// The id of an environment, made when it is first asked for.
async fn area(store: &Store, environment: String) -> Result<String, ControlError> {
    let deed = Deed {
        actor: "start".to_owned(),
        action: "area.create".to_owned(),
        kind: "area".to_owned(),
        object: environment.clone(),
        details: "{}".to_owned(),
    };
    let name = format!("area/{environment}");
    let asked = name.clone();
    let find = move |connection: &mut dyn crate::store::Connection| {
        let row = connection.row("SELECT value FROM facts WHERE name = $1", &[asked.into()])?;
        row.map(|row| row.text(0).map(str::to_owned)).transpose()
    };
    if let Some(area) = store.read(find.clone()).await? {
        return Ok(area);
    }
    let make = move |change: &mut Change<'_>, _: &mut Deed| {
        // Another control plane may have been faster.
        let statement = "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let id = uuid::Uuid::new_v4().to_string();
        change.connection().run(statement, &[name.into(), id.into()])?;
        Ok::<_, NotChanged<crate::people::TokenRefused>>(())
    };
    match store.change(deed, make).await {
        Ok(_) | Err(NotChanged::Refused(_)) => {}
        Err(NotChanged::Store(error)) => return Err(error.into()),
    }
    store.read(find).await?.ok_or(ControlError::Area)
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FirstError> for ControlError {
    fn from(error: FirstError) -> Self {
        Self::First(error)
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(error) => write!(f, "a file of the control plane cannot be made: {error}"),
            Self::Store(error) => error.fmt(f),
            Self::SealingKey(error) => write!(f, "control.sealing_key_file: {error}"),
            Self::PreviousSealingKey(error) => {
                write!(f, "control.previous_sealing_key_file: {error}")
            }
            Self::First(error) => error.fmt(f),
            Self::Area => f.write_str("the store did not keep the id of the environment"),
        }
    }
}

impl std::error::Error for ControlError {}
