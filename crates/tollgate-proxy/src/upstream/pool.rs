//! The connections of a worker to the servers of one upstream, and which of these a request goes to.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderValue, Request};
use tollgate_core::{
    Balance, HostHeader, MeterId, Pending as PendingRule, Refusal, Server, ServerTarget,
    ToldFields, Upstream, UpstreamTimeouts,
};

use super::balance::{Candidate, Lots, choose};
use super::budget::Budget;
use super::chosen::{Chosen, Tried};
use super::failure::Unreached;
use super::form::in_one;
use super::known::{Known, Upstreams};
use super::lane::Lane;
use super::own;
use super::pending::{Pending, Turn};
use super::servers::{Servers, Spot};
use super::share::Share;

/// The connections to the servers of one upstream.
#[derive(Debug)]
pub(crate) struct Pool {
    server: Server,
    /// In the order of the servers.
    lanes: RefCell<Box<[Rc<Lane>]>>,
    servers: RefCell<Arc<Servers>>,
    known: Arc<Known>,
    upstreams: Upstreams,
    /// Whose `Host` a server sees.
    pub(crate) host_header: HostHeader,
    /// What it is told beside what clients say.
    pub(crate) tell: ToldFields,
    /// How long to wait for it.
    pub(crate) timeouts: UpstreamTimeouts,
    /// The `Host` of the only target, or of the first.
    authority: HeaderValue,
    pending: Rc<Pending>,
    lots: Lots,
    budget: Budget,
}

impl Pool {
    /// A worker's connections to the servers of an upstream, of which there may be its `share`.
    pub(crate) fn new(
        server: &Server,
        upstream: &Upstream,
        upstreams: &Upstreams,
        share: Share,
    ) -> Self {
        let max_connections = server.max_connections.map(|most| share.of(most));
        let server = Server { max_connections, ..server.clone() };
        let known = upstreams.known(&upstream.name);
        let authority = server.targets.first().map(|target| own(&target.authority));
        let pool = Self {
            lanes: RefCell::default(),
            servers: RefCell::default(),
            upstreams: upstreams.clone(),
            host_header: server.host_header,
            tell: server.tell,
            timeouts: server.timeouts,
            authority: authority.unwrap_or_else(|| HeaderValue::from_static("")),
            pending: Rc::new(Pending::new(server.pending, Arc::clone(&known))),
            lots: Lots::default(),
            budget: Budget::new(server.retries),
            server,
            known,
        };
        let servers = pool.known.servers(upstream.generation, &pool.server.targets);
        if servers.is_awaited() {
            upstreams.ask();
        }
        pool.follow(servers);
        pool
    }

    /// Goes over to `servers`. Those that stay keep their connections; of those that are gone the idle
    /// ones are closed.
    fn follow(&self, servers: Arc<Servers>) {
        let mut lanes = self.lanes.borrow_mut();
        let new = |spot: &Spot| {
            let known = lanes.iter().find(|lane| Arc::ptr_eq(&lane.peer, &spot.peer));
            known.map(Rc::clone).or_else(|| self.lane_to(spot).map(Rc::new))
        };
        let now: Box<[_]> = servers.spots.iter().filter_map(new).collect();
        for lane in std::mem::replace(&mut *lanes, now) {
            if !lanes.iter().any(|kept| Rc::ptr_eq(kept, &lane)) {
                lane.retire();
            }
        }
        *self.servers.borrow_mut() = servers;
    }

    fn lane_to(&self, spot: &Spot) -> Option<Lane> {
        let target = self.server.targets.get(spot.target)?;
        let (pending, known) = (Rc::clone(&self.pending), Arc::clone(&self.known));
        Some(Lane::new(&self.server, target, spot, pending, known, &self.upstreams))
    }

    /// What all workers know of the upstream.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// How requests wait for a server.
    pub(crate) fn waiting(&self) -> PendingRule {
        self.server.pending
    }

    /// A request of the key with this meter has come: the server that it goes to first. `None` if it
    /// has to wait for one.
    pub(crate) fn choose_first(&self, meter: MeterId, now: u64) -> Option<Chosen> {
        self.budget.earn();
        if !self.pending.is_empty() {
            return None;
        }
        self.choose(meter, &Tried::default(), now)
    }

    /// The server that a request goes to, if one has room.
    pub(crate) fn choose(&self, meter: MeterId, tried: &Tried, now: u64) -> Option<Chosen> {
        let lanes = self.lanes.borrow();
        let lane = match &**lanes {
            [only] => Some(only).filter(|only| only.has_room()),
            lanes => self.balance(lanes, meter, tried, now),
        };
        let least = self.server.balance == Balance::LeastRequests;
        Some(Chosen::new(Rc::clone(lane?), least))
    }

    fn balance<'a>(
        &self,
        lanes: &'a [Rc<Lane>],
        meter: MeterId,
        tried: &Tried,
        now: u64,
    ) -> Option<&'a Rc<Lane>> {
        let candidates = |fits: &dyn Fn(&Lane) -> bool| -> Vec<_> {
            let lanes = lanes.iter().enumerate();
            lanes
                .filter(|(_, lane)| tried.may_try(lane) && lane.has_room() && fits(lane))
                .map(|(number, lane)| Candidate {
                    number,
                    id: lane.peer.id,
                    weight: lane.weight,
                    open: lane.peer.open(),
                    turn: &lane.turn,
                })
                .collect()
        };
        let mut some = candidates(&|lane| !lane.peer.is_out(now));
        // One that is left out is better than none, but not than one that is busy.
        let is_used = |lane: &Rc<Lane>| tried.may_try(lane) && !lane.peer.is_out(now);
        if some.is_empty() && !lanes.iter().any(is_used) {
            some = candidates(&|_| true);
            if tried.is_empty() && !some.is_empty() {
                self.known.count_panic();
            }
        }
        lanes.get(choose(self.server.balance, &some, meter.number(), &self.lots)?)
    }

    /// A place in the queue of those that wait for a server.
    ///
    /// # Errors
    /// [`Refusal::UpstreamUnreachable`] if there is no server, [`Refusal::UpstreamOverloaded`] if as many
    /// wait as may.
    pub(crate) fn queue(&self) -> Result<Turn, Refusal> {
        if self.is_nowhere() {
            self.known.count_unreached(Unreached::Resolve);
            return Err(Refusal::UpstreamUnreachable);
        }
        self.pending.enter().ok_or_else(|| {
            self.known.count_queue_full();
            Refusal::UpstreamOverloaded
        })
    }

    /// Whether its names lead to no server.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.lanes.borrow().is_empty() && !self.is_awaited()
    }

    /// Whether its names have not been looked up yet, and there is no server without.
    pub(crate) fn is_awaited(&self) -> bool {
        self.lanes.borrow().is_empty() && self.servers.borrow().is_awaited()
    }

    /// Whether a request may go to yet another server after the one that it was sent to has failed it.
    /// If so, it counts against the budget, unless that one was a mere address of a name that has
    /// others, and was not `connected` to.
    pub(crate) fn may_retry(
        &self,
        tried: &mut Tried,
        failed: &Chosen,
        connected: bool,
        now: u64,
    ) -> bool {
        tried.add(failed.lane());
        tried.within = Some(failed.lane().target).filter(|_| !connected);
        let lanes = self.lanes.borrow();
        let others = |tried: &Tried| lanes.iter().any(|lane| tried.may_try(lane));
        if !connected && others(tried) {
            return true;
        }
        tried.within = None;
        if !others(tried) {
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
        self.lanes.borrow().len() > 1
    }

    /// What is said of a server.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only spans tell of it"))]
    pub(crate) fn target(&self, chosen: &Chosen) -> Option<&ServerTarget> {
        self.server.targets.get(chosen.lane().target)
    }

    /// Names a request's server to itself, where it wants that.
    /// `None` if the request has neither a host nor a path.
    pub(crate) fn name<B>(&self, chosen: &Chosen, request: &mut Request<B>) -> Option<()> {
        if self.server.targets.len() > 1 && self.host_header == HostHeader::Upstream {
            in_one(request)?;
            request.headers_mut().insert(HOST, chosen.lane().authority.clone());
        }
        Some(())
    }

    /// The `Host` of the only target, or of the first.
    pub(crate) fn authority(&self) -> HeaderValue {
        self.authority.clone()
    }

    /// A server has failed a request, at the instant `now`.
    pub(crate) fn failed(&self, chosen: &Chosen, now: u64) {
        let lanes = self.lanes.borrow();
        let peers = lanes.iter().map(|lane| &*lane.peer);
        if chosen.lane().peer.failed(now, &self.server.ejection, peers) {
            self.known.count_ejection();
            let upstream = self.known.name();
            tracing::warn!(upstream, target = %chosen.lane().at(), "a target fails and is left out");
        }
    }

    /// Closes what has been idle for too long, or was closed by its server, and goes over to other
    /// servers if there are any.
    pub(crate) fn sweep(&self, now: u64) {
        self.lanes.borrow().iter().for_each(|lane| lane.sweep(now));
        let newer = self.known.newer_than(&self.servers.borrow());
        if let Some(servers) = newer {
            self.follow(servers);
        }
        // What nobody says: a server may be back, or a name lead to one.
        self.pending.stir();
    }

    /// Whether no connection is open.
    pub(crate) fn is_bare(&self) -> bool {
        self.lanes.borrow().iter().all(|lane| lane.is_bare())
    }
}
