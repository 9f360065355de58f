//! Requests that servers did not answer.

use std::error::Error;
use std::io::ErrorKind;

use http::Request;
use tollgate_core::Refusal;

use crate::body::OutBody;

/// A request that a server did not answer.
pub(super) struct Failed {
    pub(super) refusal: Refusal,
    /// It is the server that failed, and neither the client nor its time.
    pub(super) of_server: bool,
    /// Its address could be connected to, as far as is known.
    pub(super) connected: bool,
    /// The request, if it may go to another server.
    pub(super) again: Option<Request<OutBody>>,
}

impl From<Refusal> for Failed {
    /// Something else ended the request. Silence is the server's.
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            of_server: refusal == Refusal::UpstreamTimeout,
            connected: true,
            again: None,
        }
    }
}

/// What came of an attempt.
#[cfg(feature = "otlp")]
pub(super) fn outcome(
    asked: &Result<(http::Response<hyper::body::Incoming>, crate::upstream::Lease, bool), Failed>,
) -> Result<http::StatusCode, Refusal> {
    match asked {
        Ok((response, ..)) => Ok(response.status()),
        Err(failed) => Err(failed.refusal),
    }
}

/// A copy of a request, if all of it is here.
pub(super) fn copy(request: &Request<OutBody>) -> Option<Request<OutBody>> {
    let mut copy = Request::new(request.body().copy()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// Whether the connection ended before there was a response.
pub(super) fn closed_unanswered(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || is_reset(error)
}

fn is_reset(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| {
        matches!(cause.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
    })
}
