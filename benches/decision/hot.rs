//! Many threads at one key.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use tollgate_core::{Batch, Call, CallKey, Change, Decision, TermsId};

use crate::spread::Spread;
use crate::world::services::PLAIN;
use crate::world::{NOW, World, key, limited};

/// Of so many calls together half are to be admitted.
const CALLS: u32 = 400_000;

const ROUNDS: u64 = 7;

/// The key that everybody calls with, and the terms that it has.
const HOT: u32 = 31;
const TERMS: TermsId = TermsId(9);

pub(crate) fn measure() {
    println!("\none key, called {CALLS} times under a quota of half of it");
    println!("{:<22} {:>8}  half of the rounds", "", "ns of a thread a call");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, cores, 2 * cores] {
        let took = (0..ROUNDS).map(|_| contend(threads as u32)).collect();
        println!("{:<22} {}", format!("{threads} threads"), Spread::of(took));
    }
    println!("admitted was in each round exactly the quota");
}

/// The nanoseconds of a call on a thread.
fn contend(threads: u32) -> f64 {
    let mut world = World::new(64, 0);
    let quota = u64::from(CALLS / 2);
    let record = tollgate_core::Record { terms: TERMS, ..world.record(HOT) };
    let batch = Batch {
        keys: vec![Change::Put(record)],
        terms: vec![(TERMS, Some(limited(1_000, quota).into()))],
        ..Batch::default()
    };
    let revision = world.next_revision();
    world.writer.publish(batch, revision, NOW.unix(), || unreachable!(), || ());
    let (root, key) = (world.root(), key(HOT));
    let start = Barrier::new(threads as usize);
    let one = || {
        let mut admitted = 0;
        start.wait();
        let began = Instant::now();
        for _ in 0..CALLS / threads {
            let call = Call::new(CallKey::Presented(key.as_bytes()), &PLAIN, None);
            let decision = world.decider.decide(&root, &call, NOW);
            admitted += u64::from(matches!(decision, Decision::Admit(..)));
        }
        (admitted, began.elapsed().as_nanos() as f64 / f64::from(CALLS / threads))
    };
    let (admitted, took) = thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let ended = all.into_iter().map(|thread| thread.join().expect("a thread"));
        ended.fold((0, 0.0), |(all, time), (admitted, took)| (all + admitted, time + took))
    });
    assert_eq!(admitted, quota, "the bound is exact");
    took / f64::from(threads)
}
