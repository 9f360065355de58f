//! From what is committed to what is enforced, in one process (design §4): the file and the store
//! become one set of objects, and every change of either a revision of the snapshot.

mod apart;
mod equal;
mod joining;
mod reload;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;
use std::{error, fmt};

use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::sync::{Notify, watch};
use tollgate_core::{Clock, Revision};

use crate::feed::KeyFeed;
use crate::model::{Objects, Unrouted};
use crate::source::{self, Conflict, Owners, Touched};
use crate::store::peers;
use crate::store::{Committed, Connection, Kind, Store, StoreError};
use crate::{PublishError, Publisher};
use apart::Apart;
use equal::Parts;
use joining::join;

pub use equal::OtherFile;
pub use reload::Reload;

/// Has the proxies of this process decide from file and store.
pub struct Publishing {
    publisher: Apart<Publisher>,
    enforced: watch::Receiver<Revision>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    files: watch::Sender<Arc<Objects>>,
    /// The newest revision that is published, with all before it.
    published: Revision,
    /// The objects of both sources, but for the keys.
    objects: Arc<Objects>,
    /// What the file in force holds, where other control planes have to have the same.
    has: Option<Parts>,
    /// A file that is not in force, because others do not have it yet.
    wants: Option<Parts>,
    again: Arc<Notify>,
    /// What remote proxies are told.
    feed: Option<Arc<KeyFeed>>,
}

/// Why nothing was published. What was published before goes on.
#[derive(Debug)]
pub enum PublishingError {
    /// The file contradicts what the store holds.
    Conflicts(Vec<Conflict>),
    /// Other control planes of the store run with other objects in their files.
    OtherFiles(Vec<OtherFile>),
    /// The store failed.
    Store(StoreError),
    /// The objects cannot be published.
    Publish(PublishError),
}

/// From so many chains and owners on, reading all keys at once is quicker than each by itself.
const MANY: usize = 10_000;

/// How often it is looked whether others have the file by now.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// How often meters of keys that are gone are looked at.
const REAP: std::time::Duration = std::time::Duration::from_secs(10);

impl Publishing {
    /// Publishes what both sources hold now: the first snapshot.
    ///
    /// # Errors
    /// See [`PublishingError`].
    pub async fn begin(
        publisher: Publisher,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        files: watch::Sender<Arc<Objects>>,
    ) -> Result<Self, PublishingError> {
        let file = Arc::clone(&files.borrow());
        let objects = Arc::clone(&file);
        let has = join(&store, &file).await?;
        let conflicts = store.read(move |connection| source::conflicts(&file, None, connection));
        let conflicts = conflicts.await?;
        if !conflicts.is_empty() {
            return Err(PublishingError::Conflicts(conflicts));
        }
        let revision = store.newest().await?;
        let mut publishing = Self {
            enforced: publisher.enforced(),
            feed: publisher.told(),
            publisher: Apart::new(publisher),
            store,
            clock,
            files,
            published: revision,
            objects,
            has,
            wants: None,
            again: Arc::default(),
        };
        publishing.publish_all(revision, Instant::now()).await?;
        Ok(publishing)
    }

    /// The newest revision that every worker enforces.
    #[must_use]
    pub fn enforced(&self) -> watch::Receiver<Revision> {
        self.enforced.clone()
    }

    /// Tells when a file that had to wait for other control planes is to be read again.
    #[must_use]
    pub fn again(&self) -> Arc<Notify> {
        Arc::clone(&self.again)
    }

    /// What makes the snapshots.
    ///
    /// # Errors
    /// The process ends, and it was at work elsewhere; likewise below.
    pub fn publisher(&mut self) -> Result<&mut Publisher, PublishingError> {
        self.publisher.here()
    }

    /// What makes the snapshots, and what files say, once nothing is published any more.
    pub fn into_parts(self) -> Result<(Publisher, Arc<Objects>), PublishingError> {
        let files = Arc::clone(&self.files.borrow());
        Ok((self.publisher.back()?, files))
    }

    /// Publishes every change of either source until it is told to stop, and then what was committed
    /// before.
    pub async fn run(
        mut self,
        mut committed: UnboundedReceiver<Committed>,
        mut reloads: Receiver<Reload>,
        stop: impl Future<Output = ()>,
    ) -> Self {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                Some(first) = committed.recv() => {
                    let mut changes = vec![first];
                    while let Ok(next) = committed.try_recv() {
                        changes.push(next);
                    }
                    self.follow(changes).await;
                }
                Some(reload) = reloads.recv() => {
                    let reloaded = self.reload(&reload).await;
                    // Whoever asked may be gone.
                    let _ = reload.answer.send(reloaded);
                }
                () = tokio::time::sleep(LOOK), if self.wants.is_some() => {
                    self.look_at_others().await;
                    self.reap();
                }
                () = tokio::time::sleep(REAP) => self.reap(),
                () = &mut stop => {
                    let rest = std::iter::from_fn(|| committed.try_recv().ok()).collect();
                    self.follow(rest).await;
                    return self;
                }
            }
        }
    }

    fn reap(&mut self) {
        // Where it is at work elsewhere, it is looked at the next time.
        if let Ok(publisher) = self.publisher.here() {
            publisher.reap(self.clock.now().unix());
        }
    }

    /// Publishes changes that were committed, as their last revision. It is tried again until it is
    /// done: what is committed must be enforced.
    async fn follow(&mut self, changes: Vec<Committed>) {
        let changed = Instant::now();
        loop {
            match self.publish_changes(&changes, changed).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, "a change is committed and not enforced yet");
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
            }
        }
    }

    async fn publish_changes(
        &mut self,
        changes: &[Committed],
        changed: Instant,
    ) -> Result<(), PublishingError> {
        let mut changes: Vec<_> =
            changes.iter().filter(|change| change.revision > self.published).cloned().collect();
        changes.sort_by_key(|change| change.revision);
        if changes.is_empty() {
            return Ok(());
        }
        if !self.follows_on(&changes) {
            // Another control plane has changed something in between.
            let published = self.published;
            changes =
                self.store.read(move |connection| peers::since(connection, published)).await?;
        }
        let Some(revision) = changes.last().map(|change| change.revision) else { return Ok(()) };
        let mut touched: BTreeSet<_> =
            changes.into_iter().flat_map(|change| change.touched).collect();
        // Nothing is decided from these, but who is connected by them has to be looked at.
        let before = touched.len();
        touched.retain(|(kind, _)| *kind != Kind::Proxy);
        let of_proxies = touched.len() < before;
        let published = self.publish_touched(touched, revision, changed).await;
        if of_proxies && let Some(feed) = &self.feed {
            feed.look();
        }
        published
    }

    async fn publish_touched(
        &mut self,
        touched: BTreeSet<(Kind, String)>,
        revision: Revision,
        changed: Instant,
    ) -> Result<(), PublishingError> {
        let only = |kinds: &[Kind]| touched.iter().all(|(kind, _)| kinds.contains(kind));
        if only(&[Kind::Key, Kind::Application, Kind::Member]) && touched.len() < MANY {
            self.publish_keys(of_owners(touched), revision, changed).await
        } else if only(&[Kind::Service]) {
            self.publish_services(revision, changed).await
        } else {
            self.publish_all(revision, changed).await
        }
    }

    /// Whether nothing is missing between what is published and some changes, and among those. A
    /// change that several tell of is there several times.
    fn follows_on(&self, changes: &[Committed]) -> bool {
        let mut last = self.published;
        changes.iter().all(|Committed { revision, .. }| {
            let next = Revision { number: last.number + 1, ..last };
            let follows = *revision == last || *revision == next;
            last = *revision;
            follows
        })
    }

    /// Publishes what has become of some chains, applications and members, whatever the number of all
    /// others.
    async fn publish_keys(
        &mut self,
        touched: Touched,
        revision: Revision,
        changed: Instant,
    ) -> Result<(), PublishingError> {
        let (files, objects) = (Arc::clone(&self.files.borrow()), Arc::clone(&self.objects));
        let read = move |connection: &mut dyn Connection| {
            Owners::read(&files, &objects, touched, connection)
        };
        let owners = self.store.read(read).await?;
        let unix = self.clock.now().unix();
        let applications = owners.applications(&self.objects);
        let (objects, keys) = (&self.objects, &owners.keys);
        let publisher = self.publisher.here()?;
        publisher.publish_keys(objects, keys, applications, revision, unix, changed)?;
        self.published = revision;
        if !owners.is_empty() {
            owners.take_place(Arc::make_mut(&mut self.objects));
        }
        Ok(())
    }

    /// Publishes what has become of services: whatever the number of keys, unless what their calls
    /// have to prove has changed, which some of the keys are compiled for.
    async fn publish_services(
        &mut self,
        revision: Revision,
        changed: Instant,
    ) -> Result<(), PublishingError> {
        let files = Arc::clone(&self.files.borrow());
        let read = move |connection: &mut dyn Connection| source::services(&files, connection);
        let (services, unrouted) = self.store.read(read).await?;
        let next = Objects { services, unrouted, ..(*self.objects).clone() };
        if !next.asks_the_same_secrets(&self.objects) {
            return self.publish_all(revision, changed).await;
        }
        let mut named = next.clone();
        named.keys = source::keys_named_by_services(&next, &self.files.borrow());
        let unix = self.clock.now().unix();
        self.publisher.here()?.publish_services(&named, revision, unix, changed)?;
        self.published = revision;
        self.take(next);
        Ok(())
    }

    /// Holds what was published, but for the keys.
    fn take(&mut self, objects: Objects) {
        for Unrouted { service, endpoint, why } in &objects.unrouted {
            let known = self.objects.unrouted.iter().any(|known| {
                (&known.service, &known.endpoint, &known.why) == (service, endpoint, why)
            });
            if !known {
                tracing::warn!(%service, %endpoint, why, "no call leads to an endpoint of the store");
            }
        }
        self.objects = Arc::new(objects);
    }

    /// Publishes whatever both sources hold. It takes as long as there are keys, so it is done where
    /// nobody waits.
    async fn publish_all(
        &mut self,
        revision: Revision,
        changed: Instant,
    ) -> Result<(), PublishingError> {
        let files = Arc::clone(&self.files.borrow());
        let read = move |connection: &mut dyn Connection| source::objects(&files, connection);
        let objects = self.store.read(read).await?;
        let unix = self.clock.now().unix();
        let publish = move |publisher: &mut Publisher| {
            publisher.publish(&objects, Some(revision), unix, changed)?;
            // Its many keys are let go of there too.
            Ok::<_, PublishError>(Objects { keys: Default::default(), ..objects })
        };
        let objects = self.publisher.work(publish).await??;
        self.published = revision;
        self.take(objects);
        Ok(())
    }
}

/// What was touched, where it is nothing but keys and their owners.
fn of_owners(touched: BTreeSet<(Kind, String)>) -> Touched {
    let mut of_owners = Touched::default();
    for (kind, id) in touched {
        match kind {
            Kind::Member => of_owners.members.insert(id),
            Kind::Application => of_owners.applications.insert(id),
            _ => of_owners.chains.insert(id),
        };
    }
    of_owners
}

impl fmt::Display for PublishingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflicts(conflicts) => {
                f.write_str("the file contradicts the store")?;
                conflicts.iter().try_for_each(|conflict| write!(f, "; {conflict}"))
            }
            Self::OtherFiles(others) => {
                f.write_str("control planes of this store run with another file")?;
                others.iter().try_for_each(|other| write!(f, "; {other}"))?;
                f.write_str("; expected the same file at all of them: it comes into force once each has read it")
            }
            Self::Store(error) => error.fmt(f),
            Self::Publish(error) => error.fmt(f),
        }
    }
}

impl error::Error for PublishingError {}

impl From<StoreError> for PublishingError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PublishError> for PublishingError {
    fn from(error: PublishError) -> Self {
        Self::Publish(error)
    }
}
