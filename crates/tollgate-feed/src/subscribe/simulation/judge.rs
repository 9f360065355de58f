//! What a simulation is held to.

use std::collections::HashSet;

use tollgate_core::Status;

use super::{SERVE_FOR, World};
use crate::synthetic::Synthetic;

impl World {
    /// What always has to be so at a proxy.
    pub(super) fn hold(&mut self, at: usize) {
        let place = &mut self.places[at];
        let Some(proxy) = &place.proxy else { return };
        let Some(root) = &proxy.decides else { return };
        let store = &self.store;
        // Whoever admits has every revision that was committed `serve_for` ago.
        if proxy.lease.is_some_and(|ends| self.now < ends) {
            let next = store.committed.range(root.revision..).nth(1);
            if let Some((revision, committed)) = next {
                let open = self.now - committed;
                assert!(open <= SERVE_FOR * 1000, "revision {revision:?} is missed for {open} ms");
            }
        }
        let seen = (root.revision, place.acknowledged);
        if std::mem::replace(&mut place.seen, seen) == seen {
            return;
        }
        let status =
            |number: usize| root.keys.find(&store.digests[number]).map(|record| record.status);
        for (number, revision) in &store.revoked {
            // A backup may not know the key at all.
            let dead = matches!(status(*number), None | Some(Status::Revoked));
            assert!(
                dead || Some(*revision) > place.acknowledged,
                "an acknowledged revocation is lost"
            );
        }
        for rotated in &store.rotated {
            if rotated.undone.is_none_or(|epoch| root.revision.epoch < epoch) {
                let gone = status(rotated.from) == Some(Status::Revoked);
                assert_eq!(gone, status(rotated.to).is_some(), "a rotation is torn");
            }
        }
    }

    /// Whether every proxy has said that it enforces the newest revision, and has its lease for that.
    pub(super) fn is_settled(&self) -> bool {
        let newest = self.store.root.revision;
        self.places.iter().all(|place| {
            let Some(proxy) = &place.proxy else { return false };
            place.acknowledged == Some(newest)
                && proxy.receiver.held().is_some_and(|held| held.revision == newest)
                && proxy.lease.is_some_and(|ends| ends > self.now)
        })
    }

    pub(super) fn assert_converged(&self) {
        let store = &self.store.root;
        for place in &self.places {
            let root = place.proxy.as_ref().unwrap().receiver.current().expect("a snapshot");
            assert_eq!((root.revision, root.keys.len()), (store.revision, store.keys.len()));
            for expected in store.keys.iter() {
                let known = root.keys.find(&expected.digest).expect("a key is missing");
                assert_eq!((known.status, known.not_after), (expected.status, expected.not_after));
            }
            // Keys of one chain count together, and nothing else does.
            let meters: HashSet<_> = root.keys.iter().map(|record| record.meter).collect();
            let counters: HashSet<_> = store.keys.iter().map(Synthetic::counter).collect();
            assert_eq!(meters.len(), counters.len());
        }
    }
}
