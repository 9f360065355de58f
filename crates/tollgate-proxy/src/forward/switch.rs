//! Answers that switch a connection or a stream to another protocol.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::{Response, StatusCode};
use tokio::time::timeout;
use tollgate_core::Refusal;

use super::Answered;
use crate::body::Content;
use crate::live::LiveEntry;
use crate::roster::Deadline;
use crate::tunnel::{Switched, Wish};
use crate::upstream::{Destination, Lease, Pool};

/// Whether a response switches to what was asked for. `None` if it would to what was not, or would
/// look like it.
pub(super) fn is_granted(
    response: &Response<()>,
    lease: &Lease,
    wish: Option<&Wish>,
) -> Option<bool> {
    let (status, in_two) = (response.status(), lease.is_shared());
    match wish {
        None => (status != StatusCode::SWITCHING_PROTOCOLS).then_some(false),
        Some(wish) if wish.is_granted_by(response, in_two) => Some(true),
        Some(wish) => wish.may_be_answered(status, in_two).then_some(false),
    }
}

/// Waits until a server has said whether it takes extended CONNECT (RFC 8441 §3).
///
/// # Errors
/// [`Refusal::UpstreamBadResponse`] if it does not, or does not say so in time for a connection; what ended the
/// request.
pub(super) async fn takes_tunnels(
    pool: &Pool,
    lease: &Lease,
    live: &LiveEntry,
) -> Result<(), Refusal> {
    live.set_deadline(Deadline::NONE);
    let mut said = pin!(timeout(pool.timeouts.connect, lease.takes_tunnels()));
    let said = poll_fn(|cx| match live.poll_end(cx) {
        Poll::Ready(refusal) => Poll::Ready(Err(refusal)),
        Poll::Pending => said.as_mut().poll(cx).map(Ok),
    });
    if said.await?.unwrap_or(false) { Ok(()) } else { Err(Refusal::UpstreamBadResponse) }
}

/// The answer to a request whose upstream has switched.
///
/// # Errors
/// What ended it meanwhile; [`Refusal::UpstreamBadResponse`] if it has not switched after all.
pub(super) async fn switch(
    answered: Answered,
    live: LiveEntry,
    destination: &Rc<Destination>,
    wish: Wish,
) -> Result<Response<Content>, Refusal> {
    let Answered { mut response, lease, chosen, .. } = answered;
    let in_two = lease.is_shared();
    let far = lease.into_end(&mut response, |cx| live.poll_end(cx)).await?;
    let (far, lease) = far.ok_or(Refusal::UpstreamBadResponse)?;
    let mut headers = response.into_parts().0.headers;
    let status = wish.grant(&mut headers, in_two);
    let (destination, websocket) = (Rc::clone(destination), wish.is_websocket());
    let stream = wish.stream;
    let switched = Switched { far, lease, live, chosen, destination, websocket, stream };
    Ok(switched.response(status, headers))
}
