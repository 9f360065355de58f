//! A control plane and proxies with a network between them that drops, delays, repeats, reorders and cuts;
//! each of them killed now and then, and the store put back to its backup. Everything is drawn from a seed.

mod broken;
mod control;
mod judge;
mod network;
mod place;
mod store;

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use broken::Broken;
use control::Control;
use place::Place;
use store::Store;
use tollgate_core::Revision;

use super::*;
use crate::synthetic::Synthetic;
use crate::wire::Numbering;

/// Keys to begin with.
const KEYS: u32 = 12;
const PROXIES: usize = 3;
/// Seconds.
const SERVE_FOR: u64 = 20;
/// Milliseconds since 1970 at which it begins.
const BEGIN: u64 = 1_811_808_000_000;
/// Milliseconds that pass at once.
const PASS: u64 = 10;
/// So many times things happen, and so many times at most until all is well again.
const TROUBLED: usize = 3000;
const HEALING: usize = 2500;

/// Numbers that look random.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

struct World {
    draw: Draw,
    now: u64,
    store: Store,
    control: Option<Control>,
    /// Processes of the control plane so far.
    generations: u64,
    places: Vec<Place>,
    /// Connections so far.
    connections: u64,
    /// Whether nothing goes wrong any more.
    heals: bool,
    /// What the proxies' machines do wrong; `None` = they are as they are.
    broken: Option<Broken>,
}

fn synthetic(numbering: Numbering) -> Synthetic {
    Synthetic {
        seed: 7,
        keys: KEYS,
        numbering,
        environment: "production".to_owned(),
        upstream: "origin".to_owned(),
        revision: Revision { epoch: 1, number: 1 },
        published: BEGIN,
    }
}

impl World {
    fn new(seed: u64, broken: Option<Broken>) -> Self {
        Self {
            draw: Draw(seed),
            now: 1000,
            store: Store::new(),
            control: None,
            generations: 0,
            places: (0..PROXIES).map(|_| Place::default()).collect(),
            connections: 0,
            heals: false,
            broken,
        }
    }

    fn moment(&self) -> Moment {
        Moment { monotonic: self.now, unix: BEGIN + self.now }
    }

    /// What happens in ten milliseconds.
    fn pass(&mut self) {
        self.now += PASS;
        if self.control.is_none() && (self.heals || self.draw.chance(3)) {
            self.start_control();
        }
        if !self.heals {
            if self.draw.chance(4) {
                self.commit();
            }
            match self.draw.below(3000) {
                0 | 1 => self.control = None,
                2 => self.store.back_up(),
                3 => self.restore(),
                _ => {}
            }
        }
        for at in 0..PROXIES {
            self.pass_at(at);
        }
    }

    fn pass_at(&mut self, at: usize) {
        if self.places[at].proxy.is_none() && (self.heals || self.draw.chance(5)) {
            self.start_proxy(at);
        }
        if !self.heals {
            match self.draw.below(2400) {
                0..3 => self.kill_proxy(at),
                3..11 => self.cut(at),
                _ => {}
            }
        }
        self.deliver(at);
        self.fetched(at);
        self.synced(at);
        self.step(at, Event::Tick);
        self.work(at);
        self.hold(at);
    }

    /// All that is drawn from a seed, and what comes of it.
    fn run(seed: u64, broken: Option<Broken>) {
        let mut world = Self::new(seed * 7919 + 1, broken);
        for _ in 0..TROUBLED {
            world.pass();
        }
        world.heals = true;
        let settled = (0..HEALING).any(|_| {
            world.pass();
            world.is_settled()
        });
        assert!(settled, "it does not come to rest");
        world.assert_converged();
    }
}

/// So many seeds, or as many as TOLLGATE_SEEDS says.
const SEEDS: u64 = 40;

fn seeds() -> u64 {
    let seeds = std::env::var("TOLLGATE_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    seeds.unwrap_or(SEEDS)
}

#[test]
fn whatever_the_network_does_every_proxy_comes_to_what_the_store_has() {
    let seeds = seeds();
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let run = || {
        let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
        let failed = taken.take_while(|seed| *seed < seeds);
        failed.filter(|seed| catch_unwind(|| World::run(*seed, None)).is_err()).collect::<Vec<_>>()
    };
    let failed: Vec<u64> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().flat_map(|running| running.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "seeds {failed:?}");
}
