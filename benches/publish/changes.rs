//! Changes, and how long they take.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use tollgate_core::Batch;

use crate::resident::resident;
use crate::world::chance::Chance;
use crate::world::{Kind, NOW, World, limited};

/// Old snapshots that are kept to see what each has anew.
const KEPT: usize = 256;

/// A number of changes at once, again and again.
pub(crate) struct Changes {
    pub(crate) count: usize,
    /// Between two publishes.
    pub(crate) pause: Duration,
}

/// Microseconds of a publish.
pub(crate) struct Published {
    /// Until its snapshot was stored and every thread was told.
    pub(crate) stored: f64,
    /// Until every thread had answered.
    pub(crate) enforced: f64,
}

impl Changes {
    /// Publishes for so long.
    pub(crate) fn publish(&self, world: &mut World, time: Duration) -> Vec<Published> {
        let end = Instant::now() + time;
        let mut chance = Chance::new(end.elapsed().as_nanos() as u64 + self.count as u64);
        let mut took = Vec::new();
        while Instant::now() < end {
            let batch = self.draw(world, &mut chance);
            took.push(publish(world, batch));
            std::thread::sleep(self.pause);
        }
        took
    }

    /// Bytes that a snapshot has which the one before it has not.
    pub(crate) fn copied(&self, world: &mut World) -> f64 {
        let mut chance = Chance::new(3);
        let kept = KEPT / self.count.min(16);
        let mut roots = Vec::with_capacity(kept);
        // So that pages which are free already are used up.
        for _ in 0..kept {
            let batch = self.draw(world, &mut chance);
            publish(world, batch);
            roots.push(world.root());
        }
        let before = resident();
        for _ in 0..kept {
            let batch = self.draw(world, &mut chance);
            publish(world, batch);
            roots.push(world.root());
        }
        resident().saturating_sub(before) as f64 / kept as f64
    }

    /// Keys whose state changes, or their own ceiling where they have one.
    fn draw(&self, world: &World, chance: &mut Chance) -> Batch {
        let mut batch = Batch::default();
        for _ in 0..self.count {
            let number = world.draw(Kind::Good, chance);
            match world.own_terms(number) {
                Some(own) => {
                    let terms = limited(1 + chance.below(100_000), 1_000_000_000);
                    batch.terms.push((own, Some(terms.into())));
                }
                None => batch.keys.push(world.turned(number)),
            }
        }
        batch
    }
}

fn publish(world: &mut World, batch: Batch) -> Published {
    let revision = world.next_revision();
    let (answered, answers) = mpsc::channel();
    let began = Instant::now();
    let microseconds = move || began.elapsed().as_nanos() as f64 / 1000.0;
    let enforced = move || answered.send(microseconds()).expect("somebody waits");
    world.writer.publish(batch, revision, NOW.unix(), || unreachable!("there is one"), enforced);
    let stored = microseconds();
    Published { stored, enforced: answers.recv().expect("every thread answers") }
}
