//! A data worker: one thread with a runtime, connections, upstream pools and counters of its own.
//! Nothing on a request's road is shared with another worker but the snapshot and the meters.

mod accept;
mod crew;
mod ending;
mod farewell;
mod idle_room;
mod ids;
mod rest;
mod run;
mod settings;

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::Response;
use tokio::sync::watch;
use tollgate_core::{
    Clock, Dead, Decider, FrontId, Notice, Now, Permit, Refusal, Refused, Root, Service,
    SnapshotCache, Strangers,
};

use crate::access_log::{Note, Ring};
use crate::account::Account;
use crate::arena::{Arena, Names};
use crate::body::{Content, OutBody, Outgoing, Pace, Streaming};
use crate::connection::{Client, Connections, Date, Rooms};
use crate::form::Arriving;
use crate::headers;
use crate::key_events::KeyEvents;
use crate::live::{Kind, Live, LiveEntry, LiveList, OnKeyDead};
use crate::metrics::Cells;
use crate::respond::{self, Challenges, Ended};
use crate::roster::{Deadline, Handle, Roster};
#[cfg(feature = "otlp")]
use crate::spans::SpanRing;
use crate::target::NoTarget;
#[cfg(feature = "otlp")]
use crate::trace::Span;
use crate::trace::Tracer;
use crate::upstream::{Destination, Share, Upstreams};

pub(crate) use accept::{Door, Entrance, Held};
pub(crate) use crew::Crew;
pub(crate) use ending::{Beginning, Ending};
pub(crate) use ids::RequestIds;
use rest::Rest;
pub(crate) use run::{Mail, Seat, run};
pub use settings::WorkerSettings;

/// How long a request's body may be waited for before its rate counts.
const BODY_GRACE: Duration = Duration::from_secs(5);

/// One request in how many has its decision timed.
const SAMPLE: u64 = 128;

/// The state of a worker.
pub(crate) struct Worker {
    /// Its number in the crew.
    number: usize,
    /// Those among whom connections are spread.
    crew: Arc<Crew>,
    /// Connections that have come to it and not ended.
    held: Cell<usize>,
    rest: Rest,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) coarse: Rc<Coarse>,
    pub(crate) snapshot: RefCell<SnapshotCache>,
    pub(crate) decider: Decider,
    pub(crate) live: Rc<LiveList>,
    /// Forms that are being read, each with the client's connection that it comes by.
    pub(crate) forms: Rc<Roster<Handle>>,
    pub(crate) connections: Rc<Connections>,
    pub(crate) cells: Arc<Cells>,
    pub(crate) arena: RefCell<Arena>,
    pub(crate) names: RefCell<Names>,
    challenges: RefCell<Challenges>,
    pub(crate) request_ids: RequestIds,
    /// What has requests be spans, if they are.
    pub(crate) tracer: Option<Tracer>,
    pub(crate) settings: WorkerSettings,
    pub(crate) ending: Cell<Ending>,
    /// Connections that have not brought a whole request yet.
    pub(crate) beginning: Rc<Cell<usize>>,
    /// Who has brought credentials that failed, unless nobody is throttled for it.
    pub(crate) strangers: Option<Arc<Strangers>>,
    /// Where requests that are over go, if they are logged.
    pub(crate) access_log: Option<Ring>,
    /// Where requests that are recorded go, if anybody exports them.
    #[cfg(feature = "otlp")]
    pub(crate) spans: Option<SpanRing>,
    /// Where events of keys go.
    pub(crate) key_events: KeyEvents,
    /// Tells that more of quotas is written down, where they are kept beyond the process.
    pub(crate) kept: Option<watch::Receiver<()>>,
    /// What the process knows of upstreams.
    upstreams: Upstreams,
    /// Its part of what upstreams take.
    share: Share,
    /// Sorted by the generation of their upstream.
    destinations: RefCell<Vec<(u64, Rc<Destination>)>>,
    sampled: Cell<u64>,
    /// What connections of HTTP/1.1 use while they are at work.
    pub(crate) rooms: Rc<Rooms>,
    /// As responses tell it.
    pub(crate) date: RefCell<Date>,
    /// Where bytes of HTTP/2 arrive.
    pub(crate) read_room: Rc<RefCell<Vec<u8>>>,
    /// Makes connections grow old at different times.
    ages: RandomState,
    /// The second since 1970 in which keys were last looked at for having expired.
    looked: Cell<u64>,
}

/// The worker's last reading of the monotonic clock: good enough for deadlines, and free.
#[derive(Debug, Default)]
pub(crate) struct Coarse(Cell<u64>);

impl Coarse {
    pub(crate) fn now(&self) -> u64 {
        self.0.get()
    }

    pub(crate) fn set(&self, monotonic: u64) {
        self.0.set(monotonic);
    }
}

/// A duration in nanoseconds.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Worker {
    /// The answer to a request that ends here.
    pub(crate) fn refuse(
        &self,
        service: Option<&Service>,
        refusal: Refusal,
        now: Now,
    ) -> Response<Content> {
        self.refuse_with(service, &refusal.into(), now)
    }

    /// The answer to a request that the decision ended.
    pub(crate) fn refuse_with(
        &self,
        service: Option<&Service>,
        refused: &Refused,
        now: Now,
    ) -> Response<Content> {
        self.end(&Ended { service, refused, allow: None, now })
    }

    /// The answer to a request that leads nowhere.
    pub(crate) fn nowhere(&self, root: &Root, none: &NoTarget, now: Now) -> Response<Content> {
        let service = none.called.and_then(|(front, _)| root.routes.service(front));
        let refused = none.refusal.into();
        self.end(&Ended { service, refused: &refused, allow: none.allow.as_deref(), now })
    }

    /// The answer to a request that was admitted and ended later.
    pub(crate) fn refuse_late(&self, front: FrontId, refusal: Refusal) -> Response<Content> {
        let now = self.clock.now();
        let mut cache = self.snapshot.borrow_mut();
        let service = cache.load().and_then(|root| root.routes.service(front));
        self.refuse(service, refusal, now)
    }

    fn end(&self, ended: &Ended<'_>) -> Response<Content> {
        self.count_refusal(ended.refused.refusal);
        if let Some(failure) = ended.refused.proof
            && let Some(counter) = self.cells.proof_failures.get(failure.index())
        {
            counter.add(1);
        }
        respond::refuse(
            &mut self.arena.borrow_mut(),
            &mut self.challenges.borrow_mut(),
            &self.settings,
            self.rooms.fields(),
            ended,
        )
    }

    /// Whether a request is recorded that is this span.
    #[cfg(feature = "otlp")]
    pub(crate) fn records(&self, span: Option<Span>) -> bool {
        self.spans.is_some() && span.is_some_and(|span| span.is_sampled())
    }

    pub(crate) fn count_refusal(&self, refusal: Refusal) {
        if let Some(counter) = self.cells.refusals.get(refusal.index()) {
            counter.add(1);
        }
    }

    /// What answers for a service, with this worker's connections to it.
    pub(crate) fn destination(&self, root: &Root, service: &Service) -> Option<Rc<Destination>> {
        let upstream = root.routes.upstream(service)?;
        let mut destinations = self.destinations.borrow_mut();
        let generation = upstream.generation;
        let at = destinations.binary_search_by_key(&generation, |(known, _)| *known);
        let at = at.unwrap_or_else(|gap| {
            destinations.insert(
                gap,
                (generation, Rc::new(Destination::new(upstream, &self.upstreams, self.share))),
            );
            gap
        });
        destinations.get(at).map(|(_, destination)| Rc::clone(destination))
    }

    /// Puts a permit on the live list, in the same poll in which it was decided.
    pub(crate) fn enter(
        &self,
        client: &Client,
        permit: Permit,
        destination: &Destination,
        now: Now,
    ) -> LiveEntry {
        self.coarse.set(now.monotonic);
        let limit = match destination {
            Destination::Server(pool) => pool.timeouts.request,
            Destination::Fixed { .. } => None,
        };
        let limit = limit.map_or(u64::MAX, |limit| now.monotonic + nanoseconds(limit));
        let live = Live { permit, connection: client.connection, kind: Kind::Message, task: None };
        self.live.enter(live, Deadline::NONE, limit)
    }

    /// The body as the upstream will get it, watched.
    pub(crate) fn watch(
        &self,
        client: &Client,
        body: Arriving,
        live: &LiveEntry,
        destination: &Destination,
        service: &Service,
        account: &mut Account,
    ) -> OutBody {
        match (destination, body) {
            (Destination::Server(_), Arriving::Form(form)) => Outgoing::Whole(form).into(),
            (Destination::Server(pool), Arriving::Incoming(incoming))
                if !incoming.is_end_stream() =>
            {
                Outgoing::Streaming(Streaming {
                    incoming,
                    left: client.door.settings.max_body_bytes,
                    withheld: headers::withheld(service),
                    pace: Pace::new(client.door.settings.min_body_rate, BODY_GRACE),
                    received: account.note().map(Note::received),
                    live: Rc::clone(&self.live),
                    handle: live.handle(),
                    clock: Rc::clone(&self.coarse),
                    idle: nanoseconds(pool.timeouts.idle),
                    first_byte: nanoseconds(pool.timeouts.first_byte),
                })
                .into()
            }
            _ => OutBody::Empty,
        }
    }

    /// When a connection that begins now has lived for `age`, give or take a tenth of it.
    pub(crate) fn old_at(&self, age: Duration) -> u64 {
        let now = self.clock.monotonic();
        let age = nanoseconds(age);
        let spread = (age / 5).max(1);
        now.saturating_add(age - age / 10).saturating_add(self.ages.hash_one(now) % spread)
    }

    /// Times one decision in [`SAMPLE`].
    pub(crate) fn sample_decision(&self, began: Now) {
        let count = self.sampled.get() + 1;
        self.sampled.set(count % SAMPLE);
        if count == SAMPLE {
            let elapsed = self.clock.monotonic().saturating_sub(began.monotonic);
            self.cells.decision_duration.record(elapsed);
        }
    }

    /// Deals with a swap: nothing open contradicts the new snapshot when this returns, and all
    /// that is decided from now on is decided by it. Dropping the notice says so.
    fn enforce(&self, notice: Notice) {
        let now = self.clock.now();
        let mut cache = self.snapshot.borrow_mut();
        if let Some(root) = cache.load() {
            if self.settings.on_key_dead == OnKeyDead::Cut {
                self.cells.streams_cut.add(self.live.cut(root, notice.dead(), now));
            }
            let upstreams = root.routes.upstreams();
            self.upstreams.ask_if_new(upstreams);
            self.destinations.borrow_mut().retain(|(generation, _)| {
                upstreams.iter().any(|upstream| upstream.generation == *generation)
            });
        }
        drop(notice);
    }

    /// Ends what is open of keys that have expired, which no notice tells of: once in each second, as
    /// that is how exact the times of keys are.
    fn cut_expired(&self, now: Now) {
        let second = now.unix();
        if self.looked.replace(second) == second || self.settings.on_key_dead != OnKeyDead::Cut {
            return;
        }
        if let Some(root) = self.snapshot.borrow_mut().load() {
            self.cells.streams_cut.add(self.live.cut(root, &Dead::Any, now));
        }
    }

    /// What has to happen now and then: deadlines, idle connections, gauges.
    fn tick(&self) {
        let time = self.clock.now();
        let now = time.monotonic;
        self.coarse.set(now);
        self.cut_expired(time);
        self.live.expire(now, |live, refusal| {
            if !live.stop() {
                self.connections.end(live.connection, refusal);
            }
        });
        self.forms.expire(now, |connection, refusal| self.connections.end(*connection, refusal));
        self.connections.expire(now, |_, _| ());
        self.make_room(now);
        for (_, destination) in self.destinations.borrow().iter() {
            if let Destination::Server(pool) = &**destination {
                pool.sweep(now);
            }
        }
        self.cells.streams.store((self.live.len() + self.forms.len()) as u64, Relaxed);
    }
}
