//! What was published last, as it is sent: every proxy reads the same bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tollgate_core::{Revision, Root};
use tollgate_feed::wire::SentSchemes;

use crate::compile::GivenNumbers;

/// So many bytes are kept. Who has not read what goes is given a snapshot.
const MOST_BYTES: usize = 32 << 20;
/// So many batches are kept.
const MOST_BATCHES: usize = 100_000;

/// The newest snapshot, and the batches that led there.
#[derive(Default)]
pub(crate) struct Log {
    present: Option<Present>,
    /// In order, each following the one before.
    batches: VecDeque<Entry>,
    bytes: usize,
}

/// The newest snapshot, with what it cannot say by itself.
#[derive(Clone)]
pub(crate) struct Present {
    pub(crate) root: Arc<Root>,
    /// When it was published, in milliseconds since 1970.
    pub(crate) published: u64,
    pub(crate) schemes: SentSchemes,
    pub(crate) given: Arc<GivenNumbers>,
}

struct Entry {
    previous: Revision,
    revision: Revision,
    bytes: Bytes,
    /// When it was published.
    at: Instant,
}

/// What follows on a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing yet.
    Nothing,
    /// This batch, which makes this revision and was published at this instant.
    Batch(Revision, Bytes, Instant),
    /// A snapshot has to be fetched.
    Gap,
}

impl Log {
    pub(crate) fn present(&self) -> Option<&Present> {
        self.present.as_ref()
    }

    /// Adds what leads from `previous` to the present; without bytes there is no way but a snapshot.
    pub(crate) fn add(&mut self, present: Present, previous: Revision, bytes: Option<Bytes>) {
        let revision = present.root.revision;
        self.present = Some(present);
        let Some(bytes) = bytes else {
            self.batches.clear();
            self.bytes = 0;
            return;
        };
        self.bytes += bytes.len();
        self.batches.push_back(Entry { previous, revision, bytes, at: Instant::now() });
        while self.bytes > MOST_BYTES || self.batches.len() > MOST_BATCHES {
            let Some(gone) = self.batches.pop_front() else { break };
            self.bytes -= gone.bytes.len();
        }
    }

    /// What follows on a revision.
    pub(crate) fn after(&self, revision: Revision) -> Next {
        let Some(present) = &self.present else { return Next::Nothing };
        if present.root.revision == revision {
            return Next::Nothing;
        }
        let at = self.batches.partition_point(|entry| entry.revision <= revision);
        match self.batches.get(at) {
            Some(entry) if entry.previous == revision => {
                Next::Batch(entry.revision, entry.bytes.clone(), entry.at)
            }
            _ => Next::Gap,
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_core::{Scheme, Schemes};
    use tollgate_feed::wire::SentScheme;

    use super::*;

    fn revision(number: u64) -> Revision {
        Revision { epoch: 1, number }
    }

    fn add(log: &mut Log, previous: u64, number: u64, bytes: Option<usize>) {
        let mut root = Root::empty(Arc::new(Schemes::only(Scheme::Sha256)));
        root.revision = revision(number);
        let schemes = SentSchemes { current: SentScheme::Sha256, previous: None, brand: None };
        let given = Arc::default();
        let present = Present { root: Arc::new(root), published: 0, schemes, given };
        log.add(present, revision(previous), bytes.map(|length| vec![0; length].into()));
    }

    #[test]
    fn batches_follow_from_where_they_are_known_and_a_snapshot_from_anywhere_else() {
        let mut log = Log::default();
        assert_eq!(log.after(revision(1)), Next::Nothing, "nothing was published");
        add(&mut log, 0, 3, None);
        assert_eq!((log.after(revision(3)), log.after(revision(2))), (Next::Nothing, Next::Gap));
        // Several revisions of the store are one batch.
        add(&mut log, 3, 6, Some(1));
        add(&mut log, 6, 7, Some(1));
        let next = |number| log.after(revision(number));
        assert!(matches!(next(3), Next::Batch(made, ..) if made == revision(6)));
        assert!(matches!(next(6), Next::Batch(made, ..) if made == revision(7)));
        assert_eq!([next(7), next(5), next(8)], [Next::Nothing, Next::Gap, Next::Gap]);
    }

    #[test]
    fn what_is_kept_is_bounded_whoever_reads() {
        let mut log = Log::default();
        for number in 1..100 {
            add(&mut log, number - 1, number, Some(1 << 20));
            assert!(log.bytes <= MOST_BYTES);
        }
        assert_eq!(log.after(revision(1)), Next::Gap);
        assert!(matches!(log.after(revision(98)), Next::Batch(..)));
    }
}
