//! Snapshots as files: each made once, however many proxies fetch it.

use std::fs::File;
use std::io::{self, BufWriter};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tollgate_core::{Record, Revision};
use tollgate_feed::file::{SnapshotParts, etag, write_snapshot};
use tollgate_feed::wire::SnapshotOffer;

use super::KeyFeed;
use super::log::{Next, Present};

/// So many are at hand: who is at work on the one before can go on with it.
const AT_HAND: usize = 2;

/// A snapshot as a file without a name: it goes when the last that reads it is done.
#[derive(Debug)]
pub struct Snapshot {
    /// What proxies are told of it.
    pub offer: SnapshotOffer,
    file: File,
}

/// The snapshots that are at hand, the newest last.
pub(super) struct Snapshots {
    folder: PathBuf,
    at_hand: watch::Sender<Vec<Arc<Snapshot>>>,
    /// One is made at a time.
    making: Semaphore,
}

impl Snapshots {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, at_hand: watch::Sender::default(), making: Semaphore::new(1) }
    }

    pub(super) fn known(&self, etag: &str) -> Option<Arc<Snapshot>> {
        self.at_hand.borrow().iter().find(|snapshot| snapshot.offer.etag == etag).cloned()
    }

    /// One that batches follow on, or that is the present. A proxy refuses one that is older than what it
    /// holds.
    pub(super) async fn present(
        &self,
        feed: &Arc<KeyFeed>,
        held: Option<Revision>,
    ) -> io::Result<Arc<Snapshot>> {
        let _turn = self.making.acquire().await.map_err(io::Error::other)?;
        let newest = self.at_hand.borrow().last().cloned();
        if let Some(newest) = newest {
            let revision = newest.offer.revision;
            match feed.log.borrow().after(revision) {
                Next::Nothing => return Ok(newest),
                Next::Batch(..) if held <= Some(revision) => return Ok(newest),
                Next::Batch(..) | Next::Gap => {}
            }
        }
        let present = feed.log.borrow().present().cloned();
        let present = present.ok_or_else(|| io::Error::other("nothing is published yet"))?;
        let metrics = feed.metrics.clone();
        let (feed, folder) = (Arc::clone(feed), self.folder.clone());
        let made = tokio::task::spawn_blocking(move || make(&feed, present, &folder));
        let made = Arc::new(made.await.map_err(io::Error::other)??);
        metrics.snapshots.inc();
        self.at_hand.send_modify(|at_hand| {
            at_hand.push(Arc::clone(&made));
            let more = at_hand.len().saturating_sub(AT_HAND);
            at_hand.drain(..more);
        });
        Ok(made)
    }
}

impl Snapshot {
    /// Its revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.offer.revision
    }

    /// Reads a piece of it.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&self, from: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; length];
        self.file.read_exact_at(&mut piece, from)?;
        Ok(piece)
    }
}

fn make(feed: &KeyFeed, present: Present, folder: &std::path::Path) -> io::Result<Snapshot> {
    let Present { root, published, schemes, given } = present;
    let file = tempfile::tempfile_in(folder)?;
    let parts = SnapshotParts {
        environment: &feed.environment,
        software: env!("CARGO_PKG_VERSION"),
        numbering: feed.numbering,
        published,
        schemes,
        given: given.names_since(&Default::default()),
        counter: |record: &Record| feed.counter(record),
        signer: feed.signer.as_deref(),
    };
    let mut writer = BufWriter::with_capacity(1 << 20, &file);
    write_snapshot(&root, parts, &mut writer)?;
    drop(writer);
    let offer = SnapshotOffer {
        revision: root.revision,
        numbering: feed.numbering,
        etag: etag(feed.numbering, root.revision),
        bytes: file.metadata()?.len(),
        keys: root.keys.len() as u64,
    };
    Ok(Snapshot { offer, file })
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;
    use tollgate_core::{Clock, Now, Root, Scheme, Schemes};
    use tollgate_feed::wire::{SentScheme, SentSchemes};

    use super::*;
    use crate::feed::FeedMetrics;
    use crate::publisher::SharedNames;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Now {
            Now { monotonic: 1, unix_ms: 1_767_268_800_000 }
        }
    }

    #[test]
    fn one_that_was_begun_is_finished_for_the_others_when_whoever_asked_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let place = (folder.path().to_owned(), None);
        let metrics = FeedMetrics::register(&Registry::new()).unwrap();
        let names = SharedNames::default();
        let feed = KeyFeed::new("here".to_owned(), place, names, Arc::new(Noon), metrics);
        let feed = Arc::new(feed.unwrap());
        let mut root = Root::empty(Arc::new(Schemes::only(Scheme::Sha256)));
        root.revision = Revision { epoch: 1, number: 7 };
        let schemes = SentSchemes { current: SentScheme::Sha256, previous: None, brand: None };
        let present =
            Present { root: Arc::new(root), published: 0, schemes, given: Arc::default() };
        feed.publish(present, Revision::default(), None);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let asked = tokio::spawn(Arc::clone(&feed).snapshot(None));
            tokio::task::yield_now().await;
            asked.abort();
            let ask = || Arc::clone(&feed).snapshot(None);
            let (one, other) = tokio::join!(ask(), ask());
            assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        });
        assert_eq!(feed.metrics.snapshots.get(), 1);
    }
}
