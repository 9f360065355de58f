//! One check of one server.

use std::future::{Future, poll_fn};
use std::pin::pin;

use http::header::{CONNECTION, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tollgate_core::HealthCheck;

use crate::upstream::dial::{Dial, Line};
use crate::upstream::form::in_two;
use crate::upstream::http1::Http1;
use crate::upstream::io::Stream;

/// How a server is asked.
pub(super) struct Probe {
    pub(super) dial: Dial,
    /// The `Host` that it sees.
    pub(super) host: HeaderValue,
    pub(super) path: PathAndQuery,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It works.
    Passed,
    /// It answered with another status.
    Status,
    /// There was no connection.
    Unreached,
    /// What it answered is no HTTP, or it did not answer.
    BadResponse,
    /// There was no answer in time.
    Timeout,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] =
        [Self::Passed, Self::Status, Self::Unreached, Self::BadResponse, Self::Timeout];

    /// What metrics call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Status => "status",
            Self::Unreached => "unreached",
            Self::BadResponse => "bad_response",
            Self::Timeout => "timeout",
        }
    }
}

/// Asks a server once.
pub(super) async fn probe(probe: &Probe, check: &HealthCheck) -> Outcome {
    let line = match probe.dial.connect(false).await {
        Ok(line) => line,
        Err(error) => {
            tracing::debug!(error = %error.error, reason = ?error.reason, "a check reaches nobody");
            return Outcome::Unreached;
        }
    };
    match ask(probe, line).await {
        Some(status) if check.accepts(status.as_u16()) => Outcome::Passed,
        Some(_) => Outcome::Status,
        None => Outcome::BadResponse,
    }
}

/// The status of the answer; the rest is not waited for.
async fn ask(probe: &Probe, line: Line) -> Option<StatusCode> {
    let mut request = Request::new(String::new());
    *request.uri_mut() = Uri::from(probe.path.clone());
    request.headers_mut().insert(HOST, probe.host.clone());
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("tollgate-health-check"));
    let Line { stream, http2 } = line;
    if http2 {
        in_two(&mut request, &probe.dial.scheme())?;
        let made = http2::handshake(TokioExecutor::new(), TokioIo::<Stream>::new(stream)).await;
        let (mut sender, connection) = made.ok()?;
        let answer = driven(connection, sender.send_request(request)).await.ok()?;
        Some(answer.status())
    } else {
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let mut one = Http1::over(stream);
        one.ask(&request, [].into_iter(), None);
        let mut fields = HeaderMap::new();
        let answer = poll_fn(|cx| one.poll_answer(cx, &mut None, &mut fields)).await.ok()?;
        Some(answer.status())
    }
}

/// What comes of `what`, while its connection is driven.
async fn driven<T>(connection: impl Future, what: impl Future<Output = T>) -> T {
    let (mut connection, mut what) = (pin!(connection), pin!(what));
    let mut ended = false;
    poll_fn(|cx| {
        // It may have ended with the answer.
        ended = ended || connection.as_mut().poll(cx).is_ready();
        what.as_mut().poll(cx)
    })
    .await
}
