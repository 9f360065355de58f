//! What the data plane counts, in cells of each worker, and how Prometheus sees their sum.
//!
//! A cell has one writer, its worker, so counting is a load and a store without a locked
//! instruction. No label grows with the number of keys.

mod export;
mod histogram;
mod upstreams;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use tollgate_core::{Clock, ProofFailure, Refusal, ServiceId, SnapshotReader, Strangers};

use crate::access_log::Written;
use crate::connection::{StreamRefused, TurnedAway};
use crate::listen::ListenerSettings;
use crate::peer::Crowd;
use crate::tls::Failure;
use crate::upstream::Upstreams;
pub(crate) use histogram::Histogram;

const SERVICES: usize = 1024;
const CLASSES: usize = 5;

/// A counter with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(count), Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The cells of one worker.
#[derive(Debug)]
pub(crate) struct Cells {
    pub(crate) refusals: [Counter; Refusal::COUNT],
    /// What admitted requests would have been refused for.
    pub(crate) shadow_refusals: [Counter; Refusal::COUNT],
    pub(crate) proof_failures: [Counter; ProofFailure::COUNT],
    /// By service and class of status. Services beyond the last cell share it.
    requests: Box<[OnceLock<Box<[Counter; CLASSES]>>]>,
    /// Requests that reached no service, by class of status.
    unrouted: [Counter; CLASSES],
    pub(crate) request_duration: Histogram,
    pub(crate) decision_duration: Histogram,
    pub(crate) upstream_duration: Histogram,
    pub(crate) upstream_connections: Counter,
    pub(crate) upstream_failures: Counter,
    pub(crate) streams_cut: Counter,
    pub(crate) access_log_dropped: Counter,
    #[cfg(feature = "otlp")]
    pub(crate) spans_dropped: Counter,
    pub(crate) key_events_dropped: Counter,
    /// Tunnels open now: one is counted when it begins, and taken off when it ends.
    pub(crate) tunnels: Counter,
    /// Bytes that tunnels have carried.
    pub(crate) tunnelled_from_clients: Counter,
    pub(crate) tunnelled_to_clients: Counter,
    /// Set, not counted: requests open now.
    pub(crate) streams: AtomicU64,
    /// Set, not counted: bytes that connections of HTTP/2 hold for what they have once needed.
    pub(crate) idle_room: AtomicU64,
    /// Client connections that the worker has. Others count them, too, before they send it one.
    pub(crate) connections: AtomicUsize,
}

impl Default for Cells {
    fn default() -> Self {
        Self {
            refusals: std::array::from_fn(|_| Counter::default()),
            shadow_refusals: std::array::from_fn(|_| Counter::default()),
            proof_failures: Default::default(),
            requests: (0..SERVICES).map(|_| OnceLock::new()).collect(),
            unrouted: Default::default(),
            request_duration: Histogram::default(),
            decision_duration: Histogram::default(),
            upstream_duration: Histogram::default(),
            upstream_connections: Counter::default(),
            upstream_failures: Counter::default(),
            streams_cut: Counter::default(),
            access_log_dropped: Counter::default(),
            #[cfg(feature = "otlp")]
            spans_dropped: Counter::default(),
            key_events_dropped: Counter::default(),
            tunnels: Counter::default(),
            tunnelled_from_clients: Counter::default(),
            tunnelled_to_clients: Counter::default(),
            streams: AtomicU64::new(0),
            idle_room: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
        }
    }
}

impl Cells {
    /// Counts a request that was answered with `status`.
    pub(crate) fn count_request(&self, service: Option<ServiceId>, status: http::StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        let counters = match service {
            Some(ServiceId(id)) => {
                let cell = self.requests.get((id as usize).min(SERVICES - 1));
                cell.map_or(&self.unrouted, |cell| cell.get_or_init(Box::default))
            }
            None => &self.unrouted,
        };
        if let Some(counter) = counters.get(class) {
            counter.add(1);
        }
    }
}

/// Connections of one listener, over all workers.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) open: AtomicUsize,
    /// By their sources, if those have a maximum.
    pub(crate) crowd: Option<Arc<Crowd>>,
    turned_away: [AtomicU64; TurnedAway::COUNT],
    /// Streams of HTTP/2.
    streams_refused: [AtomicU64; StreamRefused::ALL.len()],
    /// `None` = of a plain listener.
    handshakes: Option<Handshakes>,
}

#[derive(Debug, Default)]
struct Handshakes {
    full: AtomicU64,
    resumed: AtomicU64,
    failures: [AtomicU64; Failure::COUNT],
}

impl Connections {
    pub(crate) fn new(settings: &ListenerSettings, tls: bool) -> Self {
        let most = settings.max_connections_per_source;
        Self {
            open: AtomicUsize::new(0),
            crowd: most.map(|most| Arc::new(Crowd::new(most))),
            turned_away: Default::default(),
            streams_refused: Default::default(),
            handshakes: tls.then(Handshakes::default),
        }
    }

    pub(crate) fn turn_away(&self, reason: TurnedAway) {
        if let Some(counter) = self.turned_away.get(reason.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn refuse_stream(&self, why: StreamRefused) {
        if let Some(counter) = self.streams_refused.get(why.index()) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn count_handshake(&self, resumed: bool) {
        if let Some(handshakes) = &self.handshakes {
            let kind = if resumed { &handshakes.resumed } else { &handshakes.full };
            kind.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn count_failure(&self, failure: Failure) {
        let failures = self.handshakes.as_ref().map(|handshakes| &handshakes.failures);
        if let Some(counter) = failures.and_then(|failures| failures.get(failure.index())) {
            counter.fetch_add(1, Relaxed);
        }
    }
}

/// Everything that the data plane counts. Register it with a Prometheus registry.
#[derive(Clone)]
pub struct Metrics {
    workers: Vec<Arc<Cells>>,
    listeners: Vec<(String, Arc<Connections>)>,
    reader: SnapshotReader,
    strangers: Option<Arc<Strangers>>,
    access_log: Arc<Written>,
    upstreams: Upstreams,
    clock: Arc<dyn Clock>,
    descriptions: Vec<prometheus::core::Desc>,
}
