//! What is to be done, done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tollgate_core::{Now, Revision};
use tollgate_feed::subscribe::{Act, Alarm, Event};
use tollgate_feed::wire::{SentBatch, SnapshotOffer};

use super::connection::Requests;
use super::kept::Kept;
use super::{Feed, Fetched, moment, note_enforced};

impl Feed {
    pub(super) fn perform(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Connect => {
                    self.dialing = Some(tokio::spawn(Arc::clone(&self.dialer).dial()));
                }
                Act::Close => {
                    self.connection = None;
                    if let Some(dialing) = self.dialing.take() {
                        dialing.abort();
                    }
                }
                Act::Send(message) => {
                    let said = self.connection.as_ref().is_none_or(|to| to.say(&message));
                    if !said {
                        self.connection = None;
                        self.step(Event::Closed("the control plane does not read".to_owned()));
                    }
                }
                Act::Publish(batch) => self.publish(*batch),
                Act::Fetch(offer) => self.fetch(offer),
                Act::Lease(ends) => {
                    self.lease = ends.map_or(u64::MAX, |ends| ends.saturating_mul(1_000_000));
                    self.apply_lease();
                }
                Act::Time(unix_ms) => {
                    if let Some(kept) = &self.kept {
                        kept.receiver.time_is(Now { unix_ms, ..self.clock.now() });
                    }
                }
                Act::Contact(at) => self.note_contact(at),
                Act::Tell(alarm) => self.tell(&alarm),
            }
        }
    }

    pub(super) fn apply_lease(&self) {
        if let Some(kept) = &self.kept {
            kept.receiver.lease_until(self.lease);
        }
    }

    pub(super) fn tell(&self, alarm: &Alarm) {
        self.metrics.alarms.inc();
        match alarm {
            Alarm::Refused(..) | Alarm::Malformed(_) => tracing::error!(%alarm, "feed"),
            _ => tracing::warn!(%alarm, "feed"),
        }
    }

    pub(super) fn publish(&mut self, batch: SentBatch) {
        let Some(kept) = &mut self.kept else { return };
        let began = Instant::now();
        let (revision, published) = (batch.revision, batch.published);
        let (enforced, metrics, clock) =
            (self.enforced.clone(), self.publisher_metrics.clone(), Arc::clone(&self.clock));
        let done = move || {
            // From the instant at which the control plane published it, by both wall clocks.
            let took = clock.now().unix_ms.saturating_sub(published);
            metrics.note_propagation(Duration::from_millis(took));
            note_enforced(&enforced, &metrics, revision);
        };
        let taken = kept.batch(batch, done);
        self.note_unsigned();
        match taken {
            Ok(taken) => {
                if taken.to_sync {
                    self.to_sync = Some(revision);
                }
                self.note_published(began.elapsed());
                self.step(Event::Published(revision, Ok(taken)));
            }
            Err(unfit) => self.step(Event::Published(revision, Err(unfit))),
        }
    }

    pub(super) fn fetch(&mut self, offer: SnapshotOffer) {
        let requests = self.connection.as_ref().map(|connection| connection.requests.clone());
        let (Some(requests), Some(kept)) = (requests, self.kept.take()) else {
            return self.step(Event::Fetched(Err("there is no connection".to_owned())));
        };
        tracing::info!(revision = offer.revision.number, keys = offer.keys, "fetching a snapshot");
        let (enforced, metrics) = (self.enforced.clone(), self.publisher_metrics.clone());
        let (cancel, cancelled) = oneshot::channel();
        let fetching = fetch((requests, cancelled), offer, kept, move |revision| {
            note_enforced(&enforced, &metrics, revision);
        });
        self.fetching = Some((tokio::spawn(fetching), cancel));
    }

    pub(super) fn fetched(&mut self, fetched: Result<(Kept, Result<Fetched, String>), String>) {
        match fetched {
            Ok((kept, fetched)) => {
                self.kept = Some(kept);
                self.note_unsigned();
                self.apply_lease();
                if let Some(at) = self.contact.take() {
                    self.note_contact(at);
                }
                let revision = fetched.as_ref().ok().map(|(held, _)| held.revision);
                if let Some(revision) = revision {
                    self.note_published(Duration::ZERO);
                    tracing::info!(
                        revision = revision.number,
                        keys = self.keys(),
                        "snapshot applied"
                    );
                }
                self.step(Event::Fetched(fetched));
                let is_kept = self.kept.as_ref().is_some_and(|kept| !kept.broken);
                if let Some(revision) = revision.filter(|_| is_kept) {
                    self.step(Event::Synced(revision));
                }
            }
            // What publishes is gone with it: nothing can be told any more.
            Err(error) => tracing::error!(%error, "the feed has ended"),
        }
    }

    /// Has the disk asked for what waits for it.
    pub(super) fn begin_sync(&mut self) {
        if self.syncing.is_some() {
            return;
        }
        let kept = self.kept.as_mut().filter(|kept| !kept.broken);
        let (Some(revision), Some(kept)) = (self.to_sync, kept) else { return };
        self.to_sync = None;
        kept.dirty = false;
        let revision = kept.receiver.held().map_or(revision, |held| held.revision);
        let file = kept.folder.tail_file();
        self.syncing = Some(tokio::task::spawn_blocking(move || {
            (revision, file.and_then(|file| file.sync_data()))
        }));
    }

    pub(super) fn synced(&mut self, synced: Result<(Revision, std::io::Result<()>), String>) {
        match synced {
            Ok((revision, Ok(()))) => self.step(Event::Synced(revision)),
            Ok((revision, Err(error))) => {
                tracing::error!(%error, "what the feed says cannot be kept; it is not acknowledged");
                self.to_sync = Some(revision);
            }
            Err(error) => tracing::error!(%error, "what the feed says was not kept"),
        }
    }

    pub(super) fn note_contact(&mut self, at: u64) {
        let now = moment(&*self.clock);
        let ago = now.monotonic.saturating_sub(at);
        let often = self.settings.serve_for.map_or(Duration::from_secs(60), |serve_for| {
            Duration::from_secs(60).min(serve_for / 10)
        });
        let Some(kept) = &mut self.kept else {
            // A snapshot is enforced before it is on the disk.
            self.contact = Some(at);
            return;
        };
        if let Err(error) = kept.note_contact(now.unix, ago, often) {
            tracing::warn!(%error, "when the control plane was heard of cannot be kept");
        }
    }
}

async fn fetch(
    (requests, cancelled): (Requests, oneshot::Receiver<()>),
    offer: SnapshotOffer,
    kept: Kept,
    enforced: impl Fn(Revision) + Send + Sync + 'static,
) -> (Kept, Result<Fetched, String>) {
    let mut incoming = match kept.folder.incoming() {
        Ok(incoming) => incoming,
        Err(error) => return (kept, Err(error.to_string())),
    };
    let fetched = tokio::select! {
        fetched = requests.fetch(&offer.etag, &mut incoming) => fetched,
        _ = cancelled => Err("it ends".to_owned()),
    };
    if let Err(error) = fetched {
        return (kept, Err(error));
    }
    kept.snapshot(incoming, offer, enforced).await
}
