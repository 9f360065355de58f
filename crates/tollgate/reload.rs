//! A key change's road in a standalone process (design §4): file, objects, publisher, workers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{Gauge, IntCounterVec, Opts, Registry};
use tokio::signal::unix::Signal;
use tokio::sync::{Notify, mpsc, oneshot};
use tollgate_control::document::{Problems, Warnings};
use tollgate_control::model::Objects;
use tollgate_control::watch::Sight;
use tollgate_control::{Published, Publisher, PublishingError, Reload};
use tollgate_core::Clock;

use crate::config::{Config, Settings};
use crate::feed::NewUpstreams;
use crate::freed;
use crate::systemd;
use crate::trust::Trust;

/// How often meters of keys that are gone are looked at, and what was freed.
const REAP: Duration = Duration::from_secs(10);

/// Has the process decide from what its file says.
pub(crate) struct Reloader {
    pub(crate) path: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) snapshots: Snapshots,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: ReloadMetrics,
    pub(crate) trust: Trust,
}

/// What makes snapshots of what the file says.
pub(crate) enum Snapshots {
    /// Of the file alone.
    OfFile(Box<Publisher>),
    /// Of the file and a store, and what tells when the file is to be read again.
    OfFileAndStore(mpsc::Sender<Reload>, Arc<Notify>),
    /// Of a feed, to which the file gives the upstreams.
    OfFeed(mpsc::Sender<NewUpstreams>),
    /// Nothing does at present.
    Nothing,
}

/// What is counted of reloads.
pub(crate) struct ReloadMetrics {
    reloads: IntCounterVec,
    last_success: Gauge,
}

impl ReloadMetrics {
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let reloads = IntCounterVec::new(
            Opts::new(
                "tollgate_config_reloads_total",
                "Loads of the configuration, by what came of them.",
            ),
            &["result"],
        )?;
        let last_success = Gauge::new(
            "tollgate_config_last_success_timestamp_seconds",
            "When the configuration was last loaded without a problem, since 1970.",
        )?;
        for result in ["applied", "unchanged", "refused", "waiting"] {
            reloads.with_label_values(&[result]);
        }
        registry.register(Box::new(reloads.clone()))?;
        registry.register(Box::new(last_success.clone()))?;
        Ok(Self { reloads, last_success })
    }
}

impl Snapshots {
    /// Publishes `objects`.
    async fn publish(
        &mut self,
        objects: &Arc<Objects>,
        unix: u64,
        changed: Instant,
    ) -> Result<Published, Box<dyn std::error::Error>> {
        match self {
            Self::OfFile(publisher) => Ok(publisher.publish(objects, None, unix, changed)?),
            Self::OfFileAndStore(reloads, _) => {
                let (answer, answered) = oneshot::channel();
                let files = Arc::clone(objects);
                reloads.send(Reload { files, changed, answer }).await?;
                Ok(answered.await??)
            }
            Self::OfFeed(upstreams) => {
                let (done, published) = oneshot::channel();
                upstreams.send(NewUpstreams { objects: Arc::clone(objects), done }).await?;
                Ok(Published::Revision(published.await??))
            }
            Self::Nothing => Err("nothing is published at present".into()),
        }
    }

    /// Waits until a file that had to wait for other control planes can come into force.
    async fn again(&self) {
        match self {
            Self::OfFile(_) | Self::OfFeed(_) | Self::Nothing => std::future::pending().await,
            Self::OfFileAndStore(_, again) => again.notified().await,
        }
    }

    fn reap(&mut self, unix: u64) {
        if let Self::OfFile(publisher) = self {
            publisher.reap(unix);
        }
    }
}

impl Reloader {
    /// Publishes what `config` says.
    pub(crate) async fn apply(&mut self, config: &Config, changed: Instant) -> bool {
        let unix = self.clock.now().unix();
        let objects = &config.objects.objects;
        // Nothing is published that could not be spoken to.
        let published = match self.trust.prepare(objects) {
            Ok(()) => self.snapshots.publish(objects, unix, changed).await,
            Err(error) => Err(error.into()),
        };
        let published = published.inspect_err(|error| {
            tracing::error!(%error, "configuration refused; the one before goes on serving");
        });
        let result = match published {
            Ok(Published::Revision(revision)) => {
                let keys = config.objects.objects.keys.len();
                tracing::info!(revision = revision.number, keys, "configuration applied");
                "applied"
            }
            Ok(Published::Unchanged) => "unchanged",
            Err(error) => match error.downcast_ref() {
                Some(PublishingError::OtherFiles(_)) => "waiting",
                _ => "refused",
            },
        };
        self.metrics.reloads.with_label_values(&[result]).inc();
        let applied = matches!(result, "applied" | "unchanged");
        if applied {
            self.trust.settle(&config.objects.objects);
            self.metrics.last_success.set(unix as f64);
        }
        applied
    }

    /// Notes that what was read at the start is published.
    pub(crate) fn note_start(&self) {
        self.metrics.reloads.with_label_values(&["applied"]).inc();
        self.metrics.last_success.set(self.clock.now().unix() as f64);
    }

    /// Takes what makes snapshots of the file, if it is of the file alone.
    pub(crate) fn take_publisher(&mut self) -> Option<Box<Publisher>> {
        match std::mem::replace(&mut self.snapshots, Snapshots::Nothing) {
            Snapshots::OfFile(publisher) => Some(publisher),
            Snapshots::OfFileAndStore(..) | Snapshots::OfFeed(_) | Snapshots::Nothing => None,
        }
    }

    /// Reloads whenever the files change or a hang-up asks for it, until it is told to stop; then it
    /// can be told to go on with what is returned.
    pub(crate) async fn watch(
        mut self,
        mut config: Config,
        mut hang_up: Signal,
        mut stop: oneshot::Receiver<()>,
    ) -> (Self, Config, Signal) {
        // What changed while the process started was not looked at before it was read: it is read
        // once more.
        let mut seen = Sight::default();
        loop {
            let watched = config.watched(&self.path);
            let mut told = false;
            let changed = tokio::select! {
                _ = &mut stop => return (self, config, hang_up),
                changed = watched.changed(&seen) => changed,
                _ = hang_up.recv() => {
                    told = true;
                    systemd::reloading();
                    Instant::now()
                }
                () = self.snapshots.again() => Instant::now(),
                () = tokio::time::sleep(REAP) => {
                    self.snapshots.reap(self.clock.now().unix());
                    freed::give_back();
                    continue;
                }
            };
            // Looked at before it is read, so that a change in between is another change.
            seen = watched.look();
            match self.read().await {
                Some(Ok((read, warnings))) => {
                    log_warnings(&warnings);
                    if self.apply(&read, changed).await {
                        // Nor was a folder looked at that was not known before.
                        if read.objects.keys_folder != config.objects.keys_folder {
                            seen = Sight::default();
                        }
                        config = read;
                    }
                }
                Some(Err(problems)) => self.refuse(&problems),
                None => {}
            }
            if told {
                systemd::serving();
            }
        }
    }

    /// Reads the file on a thread that may block.
    async fn read(&self) -> Option<Result<(Config, Warnings), Problems>> {
        let (path, settings) = (self.path.clone(), self.settings.clone());
        let trusted = self.trust.used();
        let now = i64::try_from(self.clock.now().unix()).unwrap_or(i64::MAX);
        let read = move || Config::reload(&path, now, &settings, &trusted);
        let read = tokio::task::spawn_blocking(read).await;
        read.inspect_err(|error| tracing::error!(%error, "the configuration was not read")).ok()
    }

    fn refuse(&self, problems: &Problems) {
        for problem in problems.iter() {
            tracing::error!(%problem, "configuration refused");
        }
        tracing::error!(
            problems = problems.len(),
            "the configuration has problems; the one before goes on serving"
        );
        self.metrics.reloads.with_label_values(&["refused"]).inc();
    }
}

pub(crate) fn log_warnings(warnings: &Warnings) {
    for warning in warnings.iter() {
        tracing::warn!(%warning, "configuration");
    }
}
