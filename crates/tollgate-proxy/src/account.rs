//! The account of a request, closed once: when its response has ended or was dropped.

use std::rc::Rc;

use http::StatusCode;
use tollgate_core::ServiceId;

use crate::connection::Client;
use crate::worker::Worker;

/// What is counted of a request when it is over.
pub(crate) struct Account {
    worker: Rc<Worker>,
    client: Rc<Client>,
    /// When its head had arrived, in nanoseconds of the monotonic clock.
    started: u64,
    service: Option<ServiceId>,
    status: StatusCode,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.status)
    }
}

impl Account {
    /// Opens the account of a request that began at `started`. The answer is not known yet: until
    /// it is [named](Account::answer), the request counts as a client's disconnect.
    pub(crate) fn open(worker: &Rc<Worker>, client: &Rc<Client>, started: u64) -> Self {
        client.begin();
        let (worker, client) = (Rc::clone(worker), Rc::clone(client));
        Self { worker, client, started, service: None, status: CLIENT_CLOSED }
    }

    /// Names the service.
    pub(crate) fn serve(&mut self, service: ServiceId) {
        self.service = Some(service);
    }

    /// Names the answer.
    pub(crate) fn answer(&mut self, status: StatusCode) {
        self.status = status;
    }
}

/// What a request counts as whose client went away before there was an answer.
const CLIENT_CLOSED: StatusCode = StatusCode::BAD_REQUEST;

impl Drop for Account {
    fn drop(&mut self) {
        let now = self.worker.clock.monotonic();
        self.worker.cells.count_request(self.service, self.status);
        self.worker.cells.request_duration.record(now.saturating_sub(self.started));
        self.worker.coarse.set(now);
        self.client.end(now);
    }
}
