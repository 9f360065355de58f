//! Clients that call without a pause, and what they are answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;

use super::{Connection, Http1, Request, wait_for};

/// Clients at work.
pub(crate) struct Load {
    state: Arc<State>,
    clients: Vec<JoinHandle<BTreeMap<u16, usize>>>,
}

#[derive(Default)]
struct State {
    over: AtomicBool,
    answers: AtomicUsize,
}

impl Load {
    /// So many clients send `request` over a connection each.
    pub(crate) fn of(clients: usize, request: &Request) -> Self {
        let state = Arc::<State>::default();
        let client = |_| {
            let (state, request) = (Arc::clone(&state), request.clone());
            std::thread::spawn(move || {
                let mut statuses = BTreeMap::new();
                let mut connection = Http1::connect(request.address);
                while !state.over.load(SeqCst) {
                    *statuses.entry(connection.send(&request).status).or_default() += 1;
                    state.answers.fetch_add(1, SeqCst);
                }
                statuses
            })
        };
        let clients = (0..clients).map(client).collect();
        Self { state, clients }
    }

    /// Waits for so many more answers.
    pub(crate) fn goes_on(&self, answers: usize) {
        let until = self.state.answers.load(SeqCst) + answers;
        wait_for("more answers", || (self.state.answers.load(SeqCst) >= until).then_some(()));
    }

    /// How many answers there were of each status, all told.
    pub(crate) fn end(self) -> BTreeMap<u16, usize> {
        self.state.over.store(true, SeqCst);
        let mut all = BTreeMap::new();
        for client in self.clients {
            for (status, count) in client.join().unwrap() {
                *all.entry(status).or_default() += count;
            }
        }
        all
    }
}
