//! The control plane of a simulation.

use std::sync::Arc;

use bytes::Bytes;
use tollgate_core::{Batch, Record, Revision, Root};

use super::network::Said;
use super::{BEGIN, PROXIES, World, synthetic};
use crate::encode::{self, Context};
use crate::synthetic::Synthetic;
use crate::wire::{
    Hello, Numbering, ServerHeartbeat, SnapshotOffer, ToControl, ToProxy, VERSION, Welcome,
};

/// A process of it.
pub(super) struct Control {
    pub(super) made: Synthetic,
    batches: Vec<Told>,
    /// The newest two, the newer one last.
    snapshots: Vec<(SnapshotOffer, Arc<[u8]>)>,
    /// The connections that it serves, by the proxies.
    pub(super) serves: [Option<u64>; PROXIES],
}

/// A batch, encoded once for all.
struct Told {
    previous: Revision,
    bytes: Bytes,
}

impl Control {
    /// The batches from a revision on; `None` = there are not all of them.
    fn since(&self, revision: Revision, newest: Revision) -> Option<Vec<Bytes>> {
        let at = self.batches.iter().position(|told| told.previous == revision);
        let at = at.or((revision == newest).then_some(self.batches.len()))?;
        Some(self.batches[at..].iter().map(|told| told.bytes.clone()).collect())
    }

    /// A snapshot that batches follow on and that is not older than what is held.
    fn snapshot(&mut self, root: &Root, held: Option<Revision>) -> SnapshotOffer {
        let newest = self.snapshots.last().map(|(offer, _)| offer.clone());
        let newest = newest.filter(|offer| held <= Some(offer.revision));
        if let Some(newest) = newest.filter(|offer| {
            self.since(offer.revision, root.revision).is_some_and(|rest| rest.len() < 20)
        }) {
            return newest;
        }
        let made = Synthetic { revision: root.revision, ..self.made.clone() };
        let mut bytes = Vec::new();
        made.write(root, "0.1.0", &mut bytes).unwrap();
        let offer = SnapshotOffer {
            revision: root.revision,
            numbering: made.numbering,
            etag: crate::file::etag(made.numbering, root.revision),
            bytes: bytes.len() as u64,
            keys: root.keys.len() as u64,
        };
        self.snapshots.push((offer.clone(), bytes.into()));
        let older = self.snapshots.len().saturating_sub(2);
        self.snapshots.drain(..older);
        offer
    }

    /// The file of a snapshot that was offered, if it is at hand.
    pub(super) fn file(&self, offer: &SnapshotOffer) -> Option<Arc<[u8]>> {
        let found = self.snapshots.iter().find(|(known, _)| known.etag == offer.etag);
        found.map(|(_, bytes)| Arc::clone(bytes))
    }
}

impl World {
    pub(super) fn start_control(&mut self) {
        self.generations += 1;
        self.control = Some(Control {
            made: synthetic(Numbering(self.generations)),
            batches: Vec::new(),
            snapshots: Vec::new(),
            serves: [None; PROXIES],
        });
    }

    /// Tells proxies of a batch.
    pub(super) fn tell(&mut self, before: &Root, batch: &Batch) {
        let Some(control) = &mut self.control else { return };
        let context = Context {
            before,
            revision: self.store.root.revision,
            published: BEGIN + self.now,
            given: Vec::new(),
            schemes: None,
            counter: |record: &Record| Some(Synthetic::counter(record)),
        };
        let bytes = ToProxy::Batch(encode::batch(batch, context).unwrap()).to_bytes();
        control.batches.push(Told { previous: before.revision, bytes: bytes.clone() });
        for (at, serves) in control.serves.into_iter().enumerate() {
            if let Some(connection) = serves {
                self.send(at, connection, Said::Proxy(bytes.clone()));
            }
        }
    }

    /// A message of a proxy that has come to the control plane.
    pub(super) fn hear(&mut self, at: usize, connection: u64, said: &ToControl) {
        let newest = self.store.root.revision;
        let unix_ms = self.moment().unix;
        let Some(control) = &mut self.control else { return };
        let serves = control.serves[at] == Some(connection);
        let acknowledged = &mut self.places[at].acknowledged;
        match said {
            ToControl::Hello(hello) => self.greet(at, connection, hello),
            ToControl::Applied(applied) if serves => {
                *acknowledged = (*acknowledged).max(Some(applied.revision));
            }
            ToControl::Heartbeat(heartbeat) if serves => {
                *acknowledged = (*acknowledged).max(heartbeat.enforced);
                let beat = ServerHeartbeat { answers: Some(heartbeat.sent), newest, unix_ms };
                let bytes = ToProxy::Heartbeat(beat).to_bytes();
                self.send(at, connection, Said::Proxy(bytes));
            }
            _ => {}
        }
    }

    fn greet(&mut self, at: usize, connection: u64, hello: &Hello) {
        let (newest, unix_ms) = (self.store.root.revision, self.moment().unix);
        let Some(control) = &mut self.control else { return };
        control.serves[at] = Some(connection);
        let numbering = control.made.numbering;
        let welcome = ToProxy::Welcome(Welcome {
            version: VERSION,
            software: "0.1.0".to_owned(),
            numbering,
            environment: "production".to_owned(),
            newest,
            heartbeat_ms: 500,
            capabilities: 0,
            unix_ms,
        });
        let mut said = vec![welcome.to_bytes()];
        let held = hello.held.filter(|held| held.numbering == numbering);
        let rest = held.and_then(|held| control.since(held.revision, newest));
        said.extend(rest.unwrap_or_else(|| {
            let offer = control.snapshot(&self.store.root, hello.held.map(|held| held.revision));
            let rest = control.since(offer.revision, newest).unwrap();
            [vec![ToProxy::Snapshot(offer).to_bytes()], rest].concat()
        }));
        said.into_iter().for_each(|bytes| self.send(at, connection, Said::Proxy(bytes)));
    }
}
