//! Where keys went that left their digest with requests open.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::Answers;
use crate::Digest;

/// The keys that moved to other digests in revisions that some worker has not answered yet, oldest
/// first. A root has them, and not the notice of its revision, because a worker may deal with an
/// earlier notice by a later root.
#[derive(Clone, Debug, Default)]
pub struct Moves(Vec<Moved>);

#[derive(Clone, Debug)]
struct Moved {
    /// To where, by from where.
    digests: Arc<HashMap<Digest, Digest>>,
    /// Held by every notice of the revision.
    answers: Weak<Answers>,
}

impl Moves {
    /// Where the key went that stood under `digest`; where nothing moved, it is there still.
    pub(crate) fn follow(&self, digest: Digest) -> Digest {
        let moved = self.0.iter();
        moved.fold(digest, |digest, moved| *moved.digests.get(&digest).unwrap_or(&digest))
    }

    /// Whether no key moved that a worker may still have requests of.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what every worker has dealt with, and adds what one more revision moves.
    pub(super) fn next(&mut self, digests: HashMap<Digest, Digest>, answers: &Arc<Answers>) {
        self.0.retain(|moved| moved.answers.strong_count() > 0);
        if !digests.is_empty() {
            self.0.push(Moved { digests: Arc::new(digests), answers: Arc::downgrade(answers) });
        }
    }
}
