//! Machines that are broken on purpose, to see that a simulation finds it. What one of them leaves out, its driver
//! takes away from what the sound one is told.

use std::any::Any;
use std::panic::catch_unwind;

use super::{World, seeds};
use crate::subscribe::{Event, Subscriber};
use crate::wire::{ServerHeartbeat, ToProxy};

/// What a machine does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It does not see that batches are missing.
    BlindToGaps,
    /// It acknowledges a batch as it arrives, before it is applied or kept.
    AcknowledgesAtOnce,
    /// It acknowledges a batch that is on the disk, and workers may not have heard of yet.
    AcknowledgesUnenforced,
    /// It renews its lease by any answer, whatever it has missed.
    LeaseByAnyAnswer,
}

impl Broken {
    /// What it is told in the place of what happens.
    pub(super) fn told(self, event: Event, machine: &Subscriber) -> Vec<Event> {
        let held = machine.held().map(|held| held.revision);
        let mut told = Vec::new();
        let event = match (self, event) {
            (Self::BlindToGaps, Event::Arrived(said)) => match (*said, held) {
                (ToProxy::Batch(mut batch), Some(held)) => {
                    batch.previous = held;
                    arrived(ToProxy::Batch(batch))
                }
                (ToProxy::Heartbeat(heartbeat), Some(_)) => promising_nothing(heartbeat, machine),
                (said, _) => arrived(said),
            },
            (Self::AcknowledgesAtOnce, Event::Arrived(said)) => {
                if let ToProxy::Batch(batch) = &*said {
                    told.extend([Event::Synced(batch.revision), Event::Enforced(batch.revision)]);
                }
                Event::Arrived(said)
            }
            (Self::AcknowledgesUnenforced, Event::Published(revision, published)) => {
                told.push(Event::Enforced(revision));
                Event::Published(revision, published)
            }
            (Self::LeaseByAnyAnswer, Event::Arrived(said)) => match *said {
                ToProxy::Heartbeat(heartbeat) => promising_nothing(heartbeat, machine),
                said => arrived(said),
            },
            (_, event) => event,
        };
        told.push(event);
        told
    }
}

fn arrived(said: ToProxy) -> Event {
    Event::Arrived(Box::new(said))
}

/// An answer as if nothing were newer than what is acknowledged.
fn promising_nothing(heartbeat: ServerHeartbeat, machine: &Subscriber) -> Event {
    let newest = machine.acknowledgements.acknowledged().unwrap_or(heartbeat.newest);
    arrived(ToProxy::Heartbeat(ServerHeartbeat { newest, ..heartbeat }))
}

#[test]
fn a_broken_machine_breaks_what_a_simulation_holds_it_to() {
    let lost = "an acknowledged revocation is lost";
    for (broken, found) in [
        (Broken::BlindToGaps, lost),
        (Broken::AcknowledgesAtOnce, lost),
        (Broken::AcknowledgesUnenforced, lost),
        (Broken::LeaseByAnyAnswer, "is missed for"),
    ] {
        let says = |seed| {
            let ended = catch_unwind(|| World::run(seed, Some(broken)));
            ended.err().is_some_and(|why| text(&*why).contains(found))
        };
        let seed = (0..seeds()).find(|seed| says(*seed));
        println!("{broken:?}: found by seed {seed:?}");
        assert!(seed.is_some(), "{broken:?} is not found");
    }
}

/// What a panic has said.
fn text(why: &(dyn Any + Send)) -> &str {
    let owned = why.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| why.downcast_ref().copied()).unwrap_or_default()
}
