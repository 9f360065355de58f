//! Targets are asked whether they work, over connections of their own: no worker's, and without
//! anything of a client.

mod probe;
mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tollgate_core::{HealthCheck, Server, Target, Upstream};

use super::dial::Dial;
use super::known::{Known, Upstreams};
use super::servers::Spot;
use super::watch::about;
use probe::{Probe, probe};
use standing::Standing;

pub(super) use probe::Outcome;

/// Checks all servers of an upstream, those that come meanwhile too, for ever.
pub(super) async fn all(known: Arc<Known>, upstreams: Upstreams, upstream: Arc<Upstream>) {
    let Target::Server(server) = &upstream.target else { return };
    let Some(check) = &server.health_check else { return };
    let mut tasks = JoinSet::new();
    let mut checked: BTreeMap<u64, AbortHandle> = BTreeMap::new();
    loop {
        let servers = known.newest();
        if servers.generation == upstream.generation {
            checked.retain(|id, task| {
                let stays = servers.spots.iter().any(|spot| spot.peer.id == *id);
                if !stays {
                    task.abort();
                }
                stays
            });
            for spot in &servers.spots {
                if !checked.contains_key(&spot.peer.id)
                    && let Some(one) = One::of(server, spot, check, &known, &upstreams)
                {
                    checked.insert(spot.peer.id, tasks.spawn(one.check()));
                }
            }
        }
        known.changed().await;
        // What was aborted is let go of.
        while tasks.try_join_next().is_some() {}
    }
}

/// A server that is checked.
struct One {
    known: Arc<Known>,
    spot: Spot,
    probe: Probe,
    check: HealthCheck,
}

impl One {
    fn of(
        server: &Server,
        spot: &Spot,
        check: &HealthCheck,
        known: &Arc<Known>,
        upstreams: &Upstreams,
    ) -> Option<Self> {
        let target = server.targets.get(spot.target)?;
        let dial = Dial::new(server, target, spot.at.clone(), Arc::clone(known), upstreams);
        let host = check.host.clone().unwrap_or_else(|| target.authority.clone());
        let probe = Probe { dial, host, path: check.path.clone() };
        Some(Self { known: Arc::clone(known), spot: spot.clone(), probe, check: check.clone() })
    }

    async fn check(self) {
        let peer = &self.spot.peer;
        let mut standing = Standing::new(!peer.is_unhealthy(), &self.check);
        loop {
            let outcome = timeout(self.check.timeout, probe(&self.probe, &self.check)).await;
            let outcome = outcome.unwrap_or(Outcome::Timeout);
            self.known.count_check(outcome);
            let (upstream, target) = (self.known.name(), &self.spot.at);
            match standing.take(outcome == Outcome::Passed) {
                Some(true) => {
                    peer.pass_checks();
                    tracing::info!(upstream, %target, "a target passes its checks and is used again");
                }
                Some(false) => {
                    peer.fail_checks();
                    let reason = outcome.label();
                    tracing::warn!(upstream, %target, reason, "a target fails its checks and is left out");
                }
                None => {}
            }
            sleep(about(self.check.interval)).await;
        }
    }
}
