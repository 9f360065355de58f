//! An admitted request on its way to the upstream, and the response on its way back (design §3,
//! steps 6 and 7).

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tollgate_core::{FrontId, Now, Refusal};

use crate::account::Account;
use crate::body::{Content, OutBody, Relay};
use crate::headers;
use crate::live::LiveEntry;
use crate::respond::{self, Told};
use crate::roster::Deadline;
use crate::upstream::{ConnectError, Destination, Lease, Pool, Unreached};
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

    fn relay(
        &self,
        response: Response<Incoming>,
        lease: Lease,
        live: LiveEntry,
        destination: &Rc<Destination>,
        idle: u64,
    ) -> Response<Content> {
        let (mut head, incoming) = response.into_parts();
        headers::clean_response(&mut head.headers);
        head.extensions.clear();
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

    /// One request and the head of its response, over a pooled connection or a new one.
    async fn exchange(
        &self,
        pool: &Pool,
        mut request: Request<OutBody>,
        live: &LiveEntry,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        let mut sent_before = false;
        loop {
            let once = !request.method().is_idempotent() || request.body().is_streaming();
            let take = |cx: &mut Context<'_>| {
                Poll::Ready(if sent_before { None } else { pool.take(once, cx) })
            };
            let take = poll_fn(take);
            let mut lease = match take.await {
                Some(lease) => lease,
                None => self.connect(pool, live).await?,
            };
            let (wait, late) = if request.body().is_streaming() {
                (pool.timeouts.idle, Refusal::RequestTimeout)
            } else {
                (pool.timeouts.first_byte, Refusal::UpstreamTimeout)
            };
            let at = self.coarse.now().saturating_add(nanoseconds(wait));
            live.set_deadline(Deadline { at, late });
            let again = lease.reused.then(|| repeatable(&request)).flatten();
            match respond_or_end(&mut lease, request, live).await? {
                Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    // Nobody asked for it: the fields that would have were taken out.
                    return Err(self.failed(Refusal::UpstreamBadResponse));
                }
                Ok(response) => return Ok((response, lease)),
                // A connection that had served before was closed by the upstream as the request
                // was on its way: not sent at all, or without a response. The second time it goes
                // over a new connection, and there is no third.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if lease.reused => request = unsent,
                    Some(_) => return Err(self.failed(Refusal::UpstreamUnreachable)),
                    None if !lease.heard() && closed_unanswered(error.error()) => match again {
                        Some(again) => (request, sent_before) = (again, true),
                        None => return Err(self.failed(Refusal::UpstreamBadResponse)),
                    },
                    None => return Err(self.failed(Refusal::UpstreamBadResponse)),
                },
            }
        }
    }

    async fn connect(&self, pool: &Pool, live: &LiveEntry) -> Result<Lease, Refusal> {
        let at = self.coarse.now().saturating_add(nanoseconds(pool.timeouts.connect));
        live.set_deadline(Deadline { at, late: Refusal::UpstreamTimeout });
        self.cells.upstream_connections.add(1);
        let mut connecting = pin!(pool.connect());
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

/// Drives the connection until there is a response, or an error, or the request is ended.
async fn respond_or_end(
    lease: &mut Lease,
    request: Request<OutBody>,
    live: &LiveEntry,
) -> Result<Result<Response<Incoming>, TrySendError<Request<OutBody>>>, Refusal> {
    let (sending, link) = lease.send(request);
    let mut sending = pin!(sending);
    poll_fn(|cx| {
        if let Poll::Ready(refusal) = live.poll_end(cx) {
            return Poll::Ready(Err(refusal));
        }
        match link.drive(cx, |cx| sending.as_mut().poll(cx)) {
            Poll::Pending => Poll::Pending,
            // The client's side of the exchange may be what broke it.
            Poll::Ready(Err(error)) => match live.poll_end(cx) {
                Poll::Ready(refusal) => Poll::Ready(Err(refusal)),
                Poll::Pending => Poll::Ready(Ok(Err(error))),
            },
            Poll::Ready(Ok(response)) => Poll::Ready(Ok(Ok(response))),
        }
    })
    .await
}

/// A copy of a request that may be sent twice: all of it is here, and doing it twice is doing it
/// once (RFC 9110 §9.2.2).
fn repeatable(request: &Request<OutBody>) -> Option<Request<OutBody>> {
    if !request.method().is_idempotent() {
        return None;
    }
    let mut copy = Request::new(request.body().copy()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
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
