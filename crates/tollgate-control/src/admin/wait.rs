//! `?wait=applied&timeout=…` on a change: the answer comes when every proxy enforces it, or tells who
//! does not (design decision 10). The routes themselves know nothing of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode, Uri};
use serde::Serialize;
use serde_json::Value as Json;
use tokio::time::Instant;
use tollgate_core::Revision;
use utoipa::ToSchema;

use super::Plane;
use super::native::{Problem, instant};
use super::v3::Failure;
use crate::document::kind::Time;
use crate::proxies::{Applied, Outcome};
use crate::store::StoreError;

/// How long a change waits at most. Its listener waits longer.
const TIMEOUT: Time = Time::within(Duration::ZERO, Duration::from_secs(45));
const DEFAULT: Duration = Duration::from_secs(10);

/// What a request that waits is to be told of its change. Stands among its extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Wait(Arc<OnceLock<(Option<Revision>, Instant)>>);

/// What became of a change that was waited for. It is committed, whatever its status is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeApplied {
    /// What the change is answered with otherwise.
    result: Json,
    /// What is enforced: all that was committed when the change was.
    revision: AppliedRevision,
    /// Whether every registered proxy and the workers of the control plane's own process enforce it:
    /// with the status 200, else 202.
    applied: bool,
    /// The workers of the control plane's own process.
    here: ProxyApplied,
    /// Every registered proxy.
    proxies: Vec<ProxyApplied>,
}

/// A revision.
#[derive(Serialize, ToSchema)]
pub(super) struct AppliedRevision {
    epoch: u64,
    number: u64,
}

/// What is known of a proxy. No request that is sent after `enforced` or `closesBy` is admitted against
/// the change.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProxyApplied {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Milliseconds from the commit until it enforced the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    enforced: Option<u64>,
    /// The instant at which it admits nothing any more, unless it enforces the change by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    closes_by: Option<String>,
    /// `true`: it does not enforce the change yet, and its own policy has it go on without a bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    unbounded: Option<bool>,
}

impl Wait {
    /// Notes that the change was committed, as this revision if it has one.
    pub(super) fn note(&self, revision: Option<Revision>) {
        // A request makes one change.
        let _ = self.0.set((revision, Instant::now()));
    }
}

/// Answers a request, and waits before it does if it asks for that.
pub(super) async fn answer(State(plane): State<Plane>, request: Request, next: Next) -> Response {
    let native = request.uri().path().starts_with("/api");
    let timeout = match asked(&request) {
        Ok(None) => return next.run(request).await,
        Ok(Some(timeout)) => timeout,
        Err(failure) if native => return Problem::from(failure).into_response(),
        Err(failure) => return failure.into_response(),
    };
    let wait = Wait::default();
    let mut request = without(request);
    request.extensions_mut().insert(wait.clone());
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    match applied(&plane, &wait, timeout, response).await {
        Ok(response) => response,
        Err(error) if native => Problem::from(Failure::Store(error)).into_response(),
        Err(error) => Failure::Store(error).into_response(),
    }
}

/// How long a request wants to wait; `None` = it does not.
fn asked(request: &Request) -> Result<Option<Duration>, Failure> {
    let changes = matches!(*request.method(), Method::POST | Method::PUT | Method::DELETE);
    if !changes || !request.uri().query().is_some_and(|query| query.contains("wait")) {
        return Ok(None);
    }
    let (mut waits, mut timeout) = (false, DEFAULT);
    for (name, value) in parameters(request.uri()) {
        match &*name {
            "wait" if value == "applied" => waits = true,
            "wait" => return Err(Failure::invalid("wait", "expected applied")),
            "timeout" => {
                let expected = "expected a length of time from 0s to 45s, such as 500ms or 10s";
                let read = TIMEOUT.of_text(&value);
                timeout = read.ok_or_else(|| Failure::invalid("timeout", expected))?;
            }
            _ => {}
        }
    }
    Ok(waits.then_some(timeout))
}

/// The request as its route knows it.
fn without(request: Request) -> Request {
    let mut rest = form_urlencoded::Serializer::new(String::new());
    let mut some = false;
    for (name, value) in parameters(request.uri()) {
        if !matches!(&*name, "wait" | "timeout") {
            rest.append_pair(&name, &value);
            some = true;
        }
    }
    let rest = rest.finish();
    let path = request.uri().path().to_owned();
    let target = if some { format!("{path}?{rest}") } else { path };
    let (mut parts, body) = request.into_parts();
    let mut uri = parts.uri.clone().into_parts();
    // It was a path and a query before.
    if let Ok(target) = target.parse() {
        uri.path_and_query = Some(target);
    }
    if let Ok(uri) = Uri::from_parts(uri) {
        parts.uri = uri;
    }
    Request::from_parts(parts, body)
}

fn parameters(uri: &Uri) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
}

async fn applied(
    plane: &Plane,
    wait: &Wait,
    timeout: Duration,
    response: Response,
) -> Result<Response, StoreError> {
    let (revision, committed) = wait.0.get().copied().unwrap_or((None, Instant::now()));
    // Of a change that proxies do not decide from all is told that was committed before.
    let revision = match revision {
        Some(revision) => revision,
        None => plane.store.newest().await?,
    };
    let applied = plane.applied(revision, committed, committed + timeout).await?;
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(StoreError::failed)?;
    let result = serde_json::from_slice(&body).unwrap_or(Json::Null);
    let everywhere = applied.is_everywhere();
    let told = ChangeApplied::of(result, revision, applied);
    let told = serde_json::to_vec(&told).map_err(StoreError::failed)?;
    if !everywhere {
        parts.status = StatusCode::ACCEPTED;
    }
    parts.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(told)))
}

impl ChangeApplied {
    fn of(result: Json, revision: Revision, applied: Applied) -> Self {
        let everywhere = applied.is_everywhere();
        let proxy = |(name, outcome): (String, Outcome)| {
            let proxy = ProxyApplied { name: Some(name), ..ProxyApplied::default() };
            match outcome {
                Outcome::Enforced(ms) => ProxyApplied { enforced: Some(ms), ..proxy },
                Outcome::ClosesBy(at) => ProxyApplied { closes_by: Some(last_second(at)), ..proxy },
                Outcome::Unbounded => ProxyApplied { unbounded: Some(true), ..proxy },
            }
        };
        let here = ProxyApplied {
            enforced: applied.here,
            unbounded: applied.here.is_none().then_some(true),
            ..ProxyApplied::default()
        };
        Self {
            result,
            revision: AppliedRevision { epoch: revision.epoch, number: revision.number },
            applied: everywhere,
            here,
            proxies: applied.proxies.into_iter().map(proxy).collect(),
        }
    }
}

/// An instant in milliseconds since 1970, never an earlier one.
fn last_second(ms: i64) -> String {
    instant::show(ms.saturating_add(999).div_euclid(1000))
}
