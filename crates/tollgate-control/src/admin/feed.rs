//! The key feed on the admin listener: what remote proxies follow, over HTTP/2.

mod body;
mod session;
mod snapshot;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Version};
use tokio::sync::mpsc;
use tollgate_core::Source;

use super::listener::Peer;
use super::native::Problem;
use super::v3::Failure;
use super::{Plane, authorization};
use crate::people::Secret;
use crate::proxies::{AccessKey, Capability};

/// So many messages wait for a proxy that does not read; the rest waits in the log of all.
const WAITING: usize = 16;

/// What either body consists of.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.tollgate.feed");

pub(super) fn router() -> Router<Plane> {
    Router::new()
        .route("/feed/v1/{id}/stream", post(stream))
        .route("/feed/v1/{id}/snapshots/{etag}", get(snapshot::get))
}

/// Where proxies find the feed that come by an access key.
pub(in crate::admin) fn connect_url(base: &str, access_key: &str) -> String {
    format!("{base}/feed/v1/{access_key}")
}

async fn stream(
    State(plane): State<Plane>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let brought = brought(&request);
    let access_key = proven(&plane, id, brought).await?;
    if request.version() != Version::HTTP_2 {
        return Err(Failure::invalid("version", "expected HTTP/2").into());
    }
    let (to, taken) = mpsc::channel(WAITING);
    tokio::spawn(session::run(plane, access_key, request.into_body(), to));
    let mut response = axum::body::Body::new(body::Sent(taken)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    Ok(response)
}

/// The secret that a request brings, and where it comes from.
fn brought(request: &Request) -> (Option<Secret>, Option<Source>) {
    let peer = request.extensions().get::<Peer>();
    let source = peer.map(|Peer(address)| Source::from(*address));
    (authorization::bearer(request.headers()), source)
}

/// The access key of an id, if this is its secret and it may follow the feed here.
async fn proven(
    plane: &Plane,
    id: String,
    (secret, source): (Option<Secret>, Option<Source>),
) -> Result<AccessKey, Failure> {
    let secret = secret.ok_or(Failure::BadToken)?;
    let region = plane.settings.regions.own.clone();
    let found = plane
        .store
        .read(move |connection| AccessKey::proven(connection, &id, &secret, &region))
        .await?;
    if let Some(key) = found.filter(|key| key.capability == Capability::Enforce) {
        return Ok(key);
    }
    let wait = source.and_then(|source| plane.strangers.attempt(source, plane.clock.now()).err());
    Err(wait.map_or(Failure::BadToken, |wait| Failure::Throttled(wait.as_secs() + 1)))
}
