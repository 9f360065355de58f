//! The control plane of a process that has one, beside its proxy. It can be stopped, which closes its
//! store, and opened again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tollgate_control::admin::Leftovers;
use tollgate_control::feed::FeedMetrics;
use tollgate_control::last_use::LastUse;
use tollgate_control::model::Objects;
use tollgate_control::plane::{ControlPlane, ControlSettings};
use tollgate_control::rotation::Rotation;
use tollgate_control::scheduler::Scheduler;
use tollgate_control::store::Committed;
use tollgate_control::webhooks::{MeterEvents, Post, Reminders, Sender, WebhookMetrics};
use tollgate_control::{Publisher, Publishing, Reload};
use tollgate_core::{Clock, SnapshotReader};
use tollgate_feed::sign::SigningKey;
use tollgate_proxy::KeyEventRings;

use crate::boot::Failure;

/// How long a store may take to be let go of by everybody.
const CLOSING: Duration = Duration::from_secs(10);

/// What a control plane works with, whether it is open or not.
#[derive(Clone)]
pub(crate) struct Parts {
    /// What its section of the file says.
    pub(crate) settings: ControlSettings,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// What the proxy decides by, and where it counts.
    pub(crate) reader: SnapshotReader,
    /// Takes what workers have to tell of keys.
    pub(crate) key_events: SharedRings,
    /// What tells webhooks.
    pub(crate) post: Arc<dyn Post>,
    /// What is counted of that.
    pub(crate) webhooks: WebhookMetrics,
    /// What is counted of the key feed.
    pub(crate) feed: FeedMetrics,
    /// What signs the key feed, if anything does.
    pub(crate) signer: Option<Arc<SigningKey>>,
}

/// What workers have to tell of keys, for whichever task takes it at present.
#[derive(Clone)]
#[expect(clippy::disallowed_types, reason = "one task of the control runtime takes it")]
pub(crate) struct SharedRings(Arc<std::sync::Mutex<KeyEventRings>>);

#[expect(clippy::disallowed_types, reason = "one task of the control runtime takes it")]
impl SharedRings {
    pub(crate) fn new(rings: KeyEventRings) -> Self {
        Self(Arc::new(std::sync::Mutex::new(rings)))
    }

    fn take(&self) -> Vec<tollgate_core::KeyEvent> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

/// A control plane whose store is open and whose objects are published, in which nothing happens yet.
pub(crate) struct Opened {
    parts: Parts,
    pub(crate) plane: Arc<ControlPlane>,
    pub(crate) publishing: Publishing,
    committed: UnboundedReceiver<Committed>,
}

/// A control plane that runs.
pub(crate) struct Started {
    parts: Parts,
    plane: Arc<ControlPlane>,
    /// Where a file that was read anew goes.
    pub(crate) reloads: mpsc::Sender<Reload>,
    /// Tells when the file is to be read once more.
    pub(crate) again: Arc<Notify>,
    tasks: JoinSet<()>,
    publishing: JoinHandle<Publishing>,
    stop: oneshot::Sender<()>,
}

impl Parts {
    /// Opens the store, and publishes what it and the file hold.
    ///
    /// # Errors
    /// Whatever keeps the store from being opened, or its objects from being published.
    pub(crate) async fn open(
        self,
        mut publisher: Publisher,
        file: Arc<Objects>,
    ) -> Result<Opened, Failure> {
        let environment = file.environment.0.to_string();
        let folder = self.settings.snapshot_folder();
        let clock = Arc::clone(&self.clock);
        let feed = publisher.feed(
            &environment,
            (&folder, self.signer.clone()),
            clock,
            self.feed.clone(),
        )?;
        let (files, of_file) = watch::channel(file);
        let (enforced, given) = (publisher.enforced(), publisher.given());
        let (settings, clock) = (self.settings.clone(), Arc::clone(&self.clock));
        let plane = ControlPlane::open(
            settings,
            clock,
            of_file,
            enforced,
            self.reader.clone(),
            given,
            feed,
        );
        let (plane, committed) = plane.await?;
        let plane = Arc::new(plane);
        let (store, clock) = (Arc::clone(&plane.store), Arc::clone(&self.clock));
        let publishing = Publishing::begin(publisher, store, clock, files).await?;
        Ok(Opened { parts: self, plane, publishing, committed })
    }
}

impl Opened {
    /// Has every later change of either source published, everything that is due done, and webhooks
    /// told.
    pub(crate) fn run(self) -> Started {
        let Self { parts, plane, publishing, committed } = self;
        let mut tasks = JoinSet::new();
        let store = || Arc::clone(&plane.store);
        let clock = || Arc::clone(&parts.clock);
        let context = || {
            let plane = Arc::clone(&plane);
            Box::new(move || plane.context())
        };
        tasks.spawn(Scheduler { store: store(), context: context(), clock: clock() }.run());
        tasks.spawn(Reminders { store: store(), context: context(), clock: clock() }.run());
        tasks.spawn(LastUse::new(parts.reader.clone(), store(), clock()).run());
        let rings = parts.key_events.clone();
        let events = MeterEvents {
            take: Box::new(move || rings.take()),
            reader: parts.reader.clone(),
            store: store(),
            context: context(),
            clock: clock(),
        };
        tasks.spawn(events.run());
        let sender = Sender {
            store: store(),
            sealer: plane.sealer.clone(),
            post: Arc::clone(&parts.post),
            clock: clock(),
            rules: plane.settings.webhooks,
            metrics: parts.webhooks.clone(),
        };
        tasks.spawn(sender.run());
        let files = plane.file.clone();
        tasks.spawn(Rotation { store: store(), context: context(), files }.run());
        tasks.spawn(Arc::clone(&plane.roll).run(plane.feed.looks()));
        tasks.spawn(Leftovers { store: store() }.run());
        let (reloads, asked) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let again = publishing.again();
        let stopped = async {
            // Gone without a word, it ends too.
            let _ = stopped.await;
        };
        let publishing = tokio::spawn(publishing.run(committed, asked, stopped));
        Started { parts, plane, reloads, again, tasks, publishing, stop }
    }
}

impl Started {
    pub(crate) fn plane(&self) -> Arc<ControlPlane> {
        Arc::clone(&self.plane)
    }

    /// Stops whatever happens in it, publishes what was committed, and closes the store. The admin API
    /// has ended before.
    ///
    /// # Errors
    /// If somebody keeps the store. Then it cannot be opened again either.
    pub(crate) async fn stop(self) -> Result<(Parts, Publisher, Arc<Objects>), Failure> {
        let Self { parts, plane, mut tasks, publishing, stop, .. } = self;
        tasks.shutdown().await;
        if let Err(error) = plane.roll.keep().await {
            tracing::warn!(%error, "what proxies enforce was not kept");
        }
        // It may have ended already.
        let _ = stop.send(());
        let (publisher, file) = publishing.await?.into_parts()?;
        let store = Arc::downgrade(&plane.store);
        drop(plane);
        let closed = async {
            while store.strong_count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(CLOSING, closed).await.is_err() {
            return Err("the store is in use and was not closed".into());
        }
        Ok((parts, publisher, file))
    }
}
