//! Threads that decide all the time.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tollgate_core::{Call, CallKey, Decider, Mailbox, Notice, SnapshotReader};

use crate::world::chance::Chance;
use crate::world::services::PLAIN;
use crate::world::{Kind, NOW, World, key};

/// Keys that each thread calls with, in turn.
const KEYS: usize = 200_000;

/// Nanoseconds that count as the same.
const STEP: usize = 8;

/// How often it took so many steps; the last = longer.
type Counts = Box<[u64; 1 << 13]>;

pub(crate) struct Readers {
    counts: Vec<Receiver<Counts>>,
    /// One round after the other.
    go: Vec<Sender<Arc<AtomicBool>>>,
    _threads: Vec<JoinHandle<()>>,
}

/// What a round has shown.
pub(crate) struct Round {
    /// Nanoseconds of a decision.
    pub(crate) p99: f64,
}

/// Where a thread is told of snapshots.
struct Mail(Sender<Notice>);

impl Mailbox for Mail {
    fn post(&self, notice: Notice) {
        // A thread that has ended answers by that.
        let _ = self.0.send(notice);
    }
}

impl Readers {
    /// On all cores but the one that publishes.
    pub(crate) fn start(world: &mut World) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut readers = Self { counts: vec![], go: vec![], _threads: vec![] };
        for number in 0..cores.saturating_sub(1).max(1) {
            let mut chance = Chance::new(number as u64 + 100);
            let draw = |_| key(world.draw(Kind::Good, &mut chance));
            let keys: Vec<String> = (0..KEYS).map(draw).collect();
            let (post, mail) = mpsc::channel();
            let (go, rounds) = mpsc::channel();
            let (tell, counts) = mpsc::channel();
            world.writer.add_worker(Box::new(Mail(post)));
            let (reader, decider) = (world.reader.clone(), world.decider.clone());
            let thread =
                thread::spawn(move || serve(&reader, &decider, &keys, &mail, &rounds, &tell));
            readers.counts.push(counts);
            readers.go.push(go);
            readers._threads.push(thread);
        }
        readers
    }

    /// Has them decide while `meanwhile` runs.
    pub(crate) fn round(&mut self, meanwhile: impl FnOnce()) -> Round {
        let stop = Arc::new(AtomicBool::new(false));
        for go in &self.go {
            go.send(Arc::clone(&stop)).expect("a thread");
        }
        meanwhile();
        stop.store(true, Relaxed);
        let mut all: Counts = Box::new([0; 1 << 13]);
        for counts in &self.counts {
            let counts = counts.recv().expect("a thread");
            all.iter_mut().zip(counts.iter()).for_each(|(all, one)| *all += one);
        }
        let most = all.iter().sum::<u64>() / 100 * 99;
        let mut below = 0;
        let at = all.iter().position(|count| {
            below += count;
            below > most
        });
        Round { p99: (at.unwrap_or(0) * STEP) as f64 }
    }
}

/// Decides in each round until it stops; answers notices all the time.
fn serve(
    reader: &SnapshotReader,
    decider: &Decider,
    keys: &[String],
    mail: &Receiver<Notice>,
    rounds: &Receiver<Arc<AtomicBool>>,
    tell: &Sender<Counts>,
) {
    let mut cache = reader.cache();
    let mut next = keys.iter().cycle();
    loop {
        let stop = match rounds.recv_timeout(Duration::from_millis(1)) {
            Ok(stop) => stop,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                mail.try_iter().for_each(drop);
                continue;
            }
        };
        let mut counts: Counts = Box::new([0; 1 << 13]);
        while !stop.load(Relaxed) {
            let Some(key) = next.next() else { return };
            let began = Instant::now();
            let Some(root) = cache.load() else { return };
            let call = Call::new(CallKey::Presented(key.as_bytes()), &PLAIN, None);
            drop(std::hint::black_box(decider.decide(root, &call, NOW)));
            let steps = began.elapsed().as_nanos() as usize / STEP;
            counts[steps.min(counts.len() - 1)] += 1;
            mail.try_iter().for_each(drop);
        }
        if tell.send(counts).is_err() {
            return;
        }
    }
}
