//! Up to which revision the control plane is told that everything is enforced.

use std::collections::VecDeque;

use tollgate_core::Revision;

use super::Moment;
use crate::wire::Applied;

/// Revisions that were published, until they are acknowledged.
#[derive(Debug)]
pub(super) struct Acknowledgements {
    waiting: VecDeque<Published>,
    enforced: Option<Revision>,
    synced: Option<Revision>,
    acknowledged: Option<Revision>,
    withheld: Option<String>,
    keys: u64,
}

#[derive(Clone, Copy, Debug)]
struct Published {
    revision: Revision,
    to_sync: bool,
    arrived: u64,
}

impl Acknowledgements {
    /// After a start that has published what was on the disk.
    pub(super) fn of(restored: Option<Revision>) -> Self {
        Self {
            waiting: VecDeque::new(),
            enforced: None,
            synced: restored,
            acknowledged: None,
            withheld: None,
            keys: 0,
        }
    }

    pub(super) fn published(&mut self, revision: Revision, to_sync: bool, keys: u64, arrived: u64) {
        self.keys = keys;
        self.waiting.push_back(Published { revision, to_sync, arrived });
    }

    pub(super) fn enforce(&mut self, revision: Revision) {
        self.enforced = self.enforced.max(Some(revision));
    }

    pub(super) fn synced(&mut self, revision: Revision) {
        self.synced = self.synced.max(Some(revision));
    }

    /// Notes what is not enforced of the present revision; why, if that is news.
    pub(super) fn withhold(&mut self, withheld: Option<String>) -> Option<String> {
        let news = withheld != self.withheld;
        self.withheld = withheld;
        self.withheld.clone().filter(|_| news)
    }

    /// What can be acknowledged now and was not.
    pub(super) fn next(&mut self, now: Moment) -> Option<Applied> {
        if self.withheld.is_some() {
            return None;
        }
        let enforced = self.enforced?;
        let mut last = None;
        while let Some(next) = self.waiting.front()
            && next.revision <= enforced
            && (!next.to_sync || Some(next.revision) <= self.synced)
        {
            last = self.waiting.pop_front();
        }
        // What was there at the start was published by nobody who waits.
        let restored = self.waiting.is_empty() && self.acknowledged < Some(enforced);
        let (revision, arrived) = match last {
            Some(last) => (last.revision, last.arrived),
            None if restored => (enforced, now.monotonic),
            None => return None,
        };
        self.acknowledged = Some(revision);
        Some(Applied {
            revision,
            unix_ms: now.unix,
            took_us: now.monotonic.saturating_sub(arrived) * 1000,
            keys: self.keys,
        })
    }

    pub(super) fn enforced(&self) -> Option<Revision> {
        self.enforced
    }

    pub(super) fn acknowledged(&self) -> Option<Revision> {
        self.acknowledged
    }

    pub(super) fn keys(&self) -> u64 {
        self.keys
    }
}
