//! What is done for all workers beside requests: names are looked up, and targets are checked. It is no
//! worker's task, so that neither a resolver nor a target that is slow delays a request.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use tollgate_core::{Server, SnapshotReader, Target, Upstream};

use super::check;
use super::known::{Known, LookUp, Upstreams};
use super::resolve::Resolver;
use super::servers::name;

/// A name that could not be looked up is tried again after so long, if not sooner.
const SOON: Duration = Duration::from_secs(1);

/// What is done for one definition of an upstream. It ends when dropped.
struct Watched {
    generation: u64,
    _tasks: JoinSet<()>,
}

/// Looks up the names of all upstreams of the newest snapshot and checks their targets, for ever.
pub async fn watch_upstreams(upstreams: Upstreams, reader: SnapshotReader, resolver: Resolver) {
    let mut watched: BTreeMap<Box<str>, Watched> = BTreeMap::new();
    loop {
        if let Some(root) = reader.current() {
            let all = root.routes.upstreams();
            watched.retain(|name, one| {
                all.iter().any(|u| u.name == *name && u.generation == one.generation)
            });
            for upstream in all {
                if let Target::Server(server) = &upstream.target
                    && !watched.contains_key(&upstream.name)
                {
                    let one = Watched::begin(&upstreams, upstream, server, &resolver);
                    watched.insert(upstream.name.clone(), one);
                }
            }
        }
        // Workers ask with each snapshot that has others.
        upstreams.asked().await;
    }
}

impl Watched {
    fn begin(
        upstreams: &Upstreams,
        upstream: &Arc<Upstream>,
        server: &Server,
        resolver: &Resolver,
    ) -> Self {
        let known = upstreams.known(&upstream.name);
        let generation = upstream.generation;
        let servers = known.servers(generation, &server.targets);
        let mut tasks = JoinSet::new();
        let mut names: Vec<_> = server.targets.iter().filter_map(name).map(Box::from).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (known, upstream) = (Arc::clone(&known), Arc::clone(upstream));
            let (resolver, every) = (resolver.clone(), server.resolve_every);
            let name = Name { known, upstream, name, failing: false };
            tasks.spawn(name.follow(resolver, every));
        }
        if server.health_check.is_some() {
            tasks.spawn(check::all(known, upstreams.clone(), Arc::clone(upstream)));
        } else {
            servers.spots.iter().for_each(|spot| spot.peer.pass_checks());
        }
        Self { generation, _tasks: tasks }
    }
}

/// A name of an upstream.
struct Name {
    known: Arc<Known>,
    upstream: Arc<Upstream>,
    name: Box<str>,
    /// The last lookup has failed.
    failing: bool,
}

impl Name {
    /// Looks it up, again and again.
    async fn follow(mut self, resolver: Resolver, every: Duration) {
        loop {
            let wait = match resolver.look_up(&self.name).await {
                Ok(addresses) => {
                    self.found(&addresses);
                    every
                }
                Err(error) => {
                    self.lost(&error);
                    every.min(SOON)
                }
            };
            sleep(about(wait)).await;
        }
    }

    fn found(&mut self, addresses: &[IpAddr]) {
        let changed = self.tell(Some(addresses));
        if changed || std::mem::take(&mut self.failing) {
            let (upstream, name) = (&self.upstream.name, &self.name);
            tracing::info!(upstream, name, ?addresses, "where a name leads");
        }
        self.known.count_look_up(if changed { LookUp::Changed } else { LookUp::Unchanged });
    }

    fn lost(&mut self, error: &io::Error) {
        self.tell(None);
        if !std::mem::replace(&mut self.failing, true) {
            let (upstream, name) = (&self.upstream.name, &self.name);
            tracing::warn!(
                upstream,
                name,
                %error,
                "a name cannot be looked up; what it led to before stays in use"
            );
        }
        self.known.count_look_up(LookUp::Failed);
    }

    fn tell(&self, addresses: Option<&[IpAddr]>) -> bool {
        let Target::Server(server) = &self.upstream.target else { return false };
        self.known.looked_up(self.upstream.generation, &self.name, addresses, &server.targets)
    }
}

/// A time, give or take a tenth, so that not everything happens at once everywhere.
pub(super) fn about(time: Duration) -> Duration {
    // The standard library seeds each RandomState from the system's randomness.
    let drawn = RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64;
    time.mul_f64(0.9 + drawn / 5.0)
}
