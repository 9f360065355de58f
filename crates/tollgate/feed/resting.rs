//! A feed that is not followed: its folder is another process's to have, and it can be gone on with.

use std::sync::Arc;
use std::time::Instant;

use prometheus::Registry;
use tokio::sync::{mpsc, watch};
use tollgate_control::model::Objects;
use tollgate_control::{Counters, PublisherMetrics};
use tollgate_core::{Clock, Now, Revision, SnapshotWriter};
use tollgate_feed::subscribe::{Event, Subscriber, SubscriberSettings};

use super::dialer::Dialer;
use super::kept::{Kept, Unopened};
use super::metrics::FeedMetrics;
use super::{Feed, moment, note_enforced, random};
use crate::boot::Failure;
use crate::config;

/// What a feed has whether it is followed or not.
pub(super) struct Place {
    pub(super) settings: config::Feed,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: FeedMetrics,
    pub(super) publisher_metrics: PublisherMetrics,
    pub(super) enforced: watch::Sender<Revision>,
    pub(super) refusal: watch::Sender<Option<String>>,
}

/// A feed that is not followed.
pub(crate) struct Resting {
    place: Place,
    environment: String,
    held: Held,
}

enum Held {
    /// Nothing was published yet.
    Nothing(Box<Unopened>),
    /// The folder was let go of.
    Kept(Box<Kept>),
}

impl Resting {
    /// One that was never followed.
    ///
    /// # Errors
    /// If its keys cannot be used.
    pub(crate) fn new(
        settings: config::Feed,
        objects: &Objects,
        writer: SnapshotWriter,
        clock: Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let held = Held::Nothing(Box::new(Unopened::new(&settings, objects, writer)?));
        let place = Place {
            settings,
            clock,
            metrics: FeedMetrics::register(registry)?,
            publisher_metrics: PublisherMetrics::register(registry)?,
            enforced: watch::Sender::new(Revision::default()),
            refusal: watch::Sender::default(),
        };
        Ok(Self { place, environment: objects.environment.0.to_string(), held })
    }

    pub(super) fn closed(place: Place, environment: String, kept: Kept) -> Self {
        Self { place, environment, held: Held::Kept(Box::new(kept)) }
    }

    /// The newest revision that every worker enforces.
    pub(crate) fn enforced(&self) -> watch::Receiver<Revision> {
        self.place.enforced.subscribe()
    }

    /// What was refused last because nobody who may has signed it, while that is so.
    pub(crate) fn refusal(&self) -> watch::Receiver<Option<String>> {
        self.place.refusal.subscribe()
    }

    /// Where what is counted is known by names.
    pub(crate) fn counters(&mut self) -> &mut dyn Counters {
        match &mut self.held {
            Held::Nothing(unopened) => &mut unopened.receiver,
            Held::Kept(kept) => &mut kept.receiver,
        }
    }

    /// Has the folder, publishes what is there if nothing is published yet, and is ready to follow.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub(crate) async fn open(self) -> Result<Feed, Failure> {
        let Self { place, environment, held } = self;
        let (began, is_first) = (Instant::now(), matches!(held, Held::Nothing(_)));
        let kept = match held {
            Held::Nothing(unopened) => {
                let mut kept = Kept::open(&place.settings, *unopened)?;
                kept.restore()?;
                kept
            }
            Held::Kept(mut kept) => {
                kept.take_again().await.map_err(|error| format!("feed.folder: {error}"))?;
                *kept
            }
        };
        let Place { settings, clock, metrics, publisher_metrics, enforced, refusal } = place;
        let now = moment(&*clock);
        let held = kept.receiver.held();
        let ago = kept.contact_ago(now.unix);
        if let Some(unix_ms) = kept.told_time(ago).filter(|_| is_first) {
            kept.receiver.time_is(Now { unix_ms, ..clock.now() });
        }
        let subscriber_settings = SubscriberSettings {
            name: settings.name.clone(),
            instance: random()?,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            environment: environment.clone(),
            region: settings.region.clone(),
            schemes: kept.schemes.clone(),
            serve_for: settings.serve_for.map(|serve_for| serve_for.as_secs()),
        };
        let (subscriber, acts) = Subscriber::new(subscriber_settings, random()?, held, ago, now);
        let mut feed = Feed {
            dialer: Arc::new(Dialer::new(settings.reach.clone())),
            settings,
            environment,
            clock,
            metrics,
            publisher_metrics,
            enforced,
            refusal,
            kept: Some(kept),
            subscriber,
            connection: None,
            dialing: None,
            fetching: None,
            syncing: None,
            to_sync: None,
            whole: mpsc::unbounded_channel(),
            lease: u64::MAX,
            contact: None,
            ticks: 0,
        };
        feed.perform(acts);
        feed.note_unsigned();
        if let Some(held) = held.filter(|_| is_first) {
            feed.note_published(began.elapsed());
            // No worker has begun, so each begins with it.
            note_enforced(&feed.enforced, &feed.publisher_metrics, held.revision);
            tracing::info!(
                revision = held.revision.number,
                keys = feed.keys(),
                took = ?began.elapsed(),
                "started from the last known good"
            );
        }
        let enforced = *feed.enforced.borrow();
        if enforced != Revision::default() {
            feed.step(Event::Enforced(enforced));
        }
        Ok(feed)
    }
}
