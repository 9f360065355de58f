//! The control plane of a process that has one, beside its proxy.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};
use tollgate_control::last_use::LastUse;
use tollgate_control::model::Objects;
use tollgate_control::plane::{ControlPlane, ControlSettings};
use tollgate_control::rotation::Rotation;
use tollgate_control::scheduler::Scheduler;
use tollgate_control::webhooks::{MeterEvents, Post, Reminders, Sender, WebhookMetrics};
use tollgate_control::{Publisher, Publishing, Reload};
use tollgate_core::{Clock, SnapshotReader};
use tollgate_proxy::KeyEventRings;

/// What a control plane works with.
pub(crate) struct Parts {
    /// What has the proxy decide.
    pub(crate) publisher: Publisher,
    /// What the file says.
    pub(crate) file: Arc<Objects>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// What the proxy decides by, and where it counts.
    pub(crate) reader: SnapshotReader,
    /// Takes what workers have to tell of keys.
    pub(crate) key_events: KeyEventRings,
    /// What tells webhooks.
    pub(crate) post: Arc<dyn Post>,
    /// What is counted of that.
    pub(crate) webhooks: WebhookMetrics,
}

/// A control plane that runs.
pub(crate) struct Started {
    pub(crate) plane: Arc<ControlPlane>,
    /// Where a file that was read anew goes.
    pub(crate) reloads: mpsc::Sender<Reload>,
    /// Tells when the file is to be read once more.
    pub(crate) again: Arc<Notify>,
}

/// Opens the store, publishes what it and the file hold, and has every later change of either
/// published, everything that is due done, and webhooks told.
///
/// # Errors
/// Whatever keeps the store from being opened, or its objects from being published.
pub(crate) async fn start(
    settings: ControlSettings,
    parts: Parts,
) -> Result<Started, Box<dyn std::error::Error>> {
    let Parts { publisher, file, clock, reader, key_events, post, webhooks } = parts;
    let (files, of_file) = watch::channel(file);
    let (enforced, given, of_proxy) = (publisher.enforced(), publisher.given(), reader.clone());
    let plane =
        ControlPlane::open(settings, Arc::clone(&clock), of_file, enforced, of_proxy, given);
    let (plane, committed) = plane.await?;
    let plane = Arc::new(plane);
    let store = || Arc::clone(&plane.store);
    let publishing = Publishing::begin(publisher, store(), Arc::clone(&clock), files).await?;
    let (reloads, asked) = mpsc::channel(1);
    let again = publishing.again();
    tokio::spawn(publishing.run(committed, asked));
    let context = || {
        let plane = Arc::clone(&plane);
        Box::new(move || plane.context())
    };
    let (now, then) = (Arc::clone(&clock), Arc::clone(&clock));
    tokio::spawn(Scheduler { store: store(), context: context(), clock: now }.run());
    tokio::spawn(Reminders { store: store(), context: context(), clock: then }.run());
    tokio::spawn(LastUse::new(reader.clone(), store(), Arc::clone(&clock)).run());
    let mut rings = key_events;
    let (take, clock_of_events) = (Box::new(move || rings.take()), Arc::clone(&clock));
    let events =
        MeterEvents { take, reader, store: store(), context: context(), clock: clock_of_events };
    tokio::spawn(events.run());
    let sender = Sender {
        store: store(),
        sealer: plane.sealer.clone(),
        post,
        clock,
        rules: plane.settings.webhooks,
        metrics: webhooks,
    };
    tokio::spawn(sender.run());
    let files = plane.file.clone();
    tokio::spawn(Rotation { store: store(), context: context(), files }.run());
    Ok(Started { plane, reloads, again })
}
