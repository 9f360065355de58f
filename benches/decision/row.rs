//! One row: calls that all come to the same.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Instant;

use tollgate_core::{
    Call, CallKey, Decision, Digest, Keyed, Presented, Record, Refusal, Route, Scheme,
};

use crate::world::chance::Chance;
use crate::world::{Kind, NOW, World, key};

/// Calls that are timed together.
const BATCH: usize = 1000;

/// What is done with each key.
pub(crate) enum Work {
    /// It is digested.
    Digest,
    /// Its digest is looked up.
    LookUp,
    /// A call of it is decided.
    Decide {
        /// Where it leads.
        route: Route,
        /// What it brings beside the key.
        secret: Option<&'static [u8]>,
        /// What comes of it; `None` = it is admitted.
        refusal: Option<Refusal>,
    },
}

/// Whose calls.
#[derive(Clone, Copy)]
pub(crate) enum Callers {
    Known(Kind),
    /// Keys that nobody has.
    Unknown,
    /// Keys with a mistake in them.
    Mistyped,
}

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) callers: Callers,
    pub(crate) work: Work,
}

/// What a round has shown.
pub(crate) struct Measured {
    /// Nanoseconds of a call.
    pub(crate) took: f64,
    /// So many calls came to something else.
    pub(crate) other: usize,
}

impl Callers {
    fn draw(self, world: &World, chance: &mut Chance) -> String {
        match self {
            Self::Known(kind) => key(world.draw(kind, chance)),
            Self::Unknown => key(world.size + chance.below(world.size)),
            Self::Mistyped => {
                let mut key = key(chance.below(world.size));
                let last = key.pop();
                key.push(if last == Some('x') { 'y' } else { 'x' });
                key
            }
        }
    }
}

impl Row {
    /// Measures so many calls. With `alone` none begins before the one before it has ended.
    pub(crate) fn round(&self, world: &mut World, chance: &mut Chance, alone: bool) -> Measured {
        let keys: Vec<String> = (0..BATCH).map(|_| self.callers.draw(world, chance)).collect();
        match &self.work {
            Work::Digest => timed(&keys, alone, |key| {
                usize::from(Scheme::Sha256.digest(key.as_bytes()).bytes()[0])
            }),
            Work::LookUp => {
                let digest = |key: &String| Scheme::Sha256.digest(key.as_bytes());
                let digests: Vec<Digest> = keys.iter().map(digest).collect();
                let root = world.root();
                timed(&digests, alone, |digest| {
                    let found = root.keys.find(digest).unwrap_or(&Record::VACANT);
                    found.meter.number() as usize
                })
            }
            Work::Decide { route, secret, refusal } => {
                let proof = secret
                    .map_or(Presented::Nothing, |proof| Presented::Proof { proof, time: None });
                let expected = refusal.map_or(usize::MAX, Refusal::index);
                if *refusal == Some(Refusal::SnapshotStale) {
                    world.writer.lease_until(0);
                }
                let (root, decider) = (world.root(), &world.decider);
                let mut other = 0;
                let measured = timed(&keys, alone, |key| {
                    let key = CallKey::Presented(key.as_bytes());
                    let source = Some(Ipv4Addr::LOCALHOST.into());
                    let call = Call::new(key, route, source).with_proof(proof);
                    let (came_to, next) = match decider.decide(&root, &call, NOW) {
                        Decision::Admit(permit, _) => {
                            (usize::MAX, permit.meter().number() as usize)
                        }
                        Decision::Refuse(refused, _) => {
                            (refused.refusal.index(), refused.refusal.index())
                        }
                    };
                    other += usize::from(came_to != expected);
                    next
                });
                world.writer.lease_until(u64::MAX);
                Measured { other, ..measured }
            }
        }
    }
}

/// Does `work` with each.
fn timed<T>(all: &[T], alone: bool, mut work: impl FnMut(&T) -> usize) -> Measured {
    // It is 0, but the compiler does not know: what is multiplied with it makes the next call wait for the result of
    // the one before.
    let nothing = black_box(0);
    let mut at = 0;
    let began = Instant::now();
    while let Some(each) = all.get(at) {
        let result = work(black_box(each));
        let waits = if alone { result * nothing } else { 0 };
        black_box(result);
        at += 1 + waits;
    }
    Measured { took: began.elapsed().as_nanos() as f64 / all.len() as f64, other: 0 }
}
