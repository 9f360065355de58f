//! The one publisher: holds objects against the present snapshot and publishes the difference.

mod kept;
mod ledger;
mod metrics;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tollgate_core::{Batch, Brand, Clock, Revision, Root, Scheme, Schemes, SnapshotWriter};
use tollgate_feed::sign::SigningKey;
use tollgate_feed::wire::{SentScheme, SentSchemes};

use crate::compile::{self, GivenNumbers, Numbers, RoutePlan, Upstreams};
use crate::feed::{FeedMetrics, KeyFeed, Present, Publication, sent_scheme};
use crate::model::{DigestSchemes, Key, Name, Objects, SchemeSettings};

use ledger::Ledger;
pub(crate) use ledger::SharedNames;
pub use metrics::PublisherMetrics;

/// Why objects were not published. The snapshot stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// All lines of the process's meters are in use.
    MetersExhausted,
    /// The objects contradict each other, which a checked source never does.
    Inconsistent,
}

impl std::fmt::Display for PublishError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MetersExhausted => "there are more keys and limited methods than meters",
            Self::Inconsistent => "the objects refer to objects that are not there",
        })
    }
}

impl std::error::Error for PublishError {}

/// What publishing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The snapshot says all of it already.
    Unchanged,
    /// A revision was stored. It is enforced when [`Publisher::enforced`] has reached it.
    Revision(Revision),
}

/// Makes snapshots out of objects.
#[derive(Debug)]
pub struct Publisher {
    writer: SnapshotWriter,
    numbers: Numbers,
    upstreams: Upstreams,
    routes: RoutePlan,
    ledger: Ledger,
    /// The schemes of the present snapshot, told apart by their peppers' fingerprints.
    schemes: Option<SchemeMarks>,
    epoch: u64,
    metrics: PublisherMetrics,
    enforced: watch::Sender<Revision>,
    given: watch::Sender<Arc<GivenNumbers>>,
    /// Where remote proxies hear of what is published.
    feed: Option<Arc<KeyFeed>>,
}

type SchemeMarks = ([Option<(&'static str, [u8; 8])>; 2], Option<Brand>);

impl Publisher {
    /// A publisher whose history begins with `epoch`.
    #[must_use]
    pub fn new(writer: SnapshotWriter, epoch: u64, metrics: PublisherMetrics) -> Self {
        Self {
            writer,
            numbers: Numbers::default(),
            upstreams: Upstreams::default(),
            routes: RoutePlan::default(),
            ledger: Ledger::default(),
            schemes: None,
            epoch,
            metrics,
            enforced: watch::Sender::new(Revision::default()),
            given: watch::Sender::default(),
            feed: None,
        }
    }

    /// The newest revision that every worker enforces.
    #[must_use]
    pub fn enforced(&self) -> watch::Receiver<Revision> {
        self.enforced.subscribe()
    }

    /// The numbers by which snapshots know services, endpoints and methods.
    #[must_use]
    pub fn given(&self) -> watch::Receiver<Arc<GivenNumbers>> {
        self.given.subscribe()
    }

    /// What remote proxies are told, from the first snapshot on: to be asked for before it. Snapshots for
    /// proxies stand in `folder`, nameless. `signer` signs all that they are told.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn feed(
        &mut self,
        environment: &str,
        (folder, signer): (&Path, Option<Arc<SigningKey>>),
        clock: Arc<dyn Clock>,
        metrics: FeedMetrics,
    ) -> Result<Arc<KeyFeed>, getrandom::Error> {
        if let Some(feed) = &self.feed {
            return Ok(Arc::clone(feed));
        }
        let names = self.ledger.share_names();
        let place = (folder.to_owned(), signer);
        let feed = KeyFeed::new(environment.to_owned(), place, names, clock, metrics)?;
        Ok(Arc::clone(self.feed.insert(Arc::new(feed))))
    }

    /// What remote proxies are told, if they are told anything.
    pub(crate) fn told(&self) -> Option<Arc<KeyFeed>> {
        self.feed.clone()
    }

    /// Publishes the difference between `objects` and the present snapshot, as one revision: the
    /// next one, or the one that the store has given, which is published even if nothing differs.
    /// `unix` is the present second since 1970, `changed` the instant at which the change became
    /// known.
    ///
    /// # Errors
    /// See [`PublishError`]; nothing has changed then.
    pub fn publish(
        &mut self,
        objects: &Objects,
        revision: Option<Revision>,
        unix: u64,
        changed: Instant,
    ) -> Result<Published, PublishError> {
        let began = Instant::now();
        let present = self.writer.current();
        let routes = self.plan_routes(objects)?;
        let (ledger, writer) = (&mut self.ledger, &mut self.writer);
        let compiled =
            compile::all(objects, &mut self.numbers, |key, terms| ledger.key(writer, key, terms));
        let compiled = compiled.ok_or(PublishError::MetersExhausted)?;
        self.numbers.keep(&compiled);
        let mut batch = compile::difference(present.as_deref(), &compiled);
        if present.is_none() || routes != self.routes {
            batch.routes = Some(Arc::new(routes.build(&self.upstreams)));
        }
        let marks = Some((marks(&objects.digests), objects.key_brand.clone()));
        if self.schemes != marks {
            let schemes = objects.schemes().ok_or(PublishError::Inconsistent)?;
            batch.schemes = Some(Arc::new(schemes));
        }
        if present.is_some() && batch.is_empty() && revision.is_none() {
            return Ok(Published::Unchanged);
        }
        self.routes = routes;
        self.schemes = marks;
        let revision = self.store(present.as_deref(), batch, revision, unix, changed);
        self.ledger.note_all(&mut self.writer, objects, unix);
        self.metrics.note(began.elapsed(), objects.keys.len());
        Ok(Published::Revision(revision))
    }

    fn plan_routes(&mut self, objects: &Objects) -> Result<RoutePlan, PublishError> {
        let (ledger, writer) = (&mut self.ledger, &mut self.writer);
        let routes = RoutePlan::of(objects, &mut self.numbers, &mut self.upstreams, |service| {
            ledger.service(writer, service)
        });
        routes.ok_or(PublishError::Inconsistent)
    }

    /// Publishes what has become of services, as one revision, whatever the number of keys. Of
    /// `objects` everything else is as it was last published, and of the keys those are there that
    /// services name; what the services ask of the secrets of keys has not changed.
    ///
    /// # Errors
    /// See [`PublishError`]; nothing has changed then.
    pub fn publish_services(
        &mut self,
        objects: &Objects,
        revision: Revision,
        unix: u64,
        changed: Instant,
    ) -> Result<Published, PublishError> {
        let began = Instant::now();
        let present = self.writer.current().ok_or(PublishError::Inconsistent)?;
        let routes = self.plan_routes(objects)?;
        let mut batch = Batch::default();
        if routes != self.routes {
            batch.routes = Some(Arc::new(routes.build(&self.upstreams)));
        }
        self.routes = routes;
        let revision = self.store(Some(&present), batch, Some(revision), unix, changed);
        self.ledger.note_services(&mut self.writer, objects, unix);
        self.metrics.note(began.elapsed(), present.keys.len());
        Ok(Published::Revision(revision))
    }

    /// Publishes what has become of some keys and applications, as one revision, whatever the number
    /// of all others. `counted` has all keys that count under a name, by that name: none = they are
    /// gone. `applications` says of each whether its keys work as far as their owners go; `None` = it
    /// is gone, and its keys with it. Of `objects` everything else is as it was last published.
    ///
    /// # Errors
    /// See [`PublishError`]; nothing has changed then.
    pub fn publish_keys<'a>(
        &mut self,
        objects: &Objects,
        counted: &[(Name, Vec<Key>)],
        applications: impl Iterator<Item = (&'a Name, Option<bool>)>,
        revision: Revision,
        unix: u64,
        changed: Instant,
    ) -> Result<Published, PublishError> {
        let began = Instant::now();
        let present = self.writer.current().ok_or(PublishError::Inconsistent)?;
        let (ledger, writer) = (&mut self.ledger, &mut self.writer);
        let mut gone = Vec::new();
        for (name, keys) in counted {
            gone.extend(ledger.gone(name, keys));
        }
        let keys = counted.iter().flat_map(|(_, keys)| keys);
        let compiled = compile::keys(objects, keys, &mut self.numbers, |key, terms| {
            ledger.key(writer, key, terms)
        });
        let compiled = compiled.ok_or(PublishError::MetersExhausted)?;
        let mut batch = compile::difference_of_keys(&present, &compiled, &gone);
        compile::difference_of_owners(&present, applications, &mut self.numbers, &mut batch);
        let revision = self.store(Some(&present), batch, Some(revision), unix, changed);
        for (name, keys) in counted {
            self.ledger.note(&mut self.writer, name, keys, unix);
        }
        let keys = self.writer.current().map_or(0, |root| root.keys.len());
        self.metrics.note(began.elapsed(), keys);
        Ok(Published::Revision(revision))
    }

    fn store(
        &mut self,
        present: Option<&Root>,
        batch: Batch,
        revision: Option<Revision>,
        unix: u64,
        changed: Instant,
    ) -> Revision {
        // Before anybody can see a snapshot that goes by them.
        let before = Arc::clone(&self.given.borrow());
        if let Some(more) = self.numbers.given_since(&before) {
            self.given.send_replace(Arc::new(more));
        }
        let number = present.map_or(0, |root| root.revision.number) + 1;
        let revision = revision.unwrap_or(Revision { epoch: self.epoch, number });
        let (enforced, metrics) = (self.enforced.clone(), self.metrics.clone());
        let told = self.feed.clone().map(|feed| {
            let published = feed.now();
            let publication = Publication {
                batch: &batch,
                revision,
                published,
                given: self.given.borrow().names_since(&before),
                schemes: self.sent_schemes(),
            };
            let bytes = present.and_then(|present| feed.encode(present, &publication));
            (feed, bytes, published)
        });
        let schemes = batch.schemes.clone();
        let first =
            || Root::empty(schemes.unwrap_or_else(|| Arc::new(Schemes::only(Scheme::Sha256))));
        let root = self.writer.publish(batch, revision, unix, first, move || {
            metrics.note_propagation(changed.elapsed());
            // Answers to two revisions may arrive out of order; the later one counts.
            enforced.send_if_modified(|newest| {
                let later = revision > *newest;
                if later {
                    *newest = revision;
                    metrics.note_enforced(revision);
                }
                later
            });
        });
        self.metrics.note_bytes(root.keys.bytes() + root.secrets.bytes());
        if let Some((feed, bytes, published)) = told {
            let previous = present.map_or(Revision::default(), |present| present.revision);
            let (schemes, given) = (self.sent_schemes(), Arc::clone(&self.given.borrow()));
            feed.publish(Present { root, published, schemes, given }, previous, bytes);
        }
        revision
    }

    /// The present schemes, without their peppers.
    fn sent_schemes(&self) -> SentSchemes {
        let (marks, brand) = self.schemes.clone().unwrap_or_default();
        let [current, previous] = marks.map(|mark| mark.map(sent_scheme));
        SentSchemes { current: current.unwrap_or(SentScheme::Sha256), previous, brand }
    }

    /// Frees the meters of keys that are gone for good. To be called every now and then.
    pub fn reap(&mut self, unix: u64) {
        self.ledger.reap(&mut self.writer, unix);
    }
}

fn marks(digests: &DigestSchemes) -> [Option<(&'static str, [u8; 8])>; 2] {
    let mark = |settings: &SchemeSettings| match settings {
        SchemeSettings::Sha256 => ("sha256", [0; 8]),
        SchemeSettings::HmacSha256(pepper) => ("hmac-sha256", pepper.fingerprint()),
    };
    [Some(mark(&digests.current)), digests.previous.as_ref().map(mark)]
}

#[cfg(test)]
mod tests;
