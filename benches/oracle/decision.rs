//! The decision by itself, in this process.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use prometheus::Registry;
use tollgate::config::Config;
use tollgate_control::{Publisher, PublisherMetrics};
use tollgate_core::{
    Call, CallKey, Clock, Decider, Decision, EndpointId, FrontId, Now, Route, handoff,
};

use crate::house::{KEYS, STATES, key};
use crate::order::Order;

/// Decisions that are timed together.
const BATCH: usize = 50;

const ROUNDS: usize = 2000;

const ROUTE: Route = Route { front: FrontId(0), endpoint: EndpointId(0), method: None };

struct Still(Now);

impl Clock for Still {
    fn now(&self) -> Now {
        self.0
    }
}

/// The nanoseconds of a decision of each state, by round.
pub(crate) fn measure(config: &Path) -> Vec<[f64; STATES.len()]> {
    let (config, _) = Config::load(config, 0).expect("a configuration without problems");
    let (writer, reader) = handoff();
    let metrics = PublisherMetrics::register(&Registry::new()).expect("metrics");
    let mut publisher = Publisher::new(writer, 1, metrics);
    let now = Now { monotonic: 1_000_000_000, unix_ms: 1_800_000_000_000 };
    publisher
        .publish(&config.objects.objects, None, now.unix(), Instant::now())
        .expect("a revision");
    let root = reader.current().expect("a snapshot");
    let decider = Decider::new(reader, Arc::new(Still(now)));

    let keys: Vec<Vec<String>> = (0..STATES.len())
        .map(|state| (0..KEYS).map(|number| key(state, number)).collect())
        .collect();
    let mut order = Order::default();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS + ROUNDS / 10 {
        let mut took = [0.0; STATES.len()];
        for state in order.shuffled() {
            let batch = (0..BATCH).map(|each| (round * BATCH + each) % KEYS);
            let began = Instant::now();
            for number in batch {
                let key = CallKey::Presented(keys[state][number].as_bytes());
                let call = Call::new(key, &ROUTE, Some(Ipv4Addr::LOCALHOST.into()));
                let decision = decider.decide(&root, black_box(&call), now);
                assert!(matches!(black_box(&decision), Decision::Refuse(..)));
            }
            took[state] = began.elapsed().as_nanos() as f64 / BATCH as f64;
        }
        rounds.push(took);
    }
    rounds.split_off(ROUNDS / 10)
}
