//! The key feed, as the control plane tells it: what the publisher publishes, encoded once for all
//! proxies that follow it, and snapshots for those that cannot.

mod body;
mod log;
mod metrics;
mod snapshot;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tollgate_core::{Batch, Clock, Record, Revision, Root};
use tollgate_feed::encode;
use tollgate_feed::sign::SigningKey;
use tollgate_feed::wire::{
    Counter, GivenName, Numbering, SentScheme, SentSchemes, ToProxy, frame::MAX_LENGTH,
};

use crate::publisher::SharedNames;
pub use body::Sent;
pub(crate) use log::{Log, Next, Present};
pub use metrics::FeedMetrics;
pub use snapshot::Snapshot;

/// What changes more keys at once is told by a snapshot.
const MANY: usize = 10_000;

/// What the publisher of a process tells proxies.
pub struct KeyFeed {
    /// Whose numbers it tells: those of this process.
    pub numbering: Numbering,
    /// The environment.
    pub environment: String,
    names: SharedNames,
    clock: Arc<dyn Clock>,
    /// What signs whatever is told, if anything does.
    signer: Option<Arc<SigningKey>>,
    log: watch::Sender<Log>,
    newest: watch::Sender<Revision>,
    /// Changes when access keys or proxies have.
    looks: watch::Sender<u64>,
    snapshots: snapshot::Snapshots,
    pub(crate) metrics: FeedMetrics,
}

/// What the publisher is about to publish.
pub(crate) struct Publication<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) revision: Revision,
    /// Milliseconds since 1970.
    pub(crate) published: u64,
    /// Numbers that are new.
    pub(crate) given: Vec<GivenName>,
    /// The schemes, as they are from then on.
    pub(crate) schemes: SentSchemes,
}

impl KeyFeed {
    /// A feed of what keys count under by these names, whose snapshots stand in `folder`, nameless. `signer`
    /// signs all that it tells.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub(crate) fn new(
        environment: String,
        (folder, signer): (PathBuf, Option<Arc<SigningKey>>),
        names: SharedNames,
        clock: Arc<dyn Clock>,
        metrics: FeedMetrics,
    ) -> Result<Self, getrandom::Error> {
        let mut numbering = [0; 8];
        getrandom::fill(&mut numbering)?;
        Ok(Self {
            numbering: Numbering(u64::from_be_bytes(numbering)),
            environment,
            names,
            clock,
            signer,
            log: watch::Sender::default(),
            newest: watch::Sender::default(),
            looks: watch::Sender::default(),
            snapshots: snapshot::Snapshots::new(folder),
            metrics,
        })
    }

    /// The newest revision that proxies are told of.
    #[must_use]
    pub fn newest(&self) -> watch::Receiver<Revision> {
        self.newest.subscribe()
    }

    /// Tells when access keys or proxies have changed: whoever is connected has to be looked at.
    #[must_use]
    pub fn looks(&self) -> watch::Receiver<u64> {
        self.looks.subscribe()
    }

    /// The present instant, in milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now().unix_ms
    }

    pub(crate) fn look(&self) {
        self.looks.send_modify(|looks| *looks += 1);
    }

    /// Tells when there is more than there was.
    pub(crate) fn follow(&self) -> watch::Receiver<Log> {
        self.log.subscribe()
    }

    /// The schemes at present, once there is anything.
    #[must_use]
    pub fn schemes(&self) -> Option<SentSchemes> {
        self.log.borrow().present().map(|present| present.schemes.clone())
    }

    /// What turns a batch into bytes, before it is published; `None` = it is told by a snapshot.
    pub(crate) fn encode(&self, before: &Root, publication: &Publication<'_>) -> Option<Bytes> {
        let Publication { batch, revision, published, given, schemes } = publication;
        if batch.keys.len() + batch.terms.len() + batch.owners.len() > MANY {
            return None;
        }
        let context = encode::Context {
            before,
            revision: *revision,
            published: *published,
            given: given.clone(),
            schemes: batch.schemes.as_ref().map(|_| schemes.clone()),
            counter: |record: &Record| self.counter(record),
        };
        match encode::batch(batch, context) {
            Ok(mut sent) => {
                if let Some(signer) = &self.signer {
                    signer.seal(&self.environment, self.numbering, &mut sent);
                }
                let bytes = ToProxy::Batch(sent).to_bytes();
                (bytes.len() < MAX_LENGTH / 16).then_some(bytes)
            }
            Err(error) => {
                tracing::error!(%error, "a revision is told by a snapshot");
                None
            }
        }
    }

    /// Tells what was published.
    pub(crate) fn publish(&self, present: Present, previous: Revision, bytes: Option<Bytes>) {
        let revision = present.root.revision;
        self.log.send_modify(|log| log.add(present, previous, bytes));
        self.newest.send_replace(revision);
    }

    /// A snapshot that batches follow on and that is not older than `held`, unless that is ahead of what
    /// there is. It is made where there is none.
    ///
    /// # Errors
    /// If its file cannot be written.
    pub async fn snapshot(self: Arc<Self>, held: Option<Revision>) -> io::Result<Arc<Snapshot>> {
        // It goes on if whoever asked is gone: others wait for the same.
        let made = tokio::spawn(async move { self.snapshots.present(&self, held).await });
        made.await.map_err(io::Error::other)?
    }

    /// The snapshot of an etag, if it is at hand.
    #[must_use]
    pub fn known_snapshot(&self, etag: &str) -> Option<Arc<Snapshot>> {
        self.snapshots.known(etag)
    }

    fn counter(&self, record: &Record) -> Option<Counter> {
        self.names.get(record.meter).map(|name| Counter::of(name.as_str()))
    }
}

impl std::fmt::Debug for KeyFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFeed").field("numbering", &self.numbering).finish_non_exhaustive()
    }
}

/// Schemes as they are told.
pub(crate) fn sent_scheme((kind, fingerprint): (&str, [u8; 8])) -> SentScheme {
    match kind {
        "sha256" => SentScheme::Sha256,
        _ => SentScheme::HmacSha256(fingerprint),
    }
}
