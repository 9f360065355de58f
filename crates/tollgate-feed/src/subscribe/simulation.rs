//! A control plane and a proxy with a network between them that drops, delays, repeats, reorders and cuts,
//! and both of them killed now and then. Everything is drawn from a seed.

mod control;
mod proxy;

use std::collections::{BTreeMap, HashSet};
use std::io::Cursor;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Mailbox, Sender, channel};

use tollgate_core::{
    Batch, Change, Digest, FixedResponse, Record, Root, Scheme, Status, Target, Upstream,
};

use super::*;
use crate::encode::{self, Context};
use crate::file::SnapshotFile;
use crate::receive::{self, Absence, Receiver, ReceiverSettings};
use crate::synthetic::Synthetic;
use crate::wire::frame::Frames;
use crate::wire::{Numbering, SentScheme, SnapshotOffer, ToProxy};

const KEYS: u32 = 12;
/// Seconds.
const SERVE_FOR: u64 = 20;

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

/// The truth, which outlives every process.
struct Store {
    root: Root,
    /// Keys that were revoked, and by which revision.
    revoked: BTreeMap<usize, Revision>,
    /// Which key a rotated one goes on as: both are told of in one batch.
    rotated: BTreeMap<usize, usize>,
    committed: BTreeMap<Revision, u64>,
    /// Of the keys, by their numbers.
    digests: Vec<Digest>,
}

/// A process of the control plane.
struct Control {
    made: Synthetic,
    batches: Vec<SentBatch>,
    acknowledged: Option<Revision>,
    /// The connection that it serves, if any.
    serves: Option<u64>,
    answers: Option<u64>,
}

/// What survives a proxy.
#[derive(Default)]
struct Disk {
    snapshot: Option<(Vec<u8>, Numbering)>,
    tail: Vec<SentBatch>,
    synced: usize,
    contact: Option<u64>,
}

/// A process of the proxy.
struct Proxy {
    receiver: Receiver,
    subscriber: Subscriber,
    enforced: (Sender<Revision>, Mailbox<Revision>),
    lease: Option<u64>,
    /// The connection, if there is one.
    connection: Option<u64>,
    fetch: Option<(SnapshotOffer, u64)>,
}

enum Said {
    Control(ToControl),
    Proxy(Vec<u8>),
}

struct World {
    draw: Draw,
    now: u64,
    store: Store,
    control: Option<Control>,
    proxy: Option<Proxy>,
    disk: Disk,
    network: Vec<(u64, u64, Said)>,
    connections: u64,
    heals: bool,
    generations: u64,
    /// What was looked at last.
    seen: (Revision, Option<Revision>),
}

fn synthetic(numbering: Numbering) -> Synthetic {
    Synthetic {
        seed: 7,
        keys: KEYS,
        numbering,
        environment: "production".to_owned(),
        upstream: "origin".to_owned(),
        revision: Revision { epoch: 1, number: 1 },
        published: 1_811_808_000_000,
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let made = synthetic(Numbering(1));
        let root = made.root();
        let store = Store {
            committed: BTreeMap::from([(root.revision, 0)]),
            root,
            revoked: BTreeMap::new(),
            rotated: BTreeMap::new(),
            digests: (0..KEYS).map(|number| made.record(number).digest).collect(),
        };
        Self {
            draw: Draw(seed),
            now: 1000,
            store,
            control: None,
            proxy: None,
            disk: Disk::default(),
            network: Vec::new(),
            connections: 0,
            heals: false,
            generations: 0,
            seen: (Revision::default(), None),
        }
    }

    fn moment(&self) -> Moment {
        Moment { monotonic: self.now, unix: 1_811_808_000_000 + self.now }
    }

    /// What happens in ten milliseconds.
    fn pass(&mut self) {
        self.now += 10;
        if self.control.is_none() && (self.heals || self.draw.chance(3)) {
            self.start_control();
        }
        if self.proxy.is_none() && (self.heals || self.draw.chance(5)) {
            self.start_proxy();
        }
        if !self.heals {
            if self.draw.chance(4) {
                self.commit();
            }
            if self.draw.below(1500) == 0 {
                self.control = None;
            }
            if self.draw.below(800) == 0 {
                self.kill_proxy();
            }
            if self.draw.below(300) == 0 {
                self.cut();
            }
        }
        self.deliver();
        self.serve();
        self.step(Event::Tick);
        self.work();
        self.hold();
    }

    /// A crash that takes everything along that was not synced.
    fn kill_proxy(&mut self) {
        self.proxy = None;
        self.disk.tail.truncate(self.disk.synced);
        self.cut();
    }

    fn cut(&mut self) {
        self.network.clear();
        if let Some(control) = &mut self.control {
            control.serves = None;
        }
        if self.proxy.as_ref().is_some_and(|proxy| proxy.connection.is_some()) {
            self.step(Event::Closed("cut".to_owned()));
        }
        if let Some(proxy) = &mut self.proxy {
            proxy.connection = None;
        }
    }

    fn send(&mut self, connection: u64, said: Said) {
        // A stream keeps order; what a broken thing between does, happens here seldom.
        let broken = !self.heals;
        if broken && self.draw.below(60) == 0 {
            return;
        }
        let delay = if broken && self.draw.below(40) == 0 { 500 } else { self.draw.below(3) * 10 };
        if broken
            && self.draw.below(60) == 0
            && let Said::Proxy(bytes) = &said
        {
            self.network.push((self.now + delay + 20, connection, Said::Proxy(bytes.clone())));
        }
        let last = self.network.iter().map(|(at, ..)| *at).max().unwrap_or(0);
        let at = self.now + delay;
        self.network.push((if broken { at } else { at.max(last) }, connection, said));
    }

    fn deliver(&mut self) {
        let now = self.now;
        let reads =
            |world: &Self| world.proxy.as_ref().is_some_and(|proxy| proxy.subscriber.reads());
        loop {
            let readable = reads(self);
            let due = self.network.iter().position(|(at, _, said)| {
                *at <= now && (readable || matches!(said, Said::Control(_)))
            });
            let Some(due) = due else { return };
            let (_, connection, said) = self.network.remove(due);
            match said {
                Said::Control(said) => self.hear(connection, &said),
                Said::Proxy(bytes) => {
                    if self.proxy.as_ref().is_some_and(|proxy| proxy.connection == Some(connection))
                    {
                        let mut frames = Frames::default();
                        frames.push(&bytes);
                        let said = ToProxy::read(&frames.frame().unwrap().unwrap()).unwrap();
                        self.step(Event::Arrived(Box::new(said)));
                    }
                }
            }
        }
    }

    /// Workers answer some time.
    fn work(&mut self) {
        if !self.heals && self.draw.chance(50) {
            return;
        }
        while let Some(enforced) =
            self.proxy.as_ref().and_then(|proxy| proxy.enforced.1.try_recv().ok())
        {
            self.step(Event::Enforced(enforced));
        }
    }

    /// What always has to be so.
    fn hold(&mut self) {
        let Some(proxy) = &self.proxy else { return };
        let Some(root) = proxy.receiver.current() else { return };
        // Whoever admits has every revision that was committed `serve_for` ago.
        if proxy.lease.is_some_and(|ends| self.now < ends) {
            let next = self.store.committed.range(root.revision..).nth(1);
            if let Some((revision, committed)) = next {
                let open = self.now - committed;
                assert!(open <= SERVE_FOR * 1000, "revision {revision:?} is missed for {open} ms");
            }
        }
        let acknowledged = self.control.as_ref().and_then(|control| control.acknowledged);
        let seen = (root.revision, acknowledged);
        if std::mem::replace(&mut self.seen, seen) == seen {
            return;
        }
        let status =
            |number: usize| root.keys.find(&self.store.digests[number]).map(|record| record.status);
        for (number, revision) in &self.store.revoked {
            if Some(*revision) <= acknowledged {
                assert_eq!(
                    status(*number),
                    Some(Status::Revoked),
                    "an acknowledged revocation is lost"
                );
            }
        }
        for (from, to) in &self.store.rotated {
            let both = (status(*from) == Some(Status::Revoked), status(*to).is_some());
            assert_eq!(both.0, both.1, "a rotation is torn");
        }
    }

    fn assert_converged(&self) {
        let root = self.proxy.as_ref().unwrap().receiver.current().expect("a snapshot");
        assert_eq!(root.revision, self.store.root.revision);
        assert_eq!(root.keys.len(), self.store.root.keys.len());
        for expected in self.store.root.keys.iter() {
            let known = root.keys.find(&expected.digest).expect("a key is missing");
            assert_eq!((known.status, known.not_after), (expected.status, expected.not_after));
        }
        let acknowledged = self.control.as_ref().unwrap().acknowledged;
        assert_eq!(acknowledged, Some(self.store.root.revision));
        let lease = self.proxy.as_ref().unwrap().lease;
        assert!(lease.is_some_and(|ends| ends > self.now), "the lease was not renewed");
        // Keys of one chain count together, and nothing else does.
        let meters: HashSet<_> = root.keys.iter().map(|record| record.meter).collect();
        let counters: HashSet<_> = self.store.root.keys.iter().map(Synthetic::counter).collect();
        assert_eq!(meters.len(), counters.len());
    }
}

/// So many seeds, or as many as TOLLGATE_SEEDS says.
const SEEDS: u64 = 60;

#[test]
fn whatever_the_network_does_every_proxy_comes_to_what_the_store_has() {
    let seeds = std::env::var("TOLLGATE_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    for seed in 0..seeds.unwrap_or(SEEDS) {
        let whole = std::panic::catch_unwind(|| {
            let mut world = World::new(seed * 7919 + 1);
            for _ in 0..3000 {
                world.pass();
            }
            world.heals = true;
            for _ in 0..2500 {
                world.pass();
            }
            world.assert_converged();
        });
        assert!(whole.is_ok(), "seed {seed}");
    }
}
