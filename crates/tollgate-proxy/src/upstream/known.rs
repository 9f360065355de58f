//! What a process knows of its upstreams. Workers share it; each has connections of its own.

mod counts;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tollgate_core::{ServerTarget, Upstream};

use super::peer::Peer;
use super::servers::Servers;
use super::trust::UpstreamTls;
use counts::Counts;

pub(super) use counts::LookUp;

/// What a process knows of its upstreams. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Upstreams(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tls: UpstreamTls,
    /// Somebody waits for a name to be looked up, or there are other upstreams.
    asked: Notify,
    /// How many upstreams there were when that was last told, and the newest generation of them.
    told: AtomicU64,
    /// By the names of the upstreams, whatever their present definition.
    known: ArcSwap<Vec<Arc<Known>>>,
}

/// What is known of one upstream. Nothing of it is written to by a request that goes well.
#[derive(Debug)]
pub(crate) struct Known {
    name: Box<str>,
    counts: Counts,
    /// Its servers are others.
    changed: Notify,
    /// Its servers, by the newest definition that was asked for.
    servers: ArcSwap<Servers>,
}

impl Upstreams {
    /// How upstreams are spoken to over TLS.
    #[must_use]
    pub fn tls(&self) -> &UpstreamTls {
        &self.0.tls
    }

    /// Has names looked up at once that nobody has asked for yet.
    pub(super) fn ask(&self) {
        self.0.asked.notify_one();
    }

    /// The same if `upstreams` of a new snapshot are others than those of the one before.
    pub(crate) fn ask_if_new(&self, upstreams: &[Arc<Upstream>]) {
        let newest = upstreams.iter().map(|upstream| upstream.generation).max().unwrap_or(0);
        // Generations only grow, and no two definitions share one.
        let now = newest << 16 | (upstreams.len() as u64 & 0xffff);
        if self.0.told.swap(now, Relaxed) != now {
            self.ask();
        }
    }

    /// Waits until somebody does. One may wait.
    pub(super) async fn asked(&self) {
        self.0.asked.notified().await;
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
            counts: Counts::default(),
            changed: Notify::new(),
            servers: ArcSwap::default(),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The servers at `targets`, the same for all workers of one definition. What was known of them and
    /// of their names under an earlier one goes on.
    pub(super) fn servers(&self, generation: u64, targets: &[ServerTarget]) -> Arc<Servers> {
        self.servers.rcu(|present| {
            if present.generation >= generation {
                return Arc::clone(present);
            }
            Arc::new(present.redefined(generation, targets))
        });
        let servers = self.servers.load_full();
        if servers.generation == generation {
            return servers;
        }
        // Of a definition that is gone already: what its last requests see is their own.
        Arc::new(servers.redefined(generation, targets))
    }

    /// The servers of the newest definition.
    pub(super) fn newest(&self) -> Arc<Servers> {
        self.servers.load_full()
    }

    /// The same, if they are others than `servers` and of the same definition.
    pub(super) fn newer_than(&self, servers: &Arc<Servers>) -> Option<Arc<Servers>> {
        let newest = self.servers.load();
        let other = newest.generation == servers.generation && !Arc::ptr_eq(&newest, servers);
        other.then(|| Arc::clone(&newest))
    }

    /// Takes notice of where a name of the definition `generation` leads, or that nobody knows.
    /// Returns whether there are other servers for it.
    pub(super) fn looked_up(
        &self,
        generation: u64,
        name: &str,
        addresses: Option<&[IpAddr]>,
        targets: &[ServerTarget],
    ) -> bool {
        let mut changed = false;
        self.servers.rcu(|present| {
            let current = present.generation == generation;
            let others = current.then(|| present.looked_up(name, addresses, targets)).flatten();
            changed = others.is_some();
            others.map_or_else(|| Arc::clone(present), Arc::new)
        });
        if changed {
            self.changed.notify_one();
        }
        changed
    }

    /// Waits until its servers are others. One may wait.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// How many of its servers are in each state at the instant `now`, and how many of its names lead
    /// to none.
    pub(crate) fn states(&self, now: u64) -> [(&'static str, usize); 4] {
        let servers = self.servers.load();
        let count =
            |is: &dyn Fn(&Peer) -> bool| servers.spots.iter().filter(|spot| is(&spot.peer)).count();
        [
            ("used", count(&|peer| !peer.is_out(now))),
            ("ejected", count(&|peer| peer.is_ejected(now) && !peer.is_unhealthy())),
            ("unhealthy", count(&Peer::is_unhealthy)),
            ("unresolved", servers.lost_names()),
        ]
    }
}
