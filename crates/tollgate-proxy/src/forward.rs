//! An admitted request on its way to the upstream, and the response on its way back (design §3,
//! steps 6 and 7).

mod failed;
mod switch;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, Response, Version};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tollgate_core::{FrontId, MeterId, Now, Refusal, Unkept};

use crate::access_log::Note;
use crate::account::Account;
use crate::body::{Content, OutBody, Reading, Relay};
use crate::headers;
use crate::introduce::Introduction;
use crate::live::LiveEntry;
use crate::respond::{self, Told};
use crate::roster::Deadline;
use crate::tunnel::Wish;
use crate::upstream::{
    Chosen, ConnectError, Destination, Lane, Lease, Pool, Tried, Unanswered, Unreached,
};
use crate::worker::{Worker, nanoseconds};

use failed::Failed;
#[cfg(feature = "otlp")]
use failed::outcome;
use switch::{is_granted, switch, takes_tunnels};

/// A request as it goes upstream, as often as it does.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a mut Request<OutBody>,
    pub(crate) introduction: Introduction,
}

/// A request that may go upstream. Its permit stands on the live list.
pub(crate) struct Admitted {
    pub(crate) introduction: Introduction,
    /// What it asks its connection to become.
    pub(crate) wish: Option<Box<Wish>>,
    pub(crate) live: LiveEntry,
    pub(crate) destination: Rc<Destination>,
    pub(crate) front: FrontId,
    pub(crate) told: Told,
    pub(crate) started: Now,
    /// Of its key.
    pub(crate) meter: MeterId,
    /// What has to be written down first.
    pub(crate) unkept: Option<Box<Unkept>>,
}

/// A response's head, and what its body comes by.
struct Answered {
    response: Response<()>,
    /// It grants what the request has asked its connection to become.
    switched: bool,
    lease: Lease,
    chosen: Chosen,
}

impl Worker {
    /// Sends the request and answers with what comes back, or with the refusal that ended it. Should its client not
    /// read the answer, `task` is stopped.
    ///
    /// It is no `async fn`, as that has room for all that it is given twice.
    pub(crate) fn forward(
        &self,
        request: &mut Request<OutBody>,
        admitted: Admitted,
        task: Option<AbortHandle>,
        account: &mut Account,
    ) -> impl Future<Output = Response<Content>> {
        let Admitted { introduction, wish, live, destination, front, told, started, meter, unkept } =
            admitted;
        live.stop_by(task);
        let mut asked = Asked { request, introduction };
        async move {
            if let Some(unkept) = unkept {
                // Boxed, so that requests that wait for nothing have no room for it in their future.
                if let Err(refusal) = Box::pin(self.kept(&unkept, &live)).await {
                    return self.refuse_late(front, refusal);
                }
            }
            let mut response = match &*destination {
                Destination::Fixed { status, headers, body } => {
                    let mut response = Response::new(Content::full(body.clone()));
                    *response.status_mut() = *status;
                    response.headers_mut().clone_from(headers);
                    response
                }
                Destination::Server(pool) => {
                    let wished = wish.as_deref();
                    let exchanged =
                        self.exchange(pool, &mut asked, wished, &live, meter, account).await;
                    let exchanged = exchanged.and_then(|answered| self.cleaned(pool, answered));
                    let elapsed = self.clock.monotonic().saturating_sub(started.monotonic);
                    account.noted(|note| note.upstream(elapsed));
                    match exchanged {
                        Ok(answered) => {
                            self.cells.upstream_duration.record(elapsed);
                            let idle = nanoseconds(pool.timeouts.idle);
                            match wish.filter(|_| answered.switched) {
                                None => {
                                    let reading = account.reading(self.coarse.now());
                                    self.relay(answered, live, &destination, idle, reading)
                                }
                                // Boxed, so that other requests have no room for it in their future.
                                Some(wish) => {
                                    let switching = switch(answered, live, &destination, *wish);
                                    match Box::pin(switching).await {
                                        Ok(response) => response,
                                        Err(refusal) => return self.refuse_late(front, refusal),
                                    }
                                }
                            }
                        }
                        Err(refusal) => return self.refuse_late(front, refusal),
                    }
                }
            };
            let mut arena = self.arena.borrow_mut();
            respond::tell(&mut arena, &self.settings, response.headers_mut(), told, started);
            response
        }
    }

    /// A response that ends here or goes on by what its head says; a connection on which nobody can
    /// tell where it ends is used no more.
    fn cleaned(&self, pool: &Pool, mut answered: Answered) -> Result<Answered, Refusal> {
        let cleaned = headers::clean_response(answered.response.headers_mut());
        match cleaned {
            Ok(()) => Ok(answered),
            Err(refusal) => {
                pool.failed(&answered.chosen, self.coarse.now());
                Err(self.failed(refusal).refusal)
            }
        }
    }

    fn relay(
        &self,
        answered: Answered,
        live: LiveEntry,
        destination: &Rc<Destination>,
        idle: u64,
        reading: Option<Reading>,
    ) -> Response<Content> {
        let Answered { response, lease, chosen, .. } = answered;
        let (mut head, ()) = response.into_parts();
        head.extensions.clear();
        head.version = Version::HTTP_11;
        live.wait_for_client(reading.as_ref().map_or(u64::MAX, Reading::by));
        let content = Content::relay(Relay {
            lease: Some(lease),
            chosen: Some(chosen),
            destination: Rc::clone(destination),
            live: Some(live),
            clock: Rc::clone(&self.coarse),
            idle,
            reading,
            awaited: false,
        });
        Response::from_parts(head, content)
    }

    /// One request and the head of its response, from the first server that does not fail it.
    async fn exchange(
        &self,
        pool: &Pool,
        asked: &mut Asked<'_>,
        wish: Option<&Wish>,
        live: &LiveEntry,
        meter: MeterId,
        account: &mut Account,
    ) -> Result<Answered, Refusal> {
        let mut tried = Tried::default();
        let mut chosen = match pool.choose_first(meter, self.coarse.now()) {
            Some(chosen) => chosen,
            // Boxed, so that requests that need not wait have no room for it in their future.
            None => Box::pin(self.wait(pool, live, meter)).await?,
        };
        loop {
            pool.name(&chosen, asked.request).ok_or(Refusal::BadRequest)?;
            account.noted(Note::attempt);
            #[cfg(feature = "otlp")]
            self.begin_attempt(pool, &chosen, asked.request, account);
            let answered = self.ask(pool, &chosen, asked, wish, live).await;
            #[cfg(feature = "otlp")]
            self.end_attempt(account, outcome(&answered));
            let failed = match answered {
                Ok((response, lease, switched)) => {
                    chosen.succeeded();
                    return Ok(Answered { response, switched, lease, chosen });
                }
                Err(failed) => failed,
            };
            let now = self.coarse.now();
            if failed.of_server {
                pool.failed(&chosen, now);
            }
            let Failed { refusal, connected, again, .. } = failed;
            if !again || !pool.may_retry(&mut tried, &chosen, connected, now) {
                return Err(refusal);
            }
            chosen = pool.choose(meter, &tried, now).ok_or(refusal)?;
        }
    }

    /// A server, once one has room.
    async fn wait(&self, pool: &Pool, live: &LiveEntry, meter: MeterId) -> Result<Chosen, Refusal> {
        let turn = pool.queue()?;
        let (wait, late) = if pool.is_awaited() {
            (pool.timeouts.connect, Refusal::UpstreamUnreachable)
        } else {
            (pool.waiting().timeout, Refusal::UpstreamOverloaded)
        };
        let at = self.coarse.now().saturating_add(nanoseconds(wait));
        live.set_deadline(Deadline { at, late });
        poll_fn(|cx| {
            if let Poll::Ready(refusal) = live.poll_end(cx) {
                if refusal == Refusal::UpstreamOverloaded {
                    pool.known().count_waited_in_vain();
                }
                return Poll::Ready(Err(refusal));
            }
            if turn.poll_first(cx).is_pending() {
                return Poll::Pending;
            }
            match pool.choose(meter, &Tried::default(), self.coarse.now()) {
                Some(chosen) => Poll::Ready(Ok(chosen)),
                None if pool.is_nowhere() => {
                    pool.known().count_unreached(Unreached::Resolve);
                    Poll::Ready(Err(Refusal::UpstreamUnreachable))
                }
                None => Poll::Pending,
            }
        })
        .await
    }

    /// One request and the head of its response, from one server. A request that may go to another server
    /// stays whole.
    async fn ask(
        &self,
        pool: &Pool,
        chosen: &Chosen,
        asked: &mut Asked<'_>,
        wish: Option<&Wish>,
        live: &LiveEntry,
    ) -> Result<(Response<()>, Lease, bool), Failed> {
        let lane = chosen.lane();
        let mut sent_before = false;
        loop {
            let leased = self.lease(pool, lane, asked.request, wish, sent_before, live).await;
            let mut lease = match leased {
                Ok(lease) => lease,
                // Nothing of it was sent.
                Err(failed) => return Err(Failed { again: failed.of_server, ..failed }),
            };
            lease.shape(asked).ok_or(Refusal::BadRequest)?;
            let request = &mut *asked.request;
            if wish.is_some() && lease.is_shared() {
                // Boxed, so that other requests have no room for it in their future.
                Box::pin(takes_tunnels(pool, &lease, live)).await?;
                *request = Wish::ask_in_two(std::mem::take(request));
            }
            let streaming = request.body().is_streaming();
            let (wait, late) = if streaming {
                (pool.timeouts.idle, Refusal::RequestTimeout)
            } else {
                (pool.timeouts.first_byte, Refusal::UpstreamTimeout)
            };
            let at = self.coarse.now().saturating_add(nanoseconds(wait));
            live.set_deadline(Deadline { at, late });
            let idempotent = request.method().is_idempotent();
            // A server that speaks HTTP/2 may say that it did nothing with a request of any method.
            let may_repeat = lease.is_shared() || idempotent && (lease.reused || pool.has_others());
            let error = match lease.send(asked, may_repeat, |cx| live.poll_end(cx)).await? {
                Ok(response) => match is_granted(&response, &lease, wish) {
                    Some(granted) => return Ok((response, lease, granted)),
                    None => return Err(self.failed(Refusal::UpstreamBadResponse)),
                },
                Err(error) => error,
            };
            let nothing_was_done = match error {
                Unanswered::Unsent => true,
                Unanswered::Unprocessed => may_repeat,
                Unanswered::Closed => may_repeat && idempotent,
                Unanswered::Broken => false,
            };
            // What of a shared connection was not sent at all came back whole, whatever its body is.
            let whole = !streaming || lease.is_shared() && matches!(error, Unanswered::Unsent);
            let again = nothing_was_done && whole;
            // A connection that had served before was closed by the upstream as the request was on
            // its way: not sent at all, or without a response. The second time it goes over a
            // new connection, and there is no third to the same server.
            if !again || sent_before || !(lease.reused || lease.is_shared()) {
                let refusal = match error {
                    Unanswered::Unsent => Refusal::UpstreamUnreachable,
                    _ => Refusal::UpstreamBadResponse,
                };
                return Err(Failed { again, ..self.failed(refusal) });
            }
            sent_before = true;
        }
    }

    /// A connection for a request: one of the lane unless it is sent again, else a new one.
    async fn lease(
        &self,
        pool: &Pool,
        lane: &Lane,
        request: &Request<OutBody>,
        wish: Option<&Wish>,
        again: bool,
        live: &LiveEntry,
    ) -> Result<Lease, Failed> {
        let once = !request.method().is_idempotent() || request.body().is_streaming();
        let alone = wish.is_some() && !lane.always_shares();
        let mut again = again;
        loop {
            let now = self.coarse.now();
            let take = |cx: &mut Context<'_>| {
                Poll::Ready(if again { None } else { lane.take(once, alone, now, cx) })
            };
            if let Some(lease) = poll_fn(take).await {
                return Ok(lease);
            }
            let Some(joined) = lane.join().filter(|_| !alone) else {
                // Boxed, so that requests that find a connection have no room for it in their future.
                return Box::pin(self.connect(pool, lane, alone, live)).await;
            };
            live.set_deadline(Deadline::NONE);
            let mut joined = Box::pin(timeout(pool.timeouts.connect, joined));
            let joined = poll_fn(|cx| match live.poll_end(cx) {
                Poll::Ready(refusal) => Poll::Ready(Err(refusal)),
                Poll::Pending => joined.as_mut().poll(cx).map(Ok),
            });
            if !matches!(joined.await?, Ok(Ok(()))) {
                return Err(self.failed(Refusal::UpstreamUnreachable));
            }
            again = false;
        }
    }

    async fn connect(
        &self,
        pool: &Pool,
        lane: &Lane,
        alone: bool,
        live: &LiveEntry,
    ) -> Result<Lease, Failed> {
        live.set_deadline(Deadline::NONE);
        self.cells.upstream_connections.add(1);
        let connecting = lane.connect(alone, self.coarse.now());
        let mut connecting = pin!(timeout(pool.timeouts.connect, connecting));
        let connected = poll_fn(|cx| match live.poll_end(cx) {
            Poll::Ready(refusal) => Poll::Ready(Err(refusal)),
            Poll::Pending => connecting.as_mut().poll(cx).map(Ok),
        });
        let (reason, refusal) = match connected.await? {
            Ok(Ok(lease)) => return Ok(lease),
            Ok(Err(ConnectError { reason, error })) => {
                tracing::debug!(%error, ?reason, "upstream cannot be reached");
                (reason, Refusal::UpstreamUnreachable)
            }
            Err(_) => (Unreached::Timeout, Refusal::UpstreamTimeout),
        };
        pool.known().count_unreached(reason);
        let connected = !matches!(reason, Unreached::Refused | Unreached::Network);
        Err(Failed { connected, ..self.failed(refusal) })
    }

    fn failed(&self, refusal: Refusal) -> Failed {
        self.cells.upstream_failures.add(1);
        Failed { refusal, of_server: true, connected: true, again: false }
    }
}
