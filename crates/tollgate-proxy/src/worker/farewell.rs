//! Open WebSockets at the end of a process: they are closed one after the other, so that their clients
//! do not all come back at once.

use std::time::Duration;

use tollgate_core::Refusal;

use super::{Worker, nanoseconds};
use crate::live::Kind;
use crate::roster::Handle;

/// The WebSockets that were open when a drain began.
#[derive(Debug)]
pub(super) struct Farewell {
    open: Vec<Handle>,
    told: usize,
    began: u64,
    /// Nanoseconds until the last is closed.
    takes: u64,
}

impl Farewell {
    /// Closes those of `worker` within `patience`, with a tenth of it to spare.
    pub(super) fn of(worker: &Worker, patience: Duration) -> Self {
        let patience = nanoseconds(patience);
        Self {
            open: worker.live.handles(|live| live.kind == Kind::WebSocket),
            told: 0,
            began: worker.clock.monotonic(),
            takes: patience - patience / 10,
        }
    }

    /// Closes those whose turn has come.
    pub(super) fn say(&mut self, worker: &Worker) {
        let elapsed = worker.clock.monotonic().saturating_sub(self.began);
        let due = due(self.open.len(), elapsed, self.takes);
        for handle in self.open.get(self.told..due).unwrap_or_default() {
            worker.live.end(*handle, Refusal::Draining);
        }
        self.told = self.told.max(due);
    }
}

/// How many of `all` are to be closed after so much of the time that it takes.
fn due(all: usize, elapsed: u64, takes: u64) -> usize {
    let share = (all as u128 * u128::from(elapsed)).checked_div(u128::from(takes));
    share
        .and_then(|share| usize::try_from(share).ok())
        .map_or(all, |share| all.min(share.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_spread_over_the_time() {
        let shares = [0, 249, 250, 500, 999, 1000].map(|elapsed| due(4, elapsed, 1000));
        assert_eq!(shares, [1, 1, 2, 3, 4, 4]);
        assert_eq!(due(0, 500, 1000), 0);
        assert_eq!(due(3, 0, 0), 3, "no time at all");
        assert_eq!(due(usize::MAX, u64::MAX, u64::MAX), usize::MAX);
    }
}
