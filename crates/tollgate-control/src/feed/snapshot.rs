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
