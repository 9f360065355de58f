//! What idle connections of HTTP/2 may hold in all.
//!
//! HTTP/2's own code does not give back what the largest head, the longest frame and the most streams of a connection
//! have once needed. Where idle connections hold too much of it, those go that have held most for longest.

use std::cmp::Reverse;
use std::rc::Rc;

use super::Worker;

impl Worker {
    /// Asks idle connections to go until the others hold no more than they may.
    pub(super) fn make_room(&self, now: u64) {
        let most = self.settings.idle_room;
        let mut held = 0;
        self.connections.look(|client| {
            held += client.as_ref().and_then(|client| client.idle()).map_or(0, |(_, bytes)| bytes);
        });
        if held <= most {
            return;
        }
        let mut idle = Vec::new();
        self.connections.look(|client| {
            let found = client.as_ref().and_then(|client| Some((client.idle()?, client)));
            idle.extend(found.map(|((since, bytes), client)| {
                let cost = u128::from(bytes) * u128::from(now.saturating_sub(since));
                (cost, bytes, Rc::clone(client))
            }));
        });
        idle.sort_unstable_by_key(|(cost, ..)| Reverse(*cost));
        for (_, bytes, client) in idle {
            if held <= most {
                return;
            }
            held -= bytes;
            client.retire(now);
        }
    }
}
