//! What has the process decide: the file, and with a control plane the store too. It can be stopped,
//! so that another process takes over or after all does not, and go on.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use tokio::signal::unix::Signal;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tollgate_control::Publisher;
use tollgate_control::admin::{Admin, Ending, Handshake};
use tollgate_control::model::Objects;

use crate::boot::Failure;
use crate::config::Config;
use crate::control::{Opened, Parts, Started};
use crate::reload::{Reloader, Snapshots};

/// What is there without anything happening: no store is open, no file is looked at.
pub(crate) struct Still {
    pub(crate) reloader: Reloader,
    pub(crate) config: Config,
    pub(crate) hang_up: Signal,
    pub(crate) publisher: Publisher,
    pub(crate) control: Option<Control>,
    /// Whether anything was published.
    pub(crate) published: bool,
}

/// A control plane that is not open.
pub(crate) struct Control {
    pub(crate) parts: Parts,
    /// What files say.
    pub(crate) file: Arc<Objects>,
    pub(crate) door: Door,
}

/// Where the admin API listens.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) handshake: Option<Handshake>,
}

/// What is published, in which nothing changes yet.
pub(crate) struct Open {
    reloader: Reloader,
    config: Config,
    hang_up: Signal,
    snapshots: OpenSnapshots,
}

enum OpenSnapshots {
    OfFile(Box<Publisher>),
    OfFileAndStore(Box<Opened>, Door),
}

/// Changes that are followed.
pub(crate) struct Changes {
    reloads: JoinHandle<(Reloader, Config, Signal)>,
    stop: oneshot::Sender<()>,
    control: Option<Running>,
}

struct Running {
    started: Started,
    admin: JoinHandle<()>,
    ending: Ending,
    door: Door,
}

impl Still {
    /// Opens the store, if there is one, and publishes what there is.
    ///
    /// # Errors
    /// Whatever keeps it from that.
    pub(crate) async fn open(self) -> Result<Open, Failure> {
        let Self { mut reloader, config, hang_up, publisher, control, published } = self;
        let snapshots = match control {
            Some(Control { parts, file, door }) => {
                let opened = parts.open(publisher, file).await?;
                if !published {
                    reloader.note_start();
                }
                OpenSnapshots::OfFileAndStore(Box::new(opened), door)
            }
            None => {
                reloader.snapshots = Snapshots::OfFile(Box::new(publisher));
                if !published && !reloader.apply(&config, Instant::now()).await {
                    return Err("the configuration cannot be published".into());
                }
                let publisher = reloader.take_publisher().ok_or("there is no publisher")?;
                OpenSnapshots::OfFile(publisher)
            }
        };
        Ok(Open { reloader, config, hang_up, snapshots })
    }
}

impl Open {
    /// What makes the snapshots.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn publisher(&mut self) -> Result<&mut Publisher, Failure> {
        match &mut self.snapshots {
            OpenSnapshots::OfFile(publisher) => Ok(publisher),
            OpenSnapshots::OfFileAndStore(opened, _) => Ok(opened.publishing.publisher()?),
        }
    }

    /// Follows changes, of the file and over the admin API.
    ///
    /// # Errors
    /// If the listener of the admin API cannot be used.
    pub(crate) fn run(self) -> Result<Changes, Failure> {
        let Self { mut reloader, config, hang_up, snapshots } = self;
        let control = match snapshots {
            OpenSnapshots::OfFile(publisher) => {
                reloader.snapshots = Snapshots::OfFile(publisher);
                None
            }
            OpenSnapshots::OfFileAndStore(opened, door) => {
                let started = opened.run();
                let (reloads, again) = (started.reloads.clone(), Arc::clone(&started.again));
                reloader.snapshots = Snapshots::OfFileAndStore(reloads, again);
                let listener = tokio::net::TcpListener::from_std(door.listener.try_clone()?)?;
                let admin = Admin::new(started.plane(), listener, door.handshake.clone());
                let ending = Ending::new();
                let admin = tokio::spawn(admin.serve(ending.clone()));
                Some(Running { started, admin, ending, door })
            }
        };
        let (stop, stopped) = oneshot::channel();
        let reloads = tokio::spawn(reloader.watch(config, hang_up, stopped));
        Ok(Changes { reloads, stop, control })
    }
}

impl Changes {
    /// Has whatever changes at present come to its end, and then nothing change any more: requests of
    /// the admin API are answered, the store is closed.
    ///
    /// # Errors
    /// If it cannot be stopped.
    pub(crate) async fn stop(self) -> Result<Still, Failure> {
        let Self { reloads, stop, control } = self;
        // It may have ended already.
        let _ = stop.send(());
        let (mut reloader, config, hang_up) = reloads.await?;
        let taken = reloader.take_publisher();
        let (publisher, control) = match (control, taken) {
            (Some(Running { started, admin, ending, door }), _) => {
                ending.end();
                admin.await?;
                let (parts, publisher, file) = started.stop().await?;
                (publisher, Some(Control { parts, file, door }))
            }
            (None, Some(publisher)) => (*publisher, None),
            (None, None) => return Err("there is no publisher".into()),
        };
        Ok(Still { reloader, config, hang_up, publisher, control, published: true })
    }
}
