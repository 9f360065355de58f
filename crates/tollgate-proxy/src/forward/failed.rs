//! Requests that servers did not answer.

use tollgate_core::Refusal;

/// A request that a server did not answer.
pub(super) struct Failed {
    pub(super) refusal: Refusal,
    /// It is the server that failed, and neither the client nor its time.
    pub(super) of_server: bool,
    /// Its address could be connected to, as far as is known.
    pub(super) connected: bool,
    /// The request is whole, and may go to another server.
    pub(super) again: bool,
}

impl From<Refusal> for Failed {
    /// Something else ended the request. Silence is the server's.
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            of_server: refusal == Refusal::UpstreamTimeout,
            connected: true,
            again: false,
        }
    }
}

/// What came of an attempt.
#[cfg(feature = "otlp")]
pub(super) fn outcome(
    asked: &Result<(http::Response<()>, crate::upstream::Lease, bool), Failed>,
) -> Result<http::StatusCode, Refusal> {
    match asked {
        Ok((response, ..)) => Ok(response.status()),
        Err(failed) => Err(failed.refusal),
    }
}
