//! What has the process decide: the file, and with a control plane the store too, or the feed of another
//! one. It can be stopped, so that another process takes over or after all does not, and go on.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tollgate_control::admin::{Admin, Ending, Handshake};
use tollgate_control::model::Objects;
use tollgate_control::{Counters, Publisher};

use crate::boot::Failure;
use crate::config::Config;
use crate::control::{Opened, Parts, Started};
use crate::feed::{Feed, Resting};
use crate::reload::{Reloader, Snapshots};

/// What is there without anything happening: no store or folder is open, no file is looked at.
pub(crate) struct Still {
    pub(crate) reloader: Reloader,
    pub(crate) config: Config,
    pub(crate) hang_up: Signal,
    pub(crate) source: Source,
    /// Whether anything was published.
    pub(crate) published: bool,
}

/// Where snapshots come from, while nothing comes.
pub(crate) enum Source {
    /// The file.
    File(Box<Publisher>),
    /// The file and a store.
    FileAndStore(Box<Publisher>, Box<Control>),
    /// A feed.
    Feed(Box<Resting>),
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
    File(Box<Publisher>),
    FileAndStore(Box<Opened>, Door),
    Feed(Box<Feed>),
}

/// Changes that are followed.
pub(crate) struct Changes {
    reloads: JoinHandle<(Reloader, Config, Signal)>,
    stop: oneshot::Sender<()>,
    followed: Followed,
}

/// What is followed beside the file.
enum Followed {
    Nothing,
    Store(Box<Running>),
    Feed { following: JoinHandle<Result<Resting, String>>, stop: oneshot::Sender<()> },
}

struct Running {
    started: Started,
    admin: JoinHandle<()>,
    ending: Ending,
    door: Door,
}

impl Source {
    /// Where what is counted is known by names.
    pub(crate) fn counters(&mut self) -> &mut dyn Counters {
        match self {
            Self::File(publisher) | Self::FileAndStore(publisher, _) => &mut **publisher,
            Self::Feed(resting) => resting.counters(),
        }
    }

    /// Whether it is a file alone.
    pub(crate) fn is_a_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl Still {
    /// Opens the store or the folder, if there is one, and publishes what there is.
    ///
    /// # Errors
    /// Whatever keeps it from that.
    pub(crate) async fn open(self) -> Result<Open, Failure> {
        let Self { mut reloader, config, hang_up, source, published } = self;
        let snapshots = match source {
            Source::FileAndStore(publisher, control) => {
                let Control { parts, file, door } = *control;
                let opened = parts.open(*publisher, file).await?;
                if !published {
                    reloader.note_start();
                }
                OpenSnapshots::FileAndStore(Box::new(opened), door)
            }
            Source::Feed(resting) => {
                let feed = resting.open().await?;
                if !published {
                    reloader.note_start();
                }
                OpenSnapshots::Feed(Box::new(feed))
            }
            Source::File(publisher) => {
                reloader.snapshots = Snapshots::OfFile(publisher);
                if !published && !reloader.apply(&config, Instant::now()).await {
                    return Err("the configuration cannot be published".into());
                }
                let publisher = reloader.take_publisher().ok_or("there is no publisher")?;
                OpenSnapshots::File(publisher)
            }
        };
        Ok(Open { reloader, config, hang_up, snapshots })
    }
}

impl Open {
    /// Where what is counted is known by names.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) fn counters(&mut self) -> Result<&mut dyn Counters, Failure> {
        match &mut self.snapshots {
            OpenSnapshots::File(publisher) => Ok(&mut **publisher),
            OpenSnapshots::FileAndStore(opened, _) => Ok(opened.publishing.publisher()?),
            OpenSnapshots::Feed(feed) => feed.counters(),
        }
    }

    /// Follows changes, of the file and over the admin API or the feed.
    ///
    /// # Errors
    /// If the listener of the admin API cannot be used.
    pub(crate) fn run(self) -> Result<Changes, Failure> {
        let Self { mut reloader, config, hang_up, snapshots } = self;
        let followed = match snapshots {
            OpenSnapshots::File(publisher) => {
                reloader.snapshots = Snapshots::OfFile(publisher);
                Followed::Nothing
            }
            OpenSnapshots::FileAndStore(opened, door) => {
                let started = opened.run();
                let (reloads, again) = (started.reloads.clone(), Arc::clone(&started.again));
                reloader.snapshots = Snapshots::OfFileAndStore(reloads, again);
                let listener = tokio::net::TcpListener::from_std(door.listener.try_clone()?)?;
                let admin = Admin::new(started.plane(), listener, door.handshake.clone());
                let ending = Ending::new();
                let admin = tokio::spawn(admin.serve(ending.clone()));
                Followed::Store(Box::new(Running { started, admin, ending, door }))
            }
            OpenSnapshots::Feed(feed) => {
                let (upstreams, changes) = mpsc::channel(1);
                reloader.snapshots = Snapshots::OfFeed(upstreams);
                let (stop, stopped) = oneshot::channel();
                Followed::Feed { following: tokio::spawn(feed.follow(changes, stopped)), stop }
            }
        };
        let (stop, stopped) = oneshot::channel();
        let reloads = tokio::spawn(reloader.watch(config, hang_up, stopped));
        Ok(Changes { reloads, stop, followed })
    }
}

impl Changes {
    /// Has whatever changes at present come to its end, and then nothing change any more: requests of
    /// the admin API are answered, the store is closed, the feed's folder is let go of.
    ///
    /// # Errors
    /// If it cannot be stopped.
    pub(crate) async fn stop(self) -> Result<Still, Failure> {
        let Self { reloads, stop, followed } = self;
        // It may have ended already.
        let _ = stop.send(());
        let (mut reloader, config, hang_up) = reloads.await?;
        let taken = reloader.take_publisher();
        let source = match followed {
            Followed::Store(running) => {
                let Running { started, admin, ending, door } = *running;
                ending.end();
                admin.await?;
                let (parts, publisher, file) = started.stop().await?;
                let control = Control { parts, file, door };
                Source::FileAndStore(Box::new(publisher), Box::new(control))
            }
            Followed::Feed { following, stop } => {
                // Likewise.
                let _ = stop.send(());
                Source::Feed(Box::new(following.await??))
            }
            Followed::Nothing => Source::File(taken.ok_or("there is no publisher")?),
        };
        Ok(Still { reloader, config, hang_up, source, published: true })
    }
}
