//! What a process knows of its upstreams. Workers share it; each has connections of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use rustls::HandshakeKind;

use super::failure::Unreached;
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
        }
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
