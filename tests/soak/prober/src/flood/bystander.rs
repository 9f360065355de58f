//! Somebody who sends a request every five milliseconds, whether or not the last one was answered.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::connection::{Connection, PROTOCOLS, Protocol};

/// 200 requests a second.
const EVERY: Duration = Duration::from_millis(5);

/// Milliseconds, from when a request was due until it was answered.
pub(super) struct Waits(Vec<f64>);

pub(super) struct Bystander {
    gate: SocketAddr,
    /// Connections that wait for a request.
    idle: RefCell<Vec<Connection>>,
    waits: RefCell<Vec<f64>>,
    errors: Cell<u64>,
    sent: Cell<u64>,
}

impl Bystander {
    pub(super) fn new(gate: SocketAddr) -> Self {
        Self {
            gate,
            idle: RefCell::default(),
            waits: RefCell::default(),
            errors: Cell::new(0),
            sent: Cell::new(0),
        }
    }

    /// Sends until the time has passed and everything is answered.
    pub(super) async fn look_on(self: Rc<Self>, time: Duration) {
        let mut asked = JoinSet::new();
        let began = Instant::now();
        let mut due = began;
        while due - began < time {
            sleep_until(due.into()).await;
            let protocol = PROTOCOLS[usize::from(self.sent.get().is_multiple_of(2))];
            self.sent.set(self.sent.get() + 1);
            asked.spawn_local(Rc::clone(&self).ask(protocol, due));
            due += EVERY;
        }
        while asked.join_next().await.is_some() {}
    }

    async fn ask(self: Rc<Self>, protocol: Protocol, due: Instant) {
        let answered = match self.connection(protocol).await {
            Some(mut connection) => {
                let answer = connection.get("/soak", &[("x-api-key", "steady")]).await;
                let good = answer.is_ok_and(|(status, _)| status == 200);
                if good {
                    self.idle.borrow_mut().push(connection);
                }
                good
            }
            None => false,
        };
        if answered {
            self.waits.borrow_mut().push(due.elapsed().as_secs_f64() * 1000.0);
        } else {
            self.errors.set(self.errors.get() + 1);
        }
    }

    /// One that is idle, or a new one.
    async fn connection(&self, protocol: Protocol) -> Option<Connection> {
        let idle = {
            let mut idle = self.idle.borrow_mut();
            let at = idle.iter().position(|connection| connection.protocol == protocol);
            at.map(|at| idle.swap_remove(at))
        };
        match idle {
            Some(connection) => Some(connection),
            None => Connection::open(self.gate, protocol).await.ok(),
        }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.get()
    }

    pub(super) fn waits(&self) -> Waits {
        let mut waits = self.waits.borrow().clone();
        waits.sort_unstable_by(f64::total_cmp);
        Waits(waits)
    }
}

impl Waits {
    /// What so many of a hundred waited at most.
    pub(super) fn percent(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }
}
