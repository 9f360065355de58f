//! What a process knows of its upstreams. Workers share it; each has connections of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use rustls::HandshakeKind;
use tollgate_core::ServerTarget;

use super::failure::Unreached;
use super::peer::Peer;
use super::trust::UpstreamTls;

/// What a process knows of its upstreams. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Upstreams(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tls: UpstreamTls,
    /// By the names of the upstreams, whatever their present definition.
    known: ArcSwap<Vec<Arc<Known>>>,
}

/// What is known of one upstream. Nothing of it is written to by a request that goes well.
#[derive(Debug)]
pub(crate) struct Known {
    name: Box<str>,
    unreached: [AtomicU64; Unreached::COUNT],
    full_handshakes: AtomicU64,
    resumed_handshakes: AtomicU64,
    ejections: AtomicU64,
    panics: AtomicU64,
    retries: AtomicU64,
    no_retries: AtomicU64,
    /// Its servers, by the newest definition that was asked for.
    servers: ArcSwap<Servers>,
}

/// The servers of one definition.
#[derive(Debug)]
struct Servers {
    generation: u64,
    peers: Arc<[Arc<Peer>]>,
}

impl Upstreams {
    /// How upstreams are spoken to over TLS.
    #[must_use]
    pub fn tls(&self) -> &UpstreamTls {
        &self.0.tls
    }

    /// What is known of the upstream of this name, from now on if it is the first time.
    pub(crate) fn known(&self, name: &str) -> Arc<Known> {
        loop {
            if let Some(known) = self.find(name) {
                return known;
            }
            self.0.known.rcu(|all| {
                let mut all = Vec::clone(all);
                if !all.iter().any(|known| *known.name == *name) {
                    all.push(Arc::new(Known::new(name)));
                }
                all
            });
        }
    }

    /// What is known of the upstream of this name, if anything is.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Known>> {
        self.0.known.load().iter().find(|known| *known.name == *name).map(Arc::clone)
    }
}

impl Known {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            unreached: Default::default(),
            full_handshakes: AtomicU64::new(0),
            resumed_handshakes: AtomicU64::new(0),
            ejections: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            no_retries: AtomicU64::new(0),
            servers: ArcSwap::from_pointee(Servers { generation: 0, peers: Arc::new([]) }),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The servers at `targets`, the same for all workers of one definition. What was known of them
    /// under an earlier one goes on.
    pub(super) fn peers(&self, generation: u64, targets: &[ServerTarget]) -> Arc<[Arc<Peer>]> {
        self.servers.rcu(|present| {
            if present.generation >= generation {
                return Arc::clone(present);
            }
            let peer = |target| {
                let new = Peer::new(target);
                let known = present.peers.iter().find(|known| known.id == new.id);
                known.map_or_else(|| Arc::new(new), Arc::clone)
            };
            Arc::new(Servers { generation, peers: targets.iter().map(peer).collect() })
        });
        let servers = self.servers.load();
        if servers.generation == generation {
            return Arc::clone(&servers.peers);
        }
        // Of a definition that is gone already: what its last requests see is their own.
        targets.iter().map(|target| Arc::new(Peer::new(target))).collect()
    }

    /// How many of its servers are in use at the instant `now`, and how many are left out.
    pub(crate) fn in_use(&self, now: u64) -> (usize, usize) {
        let servers = self.servers.load();
        let out = servers.peers.iter().filter(|peer| peer.is_ejected(now)).count();
        (servers.peers.len() - out, out)
    }

    /// Counts a server that is left out from now on.
    pub(super) fn count_ejection(&self) {
        self.ejections.fetch_add(1, Relaxed);
    }

    /// Counts a request that goes to a server that is left out, as all of them are.
    pub(super) fn count_panic(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// Counts a request that goes to another server.
    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    /// Counts a request that would, but for the budget.
    pub(super) fn count_no_retry(&self) {
        self.no_retries.fetch_add(1, Relaxed);
    }

    /// What became of the failures of its servers, each with its word.
    pub(crate) fn events(&self) -> [(&'static str, u64); 4] {
        [
            ("ejection", &self.ejections),
            ("panic", &self.panics),
            ("retry", &self.retries),
            ("no_retry", &self.no_retries),
        ]
        .map(|(event, count)| (event, count.load(Relaxed)))
    }

    /// Counts a connection that was not made.
    pub(crate) fn count_unreached(&self, reason: Unreached) {
        if let Some(counter) = self.unreached.get(reason.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Counts a handshake that was made.
    pub(super) fn count_handshake(&self, kind: Option<HandshakeKind>) {
        let counter = match kind {
            Some(HandshakeKind::Resumed) => &self.resumed_handshakes,
            _ => &self.full_handshakes,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Connections that were not made, by reason.
    pub(crate) fn unreached(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Unreached::all()
            .zip(&self.unreached)
            .map(|((_, label), count)| (label, count.load(Relaxed)))
    }

    /// Handshakes that were made, by kind.
    pub(crate) fn handshakes(&self) -> [(&'static str, u64); 2] {
        [("full", &self.full_handshakes), ("resumed", &self.resumed_handshakes)]
            .map(|(kind, count)| (kind, count.load(Relaxed)))
    }
}
