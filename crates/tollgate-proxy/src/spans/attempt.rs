//! Attempts to have a request answered by a server of its upstream, each a span below the request's.

use http::{Request, StatusCode};
use tollgate_core::{Refusal, ServerAddress, ServerTarget};

use crate::account::Account;
use crate::body::OutBody;
use crate::trace::PARENT;
use crate::upstream::{Chosen, Pool};
use crate::worker::Worker;

/// One attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Of its span.
    pub(crate) id: u64,
    /// Nanoseconds of the monotonic clock.
    pub(crate) began: u64,
    /// When there was the head of a response, or a failure; `None` = the request ended before.
    pub(crate) ended: Option<u64>,
    /// The name of the upstream.
    pub(crate) upstream: Box<str>,
    /// The server's host, or the path of its Unix socket.
    pub(crate) server: Box<str>,
    /// `None` = a Unix socket has none.
    pub(crate) port: Option<u16>,
    pub(crate) tls: bool,
    /// As the server sees it, without the query.
    pub(crate) path: Box<str>,
    pub(crate) outcome: Option<Result<StatusCode, Refusal>>,
}

impl Worker {
    /// Notes that a request, if it is recorded, goes to a server now, and tells that so.
    pub(crate) fn begin_attempt(
        &self,
        pool: &Pool,
        chosen: &Chosen,
        request: &mut Request<OutBody>,
        account: &mut Account,
    ) {
        let Some(attempts) = account.attempts() else { return };
        let Some((tracer, target)) = self.tracer.as_ref().zip(pool.target(chosen)) else { return };
        let id = tracer.span_id();
        let (server, port) = place(target);
        attempts.push(Attempt {
            id,
            began: self.clock.monotonic(),
            ended: None,
            upstream: pool.known().name().into(),
            server,
            port,
            tls: target.tls.is_some(),
            path: request.uri().path().into(),
            outcome: None,
        });
        // An upstream that is not to know of traces does not.
        if request.headers().contains_key(PARENT) {
            account.tell_attempt(id, request.headers_mut());
        }
    }

    /// Notes what came of the last attempt.
    pub(crate) fn end_attempt(&self, account: &mut Account, outcome: Result<StatusCode, Refusal>) {
        if let Some(attempt) = account.attempts().and_then(|attempts| attempts.last_mut()) {
            attempt.ended = Some(self.clock.monotonic());
            attempt.outcome = Some(outcome);
        }
    }
}

fn place(target: &ServerTarget) -> (Box<str>, Option<u16>) {
    match &target.address {
        ServerAddress::Tcp { host, port } => (host.clone(), Some(*port)),
        ServerAddress::Unix(path) => (path.to_string_lossy().into(), None),
    }
}
