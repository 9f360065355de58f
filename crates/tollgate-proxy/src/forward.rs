//! An admitted request on its way to the upstream, and the response on its way back (design §3,
//! steps 6 and 7).

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tollgate_core::{FrontId, Now, Refusal};

use crate::account::Account;
use crate::body::{Content, OutBody, Relay};
use crate::headers;
use crate::live::LiveEntry;
use crate::respond::{self, Told};
use crate::roster::Deadline;
use crate::upstream::{ConnectError, Destination, Lease, Pool, Unreached, is_unprocessed};
use crate::worker::{Worker, nanoseconds};

/// A request that may go upstream. Its permit stands on the live list.
pub(crate) struct Admitted {
    pub(crate) request: Request<OutBody>,
    pub(crate) live: LiveEntry,
    pub(crate) destination: Rc<Destination>,
    pub(crate) front: FrontId,
    pub(crate) told: Told,
    pub(crate) started: Now,
}

impl Worker {
    /// Sends the request and answers with what comes back, or with the refusal that ended it.
    pub(crate) async fn forward(
        &self,
        admitted: Admitted,
        account: &mut Account,
    ) -> Response<Content> {
        let Admitted { request, live, destination, front, told, started } = admitted;
        let mut response = match &*destination {
            Destination::Fixed { status, headers, body } => {
                let mut response = Response::new(Content::full(body.clone()));
                *response.status_mut() = *status;
                response.headers_mut().clone_from(headers);
                response
            }
            Destination::Server(pool) => {
                let exchanged = self.exchange(pool, request, &live).await;
                let exchanged = exchanged.and_then(|exchanged| self.cleaned(exchanged));
                let elapsed = self.clock.monotonic().saturating_sub(started.monotonic);
                account.noted(|note| note.upstream(elapsed));
                match exchanged {
                    Ok((response, lease)) => {
                        self.cells.upstream_duration.record(elapsed);
                        let idle = nanoseconds(pool.timeouts.idle);
                        self.relay(response, lease, live, &destination, idle)
                    }
                    Err(refusal) => return self.refuse_late(front, refusal),
                }
            }
        };
        let mut arena = self.arena.borrow_mut();
        respond::tell(&mut arena, &self.settings, response.headers_mut(), told, started);
        response
    }

    /// A response that ends here or goes on by what its head says; a connection on which nobody can
    /// tell where it ends is used no more.
    fn cleaned(
        &self,
        (mut response, lease): (Response<Incoming>, Lease),
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let cleaned = headers::clean_response(response.headers_mut());
        cleaned.map(|()| (response, lease)).map_err(|refusal| self.failed(refusal))
    }

    fn relay(
        &self,
        response: Response<Incoming>,
        lease: Lease,
        live: LiveEntry,
        destination: &Rc<Destination>,
        idle: u64,
    ) -> Response<Content> {
        let (mut head, incoming) = response.into_parts();
        head.extensions.clear();
        head.version = Version::HTTP_11;
        let at = self.coarse.now().saturating_add(idle);
        live.set_deadline(Deadline { at, late: Refusal::UpstreamTimeout });
        let content = Content::relay(Relay {
            incoming,
            lease: Some(lease),
            destination: Rc::clone(destination),
            live: Some(live),
            clock: Rc::clone(&self.coarse),
            idle,
        });
        Response::from_parts(head, content)
    }

    /// One request and the head of its response, over a connection of the pool or a new one.
    async fn exchange(
        &self,
        pool: &Pool,
        mut request: Request<OutBody>,
        live: &LiveEntry,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let mut sent_before = false;
        loop {
            let mut lease = self.lease(pool, &request, sent_before, live).await?;
            request = lease.shape(request).ok_or(Refusal::BadRequest)?;
            let (wait, late) = if request.body().is_streaming() {
                (pool.timeouts.idle, Refusal::RequestTimeout)
            } else {
                (pool.timeouts.first_byte, Refusal::UpstreamTimeout)
            };
            let at = self.coarse.now().saturating_add(nanoseconds(wait));
            live.set_deadline(Deadline { at, late });
            let idempotent = request.method().is_idempotent();
            // A server that speaks HTTP/2 may say that it did nothing with a request of any method.
            let may_repeat = !sent_before && (lease.is_shared() || idempotent && lease.reused);
            let again = may_repeat.then(|| copy(&request)).flatten();
            let error = match lease.send(request, |cx| live.poll_end(cx)).await? {
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    // Nobody asked for it: the fields that would have were taken out.
                    return Err(self.failed(Refusal::UpstreamBadResponse));
                }
                Ok(response) => return Ok((response, lease)),
                Err(error) => error,
            };
            // A connection that had served before was closed by the upstream as the request was on
            // its way: not sent at all, or without a response. The second time it goes over a new
            // connection, and there is no third.
            request = self.unsent(error, again, idempotent, &lease)?;
            sent_before = true;
        }
    }

    /// The request, if it may be sent once more.
    fn unsent(
        &self,
        mut error: TrySendError<Request<OutBody>>,
        again: Option<Request<OutBody>>,
        idempotent: bool,
        lease: &Lease,
    ) -> Result<Request<OutBody>, Refusal> {
        if let Some(unsent) = error.take_message() {
            let may_have_been_stale = lease.reused;
            return if may_have_been_stale {
                Ok(unsent)
            } else {
                Err(self.failed(Refusal::UpstreamUnreachable))
            };
        }
        let error = error.error();
        let nothing_was_done = is_unprocessed(error)
            || idempotent && lease.reused && !lease.heard() && closed_unanswered(error);
        again.filter(|_| nothing_was_done).ok_or_else(|| self.failed(Refusal::UpstreamBadResponse))
    }

    /// A connection for a request: one of the pool unless it is sent again, else a new one.
    async fn lease(
        &self,
        pool: &Pool,
        request: &Request<OutBody>,
        again: bool,
        live: &LiveEntry,
    ) -> Result<Lease, Refusal> {
        let once = !request.method().is_idempotent() || request.body().is_streaming();
        let mut again = again;
        loop {
            let now = self.coarse.now();
            let take = |cx: &mut Context<'_>| {
                Poll::Ready(if again { None } else { pool.take(once, now, cx) })
            };
            if let Some(lease) = poll_fn(take).await {
                return Ok(lease);
            }
            let Some(joined) = pool.join() else { return self.connect(pool, live).await };
            self.wait_to_connect(pool, live);
            let mut joined = Box::pin(joined);
            let joined = poll_fn(|cx| match live.poll_end(cx) {
                Poll::Ready(refusal) => Poll::Ready(Err(refusal)),
                Poll::Pending => joined.as_mut().poll(cx).map(Ok),
            });
            if joined.await?.is_err() {
                return Err(self.failed(Refusal::UpstreamUnreachable));
            }
            again = false;
        }
    }

    fn wait_to_connect(&self, pool: &Pool, live: &LiveEntry) {
        let at = self.coarse.now().saturating_add(nanoseconds(pool.timeouts.connect));
        live.set_deadline(Deadline { at, late: Refusal::UpstreamTimeout });
    }

    async fn connect(&self, pool: &Pool, live: &LiveEntry) -> Result<Lease, Refusal> {
        self.wait_to_connect(pool, live);
        self.cells.upstream_connections.add(1);
        let mut connecting = pin!(pool.connect(self.coarse.now()));
        poll_fn(|cx| match live.poll_end(cx) {
            Poll::Ready(refusal) => {
                if refusal == Refusal::UpstreamTimeout {
                    pool.known().count_unreached(Unreached::Timeout);
                }
                Poll::Ready(Err(refusal))
            }
            Poll::Pending => connecting.as_mut().poll(cx).map(|connected| {
                connected.map_err(|ConnectError { reason, error }| {
                    tracing::debug!(%error, ?reason, "upstream cannot be reached");
                    pool.known().count_unreached(reason);
                    self.failed(Refusal::UpstreamUnreachable)
                })
            }),
        })
        .await
    }

    fn failed(&self, refusal: Refusal) -> Refusal {
        self.cells.upstream_failures.add(1);
        refusal
    }
}

/// A copy of a request, if all of it is here.
fn copy(request: &Request<OutBody>) -> Option<Request<OutBody>> {
    let mut copy = Request::new(request.body().copy()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// Whether the connection ended before there was a response.
fn closed_unanswered(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || is_reset(error)
}

fn is_reset(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| {
        matches!(cause.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
    })
}
