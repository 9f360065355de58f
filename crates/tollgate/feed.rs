//! A process that a remote control plane feeds: does what [`Subscriber`] says.

mod acts;
mod connection;
mod contact;
mod dialer;
mod kept;
mod metrics;
mod resting;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tollgate_control::model::Objects;
use tollgate_control::{Counters, PublisherMetrics};
use tollgate_core::{Clock, Revision};
use tollgate_feed::receive::Withheld;
use tollgate_feed::subscribe::{Event, Moment, Subscriber, Taken};
use tollgate_feed::wire::{Goodbye, GoodbyeReason, Held, ToControl};

use crate::boot::Failure;
use crate::config;
use connection::Connection;
use dialer::Dialer;
pub(crate) use kept::ACCEPT;
use kept::{Kept, withheld_text};
use metrics::FeedMetrics;
use resting::Place;
pub(crate) use resting::Resting;
pub(crate) use watching::{Watched, watch};

const TICK: Duration = Duration::from_millis(100);
/// How often meters of keys that are gone are looked at, in ticks.
const REAP: u64 = 100;
/// How often batches without a revocation are synced, in ticks.
const SYNC: u64 = 8;
/// How often a snapshot is asked for because the disk did not take what came, in the same.
const HEAL: u64 = 40;
/// From so many bytes on batches are replaced by a new snapshot.
const LONG_TAIL: u64 = 64 << 20;

/// A feed that is followed.
pub(crate) struct Feed {
    settings: config::Feed,
    environment: String,
    dialer: Arc<Dialer>,
    clock: Arc<dyn Clock>,
    metrics: FeedMetrics,
    publisher_metrics: PublisherMetrics,
    enforced: watch::Sender<Revision>,
    /// What was refused last because nobody who may has signed it.
    refusal: watch::Sender<Option<String>>,
    /// Away while a snapshot is fetched.
    kept: Option<Kept>,
    subscriber: Subscriber,
    connection: Option<Connection>,
    dialing: Option<JoinHandle<Result<Connection, String>>>,
    /// With what ends it early.
    fetching: Option<Fetching>,
    syncing: Option<JoinHandle<(Revision, std::io::Result<()>)>>,
    /// The newest revision that has to be on the disk, and is not asked for yet.
    to_sync: Option<Revision>,
    /// Told when what was withheld has become enforced, or other upstreams are in use.
    whole: (mpsc::UnboundedSender<()>, mpsc::UnboundedReceiver<()>),
    /// The lease as it is to be, in nanoseconds.
    lease: u64,
    /// When the lease was renewed while nothing could be written down, in milliseconds of the monotonic clock.
    contact: Option<u64>,
    ticks: u64,
}

/// Upstreams that have changed, to be published.
pub(crate) struct NewUpstreams {
    pub(crate) objects: Arc<Objects>,
    pub(crate) done: oneshot::Sender<Result<Revision, String>>,
}

type Fetched = (Held, Taken);

impl Feed {
    /// Where what is counted is known by names.
    ///
    /// # Errors
    /// While a snapshot is fetched.
    pub(crate) fn counters(&mut self) -> Result<&mut dyn Counters, Failure> {
        let kept = self.kept.as_mut().ok_or("a snapshot is being fetched")?;
        Ok(&mut kept.receiver)
    }

    /// Follows until it is told to stop. It can be gone on with then.
    ///
    /// # Errors
    /// If it has ended by itself.
    pub(crate) async fn follow(
        mut self,
        mut changes: mpsc::Receiver<NewUpstreams>,
        mut stop: oneshot::Receiver<()>,
    ) -> Result<Resting, String> {
        let mut enforced = self.enforced.subscribe();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let reads = self.subscriber.reads() && self.kept.is_some();
            tokio::select! {
                _ = &mut stop => break,
                _ = tick.tick() => self.tick(),
                Ok(()) = enforced.changed() => {
                    let revision = *enforced.borrow_and_update();
                    self.step(Event::Enforced(revision));
                }
                dialed = ended(&mut self.dialing) => {
                    self.dialing = None;
                    match dialed.unwrap_or_else(Err) {
                        Ok(connection) => {
                            self.connection = Some(connection);
                            self.step(Event::Opened);
                        }
                        Err(why) => self.step(Event::Closed(why)),
                    }
                }
                read = read(&mut self.connection), if reads => match read {
                    Ok(()) => self.hear(),
                    Err(why) => {
                        self.connection = None;
                        self.step(Event::Closed(why));
                    }
                },
                fetched = fetched(&mut self.fetching) => {
                    self.fetching = None;
                    self.fetched(fetched);
                    self.hear();
                }
                synced = ended(&mut self.syncing) => {
                    self.syncing = None;
                    self.synced(synced);
                }
                Some(()) = self.whole.1.recv() => {
                    let withheld = self.kept.as_ref().map(|kept| kept.receiver.withheld());
                    let withheld = withheld.unwrap_or_default();
                    self.step(Event::Withheld(withheld_text(&withheld)));
                }
                Some(change) = changes.recv(), if self.kept.is_some() => self.replace(change),
            }
            self.begin_sync();
        }
        self.end().await
    }

    fn tick(&mut self) {
        self.ticks += 1;
        self.step(Event::Tick);
        if self.ticks.is_multiple_of(REAP) {
            let unix = self.clock.now().unix();
            if let Some(kept) = &mut self.kept {
                kept.receiver.reap(unix);
            }
        }
        if self.ticks.is_multiple_of(SYNC) {
            self.look_at_kept();
        }
        self.metrics.connected.set(i64::from(self.subscriber.is_connected()));
        self.metrics.lag.set(i64::try_from(self.subscriber.lag()).unwrap_or(i64::MAX));
        let silence = match self.subscriber.heard() {
            Some(heard) => moment(&*self.clock).monotonic.saturating_sub(heard),
            None => moment(&*self.clock).monotonic,
        };
        self.metrics.last_contact.set(silence as f64 / 1000.0);
    }

    /// What is due now and then, about each second.
    fn look_at_kept(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        if kept.dirty && self.to_sync.is_none() {
            self.to_sync = kept.receiver.held().map(|held| held.revision);
        }
        let withheld = kept.receiver.withheld();
        self.metrics.withheld.set(i64::try_from(withheld.len()).unwrap_or(i64::MAX));
        let waits = withheld.iter().any(|withheld| matches!(withheld, Withheld::Absence { .. }));
        let long = kept.folder.tail_bytes() > LONG_TAIL
            || (kept.broken && self.ticks.is_multiple_of(HEAL * SYNC));
        if waits && kept.is_accepted() {
            let unix = self.clock.now().unix();
            let whole = self.whole.0.clone();
            let gone = kept.receiver.accept_absence(unix, move || {
                // Whoever hears of it may be gone.
                let _ = whole.send(());
            });
            tracing::warn!(gone, "an operator has accepted the absence of keys");
            // So that the disk says so too.
            self.renew();
        } else if long && self.subscriber.is_connected() && self.fetching.is_none() {
            self.renew();
        }
    }

    fn renew(&mut self) {
        let acts = self.subscriber.renew(moment(&*self.clock));
        self.perform(acts);
    }

    /// Takes what was said, as long as it is read on.
    fn hear(&mut self) {
        while self.subscriber.reads() && self.kept.is_some() {
            let Some(connection) = &mut self.connection else { return };
            match connection.next() {
                Ok(Some(said)) => {
                    self.step(Event::Arrived(Box::new(said)));
                }
                Ok(None) => return,
                Err(malformed) => {
                    self.connection = None;
                    self.step(Event::Closed(malformed.to_string()));
                }
            }
        }
    }

    fn step(&mut self, event: Event) {
        let acts = self.subscriber.step(event, moment(&*self.clock));
        self.perform(acts);
    }

    fn replace(&mut self, NewUpstreams { objects, done }: NewUpstreams) {
        let Some(kept) = &mut self.kept else { return };
        let revision = kept.receiver.held().map(|held| held.revision).unwrap_or_default();
        let whole = self.whole.0.clone();
        let replaced = kept.replace_upstreams(&objects, move || {
            // Whoever hears of it may be gone.
            let _ = whole.send(());
        });
        // Whoever asked may be gone.
        let _ = done.send(replaced.map(|()| revision));
    }

    fn note_published(&self, took: Duration) {
        let root = self.kept.as_ref().and_then(|kept| kept.receiver.current());
        let Some(root) = root else { return };
        self.publisher_metrics.note(took, root.keys.len());
        self.publisher_metrics.note_bytes(root.keys.bytes() + root.secrets.bytes());
    }

    fn note_unsigned(&mut self) {
        let Some(kept) = &self.kept else { return };
        if kept.unsigned.is_some() {
            self.subscriber.be_patient();
        }
        self.metrics.unsigned.set(i64::from(kept.unsigned.is_some()));
        self.refusal.send_replace(kept.unsigned.clone());
    }

    fn keys(&self) -> usize {
        let root = self.kept.as_ref().and_then(|kept| kept.receiver.current());
        root.map_or(0, |root| root.keys.len())
    }

    /// Says goodbye, leaves everything on the disk, and lets the folder go.
    async fn end(mut self) -> Result<Resting, String> {
        if let Some(connection) = &self.connection {
            let (reason, text) = (GoodbyeReason::ShuttingDown, "it ends".to_owned());
            connection.say(&ToControl::Goodbye(Goodbye { reason, text }));
            tokio::time::sleep(TICK).await;
        }
        if let Some((fetching, cancel)) = self.fetching.take() {
            // It is told unless it is done; what is being published is waited for.
            let _ = cancel.send(());
            let fetched = fetching.await.map_err(|error| error.to_string());
            self.fetched(fetched);
        }
        if let Some(dialing) = self.dialing.take() {
            dialing.abort();
        }
        let mut kept = self.kept.ok_or("the feed has ended")?;
        if let Err(error) = kept.let_go() {
            tracing::error!(%error, "what the feed has said cannot be kept");
        }
        let place = Place {
            settings: self.settings,
            clock: self.clock,
            metrics: self.metrics,
            publisher_metrics: self.publisher_metrics,
            enforced: self.enforced,
            refusal: self.refusal,
        };
        Ok(Resting::closed(place, self.environment, kept))
    }
}

/// Moves the newest revision that is enforced, and never back.
fn note_enforced(
    enforced: &watch::Sender<Revision>,
    metrics: &PublisherMetrics,
    revision: Revision,
) {
    enforced.send_if_modified(|newest| {
        let later = revision > *newest;
        if later {
            *newest = revision;
            metrics.note_enforced(revision);
        }
        later
    });
}

async fn read(connection: &mut Option<Connection>) -> Result<(), String> {
    match connection {
        Some(connection) => connection.read().await,
        None => std::future::pending().await,
    }
}

/// A snapshot that is being fetched, and what ends that.
type Fetching = (JoinHandle<(Kept, Result<Fetched, String>)>, oneshot::Sender<()>);

async fn fetched(
    fetching: &mut Option<Fetching>,
) -> Result<(Kept, Result<Fetched, String>), String> {
    match fetching {
        Some((task, _)) => task.await.map_err(|error| error.to_string()),
        None => std::future::pending().await,
    }
}

async fn ended<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, String> {
    match task {
        Some(task) => task.await.map_err(|error| error.to_string()),
        None => std::future::pending().await,
    }
}

fn moment(clock: &dyn Clock) -> Moment {
    let now = clock.now();
    Moment { monotonic: now.monotonic / 1_000_000, unix: now.unix_ms }
}

fn random() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
    Ok(u64::from_be_bytes(bytes))
}
