//! The connections of a worker to the servers of one upstream, and which of these a request goes to.

use std::sync::Arc;

use http::header::HOST;
use http::{HeaderValue, Request};
use tollgate_core::{Balance, HostHeader, MeterId, Server, Upstream, UpstreamTimeouts};

use super::balance::{Candidate, Lots, choose};
use super::budget::Budget;
use super::form::in_one;
use super::known::{Known, Upstreams};
use super::lane::Lane;
use super::lease::Lease;
use super::peer::{Busy, Peer};

/// The connections to the servers of one upstream.
#[derive(Debug)]
pub(crate) struct Pool {
    server: Server,
    lanes: Box<[Lane]>,
    /// The servers as all workers see them, in the same order.
    peers: Arc<[Arc<Peer>]>,
    known: Arc<Known>,
    /// Whose `Host` a server sees.
    pub(crate) host_header: HostHeader,
    /// How long to wait for it.
    pub(crate) timeouts: UpstreamTimeouts,
    lots: Lots,
    budget: Budget,
}

/// The servers that a request has been to, and how often it was sent again for it.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    servers: u64,
    times: u8,
}

/// A server that a request goes to.
#[derive(Debug)]
pub(crate) struct Chosen {
    number: usize,
    /// Counted as long as the request is open, where somebody asks.
    _busy: Option<Busy>,
}

impl Pool {
    pub(crate) fn new(server: &Server, upstream: &Upstream, upstreams: &Upstreams) -> Self {
        let known = upstreams.known(&upstream.name);
        let lane = |target| Lane::new(server, target, Arc::clone(&known), upstreams);
        Self {
            lanes: server.targets.iter().map(lane).collect(),
            peers: known.peers(upstream.generation, &server.targets),
            host_header: server.host_header,
            timeouts: server.timeouts,
            lots: Lots::default(),
            budget: Budget::new(server.retries),
            server: server.clone(),
            known,
        }
    }

    /// What all workers know of the upstream.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// A request of the key with this meter has come: the server that it goes to first. `None` if
    /// there is none, which no configuration says.
    pub(crate) fn choose(&self, meter: MeterId, tried: &Tried, now: u64) -> Option<Chosen> {
        if tried.servers == 0 {
            self.budget.earn();
        }
        let number = match &*self.lanes {
            [_] => 0,
            _ => self.balance(meter, tried, now)?,
        };
        let least = self.server.balance == Balance::LeastRequests;
        let peer = self.peers.get(number).filter(|_| least);
        Some(Chosen { number, _busy: peer.map(Busy::with) })
    }

    fn balance(&self, meter: MeterId, tried: &Tried, now: u64) -> Option<usize> {
        let candidates = |fits: &dyn Fn(usize, &Peer) -> bool| -> Vec<_> {
            let servers = self.lanes.iter().zip(&*self.peers).enumerate();
            servers
                .filter(|(number, (_, peer))| fits(*number, peer))
                .map(|(number, (lane, peer))| Candidate {
                    number,
                    id: peer.id,
                    weight: lane.weight,
                    open: peer.open(),
                    turn: &lane.turn,
                })
                .collect()
        };
        let mut some = candidates(&|number, peer| !tried.has(number) && !peer.is_ejected(now));
        if some.is_empty() {
            if tried.servers == 0 {
                self.known.count_panic();
            }
            some = candidates(&|number, _| !tried.has(number));
        }
        choose(self.server.balance, &some, meter.number(), &self.lots)
    }

    /// Whether a request may go to yet another server after the one that it was sent to has failed it.
    /// If so, it counts against the budget.
    pub(crate) fn may_retry(&self, tried: &mut Tried, failed: &Chosen, now: u64) -> bool {
        tried.servers |= 1 << failed.number;
        let all = u64::MAX >> (u64::BITS as usize - self.lanes.len().clamp(1, 64));
        if tried.servers & all == all {
            return false;
        }
        let may = self.budget.take(tried.times, now);
        if may {
            tried.times += 1;
            self.known.count_retry();
        } else if tried.times == 0 {
            self.known.count_no_retry();
        }
        may
    }

    /// Whether there is more than one server.
    pub(crate) fn has_others(&self) -> bool {
        self.lanes.len() > 1
    }

    /// The connections to a server.
    pub(crate) fn lane(&self, chosen: &Chosen) -> Option<&Lane> {
        self.lanes.get(chosen.number)
    }

    /// Names a request's server to itself, where it wants that.
    pub(crate) fn name<B>(&self, chosen: &Chosen, request: Request<B>) -> Option<Request<B>> {
        if self.lanes.len() == 1 || self.host_header != HostHeader::Upstream {
            return Some(request);
        }
        let mut request = in_one(request)?;
        request.headers_mut().insert(HOST, self.lane(chosen)?.authority.clone());
        Some(request)
    }

    /// The `Host` of the only server, or of the first.
    pub(crate) fn authority(&self) -> HeaderValue {
        let first = self.lanes.first();
        first.map_or_else(|| HeaderValue::from_static(""), |lane| lane.authority.clone())
    }

    /// A server has answered.
    pub(crate) fn succeeded(&self, chosen: &Chosen) {
        if let Some(peer) = self.peers.get(chosen.number) {
            peer.succeeded();
        }
    }

    /// A server has failed a request, at the instant `now`.
    pub(crate) fn failed(&self, chosen: &Chosen, now: u64) {
        if let Some(peer) = self.peers.get(chosen.number)
            && peer.failed(now, &self.server.ejection, &self.peers)
        {
            self.known.count_ejection();
            if let Some(target) = self.server.targets.get(chosen.number) {
                let upstream = self.known.name();
                tracing::warn!(upstream, target = ?target.address, "a target fails and is left out");
            }
        }
    }

    /// Keeps a connection whose response has ended, for the next request.
    pub(crate) fn give_back(&self, lease: Lease, chosen: &Chosen, now: u64) {
        if let Some(lane) = self.lane(chosen) {
            lane.give_back(lease, now);
        }
    }

    /// Closes what has been idle for too long, or was closed by its server.
    pub(crate) fn sweep(&self, now: u64) {
        self.lanes.iter().for_each(|lane| lane.sweep(now));
    }
}

impl Tried {
    fn has(&self, number: usize) -> bool {
        self.servers & (1 << number) != 0
    }
}
