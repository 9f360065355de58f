//! The control plane of a process that has one, beside its proxy.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tollgate_control::last_use::LastUse;
use tollgate_control::model::Objects;
use tollgate_control::plane::{ControlPlane, ControlSettings};
use tollgate_control::scheduler::Scheduler;
use tollgate_control::{Publisher, Publishing, Reload};
use tollgate_core::{Clock, SnapshotReader};

/// Opens the store, publishes what it and the file hold, and has every later change of either
/// published and everything that is due done. Returns the control plane, and where a file that was
/// read anew goes.
///
/// # Errors
/// Whatever keeps the store from being opened, or its objects from being published.
pub(crate) async fn start(
    settings: ControlSettings,
    publisher: Publisher,
    file: Arc<Objects>,
    clock: &Arc<dyn Clock>,
    reader: SnapshotReader,
) -> Result<(Arc<ControlPlane>, mpsc::Sender<Reload>), Box<dyn std::error::Error>> {
    let (files, of_file) = watch::channel(file);
    let enforced = publisher.enforced();
    let plane = ControlPlane::open(settings, Arc::clone(clock), of_file, enforced, reader.clone());
    let (plane, committed) = plane.await?;
    let plane = Arc::new(plane);
    let store = Arc::clone(&plane.store);
    let publishing = Publishing::begin(publisher, store, Arc::clone(clock), files).await?;
    let (reloads, asked) = mpsc::channel(1);
    tokio::spawn(publishing.run(committed, asked));
    let (store, context) = (Arc::clone(&plane.store), Arc::clone(&plane));
    let context = Box::new(move || context.context());
    tokio::spawn(Scheduler { store, context, clock: Arc::clone(clock) }.run());
    tokio::spawn(LastUse::new(reader, Arc::clone(&plane.store), Arc::clone(clock)).run());
    Ok((plane, reloads))
}
