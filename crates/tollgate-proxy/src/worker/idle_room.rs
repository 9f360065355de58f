//! What connections of HTTP/2 may hold in all beyond what they need.
//!
//! HTTP/2's own code does not give back what the largest head, the longest frame and the most streams of a connection
//! have once needed. Where connections hold too much of it, idle ones go first, and of these such as have held most
//! for longest.

use std::cmp::Reverse;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use super::Worker;

impl Worker {
    /// Asks connections to go until the others hold no more than they may.
    pub(super) fn make_room(&self, now: u64) {
        let mut held = 0;
        self.connections.look(|client| {
            let surplus = client.as_ref().and_then(|client| client.surplus());
            held += surplus.map_or(0, |surplus| surplus.bytes);
        });
        if held > self.settings.idle_room {
            held = self.retire_some(now, held);
        }
        self.cells.idle_room.store(held, Relaxed);
    }

    /// What is left of the bytes that are held.
    fn retire_some(&self, now: u64, mut held: u64) -> u64 {
        let mut holding = Vec::new();
        self.connections.look(|client| {
            let found = client.as_ref().and_then(|client| Some((client.surplus()?, client)));
            let found = found.filter(|(surplus, _)| surplus.bytes > 0);
            holding.extend(found.map(|(surplus, client)| (surplus, Rc::clone(client))));
        });
        holding.sort_unstable_by_key(|(surplus, _)| {
            let time = now.saturating_sub(surplus.since);
            (!surplus.idle, Reverse(u128::from(surplus.bytes) * u128::from(time)))
        });
        for (surplus, client) in holding {
            if held <= self.settings.idle_room {
                break;
            }
            held = held.saturating_sub(surplus.bytes);
            client.retire(now);
        }
        held
    }
}
