//! The key feed on the admin listener: what remote proxies follow, over HTTP/2.

mod session;
mod snapshot;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Version};
use tokio::sync::mpsc;
use tollgate_core::Source;

use super::listener::{Peer, PeerCertificate};
use super::native::Problem;
use super::v3::Failure;
use super::{Plane, authorization};
use crate::feed::Sent;
use crate::people::Secret;
use crate::proxies::{AccessKey, Capability, PresentedCertificate};

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

/// What a request brings to show whom it is from.
struct Brought {
    secret: Option<Secret>,
    certificate: Option<Arc<PresentedCertificate>>,
    source: Option<Source>,
}

/// By what somebody follows the feed.
struct Access {
    key: AccessKey,
    /// What shows that the key is for them, where a certificate does.
    certificate: Option<Arc<PresentedCertificate>>,
}

async fn stream(
    State(plane): State<Plane>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let brought = Brought::by(&request);
    let access = proven(&plane, id, brought).await?;
    if request.version() != Version::HTTP_2 {
        return Err(Failure::invalid("version", "expected HTTP/2").into());
    }
    let (to, taken) = mpsc::channel(WAITING);
    tokio::spawn(session::run(plane, access, request.into_body(), to));
    let mut response = axum::body::Body::new(Sent(taken)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    Ok(response)
}

impl Brought {
    fn by(request: &Request) -> Self {
        let peer = request.extensions().get::<Peer>();
        let certificate = request.extensions().get::<PeerCertificate>();
        Self {
            secret: authorization::bearer(request.headers()),
            certificate: certificate.map(|PeerCertificate(presented)| Arc::clone(presented)),
            source: peer.map(|Peer(address)| Source::from(*address)),
        }
    }

    /// What comes of it with a key that is good.
    fn show(self, key: AccessKey, unix: i64) -> Option<Access> {
        if self.secret.is_some_and(|secret| key.has(&secret)) {
            return Some(Access { key, certificate: None });
        }
        let certificate = self.certificate.filter(|certificate| key.is_for(certificate, unix))?;
        Some(Access { key, certificate: Some(certificate) })
    }
}

impl Access {
    /// Whether it has ended by itself.
    fn is_over(&self, unix: i64) -> bool {
        self.certificate.as_ref().is_some_and(|certificate| certificate.is_over(unix))
    }
}

/// The access key of an id, if what is brought shows that it is theirs and they may follow the feed here.
async fn proven(plane: &Plane, id: String, brought: Brought) -> Result<Access, Failure> {
    if brought.secret.is_none() && brought.certificate.is_none() {
        return Err(Failure::BadToken);
    }
    let (region, source) = (plane.settings.regions.own.clone(), brought.source);
    let good =
        plane.store.read(move |connection| AccessKey::good(connection, &id, &region)).await?;
    let follows = good.filter(|key| key.capability == Capability::Enforce);
    if let Some(access) = follows.and_then(|key| brought.show(key, unix(plane))) {
        return Ok(access);
    }
    let wait = source.and_then(|source| plane.strangers.attempt(source, plane.clock.now()).err());
    Err(wait.map_or(Failure::BadToken, |wait| Failure::Throttled(wait.as_secs() + 1)))
}

/// The present second since 1970.
fn unix(plane: &Plane) -> i64 {
    i64::try_from(plane.clock.now().unix()).unwrap_or(i64::MAX)
}
