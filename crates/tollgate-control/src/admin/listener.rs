//! Connections of the admin listener.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::refusals::Refusals;
use super::{Plane, native, once, router};
use crate::plane::ControlPlane;
use crate::proxies::PresentedCertificate;

/// Open connections; more wait to be accepted.
const CONNECTIONS: usize = 4096;
/// From the first byte of a request to the end of its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// From the end of a request's head to its response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The same for what may take its time: a document of keys that is sent and imported.
const LONG_REQUEST_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// How long requests may take to end once the process ends.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// How long a connection without any request is waited for then.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// How often sources that have failed are looked at.
const SWEEP: Duration = Duration::from_secs(1);
const MAX_HEADERS: usize = 100;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// The certificate that was presented where a request came from.
#[derive(Clone, Debug)]
pub(super) struct PeerCertificate(pub(super) Arc<PresentedCertificate>);

/// The id of a request, in the log and in the response.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// What goes over a connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Secured = Pin<Box<dyn Future<Output = Result<SecureStream, NotSecure>> + Send>>;

/// A connection that is secure.
pub struct SecureStream {
    /// What goes over it.
    pub stream: Box<dyn Stream>,
    /// The certificate that the client has presented and that was verified, as DER.
    pub certificate: Option<Vec<u8>>,
}

/// Why a connection has not become secure.
#[derive(Debug)]
pub enum NotSecure {
    /// Whoever has made it was refused for their certificate, for this reason.
    Refused(String),
    /// It has come to nothing otherwise.
    Failed(io::Error),
}

/// Turns a connection that was accepted into one that is secure, in good time.
pub type Handshake = Arc<dyn Fn(TcpStream) -> Secured + Send + Sync>;

/// The admin API on a listener.
pub struct Admin {
    plane: Plane,
    handshake: Option<Handshake>,
    router: Router,
    listener: TcpListener,
}

/// Tells the listener to end. Dropping it does not.
#[derive(Clone, Debug)]
pub struct Ending(watch::Sender<bool>);

impl Ending {
    /// Nothing has ended yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Ends it: no new connections, and requests that have begun end.
    pub fn end(&self) {
        self.0.send_replace(true);
    }
}

impl Default for Ending {
    fn default() -> Self {
        Self::new()
    }
}

impl Admin {
    /// The admin API of `plane`, at an address that was taken; over TLS, where there is a
    /// handshake.
    #[must_use]
    pub fn new(
        plane: Arc<ControlPlane>,
        listener: TcpListener,
        handshake: Option<Handshake>,
    ) -> Self {
        Self { router: router(Arc::clone(&plane)), plane, handshake, listener }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is told to end and the requests that had begun have been answered.
    pub async fn serve(self, ending: Ending) {
        let mut ended = ending.0.subscribe();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        let refusals = Arc::new(Refusals::new(Arc::clone(&self.plane.clock)));
        let sweep = tokio::spawn(sweep(Arc::clone(&self.plane)));
        let forget = tokio::spawn(once::forget(Arc::clone(&self.plane)));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = ended.wait_for(|ended| *ended) => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection for the admin API");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (router, handshake) = (self.router.clone(), self.handshake.clone());
            let refusals = Arc::clone(&refusals);
            let ended = ended.clone();
            while connections.try_join_next().is_some() {}
            connections.spawn(async move {
                let _place = place;
                let secure = match handshake {
                    None => SecureStream { stream: Box::new(stream), certificate: None },
                    Some(handshake) => match handshake(stream).await {
                        Ok(secure) => secure,
                        Err(NotSecure::Refused(why)) => return refusals.tell(peer.ip(), &why),
                        Err(NotSecure::Failed(error)) => {
                            tracing::debug!(%error, "a handshake of the admin API has failed");
                            return;
                        }
                    },
                };
                if let Err(error) = connection(router, secure, peer, ended).await {
                    tracing::debug!(%error, "a connection of the admin API has ended");
                }
            });
        }
        drop(self.listener);
        self.plane.closing.send_replace(true);
        sweep.abort();
        forget.abort();
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_REQUESTS, all).await.is_err() {
            tracing::warn!("requests of the admin API were cut");
        }
        // Nothing of the plane is held any more.
        connections.shutdown().await;
        let _ = sweep.await;
        let _ = forget.await;
    }
}

/// Answers a connection's requests until it is told to end, and then those that have begun.
async fn connection(
    router: Router,
    SecureStream { stream, certificate }: SecureStream,
    peer: SocketAddr,
    mut ended: watch::Receiver<bool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (begun, mut first) = watch::channel(false);
    let certificate = certificate.as_deref().and_then(PresentedCertificate::read);
    let certificate = certificate.map(|certificate| PeerCertificate(Arc::new(certificate)));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let router = router.clone();
        begun.send_replace(true);
        request.extensions_mut().insert(Peer(peer.ip()));
        if let Some(certificate) = certificate.clone() {
            request.extensions_mut().insert(certificate);
        }
        async move { Ok::<_, std::convert::Infallible>(answer(router, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(64 << 10);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        done = connection.as_mut() => return done,
        _ = ended.wait_for(|ended| *ended) => {}
    }
    // Whoever has just come has asked already, or is about to, and would be answered by a reset.
    let first = tokio::time::timeout(FIRST_REQUEST, first.wait_for(|begun| *begun));
    tokio::select! {
        done = connection.as_mut() => return done,
        _ = first => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// Answers one request, within its time, and logs what came of it. Neither its query, its body nor
/// any of its fields is logged: each may hold a key, a password or a token.
async fn answer(router: Router, request: Request<Incoming>) -> Response<Body> {
    let started = tokio::time::Instant::now();
    let id = RequestId(uuid::Uuid::new_v4().to_string().into());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(id.clone());
    let patience = if native::takes_long(&path) { LONG_REQUEST_TIMEOUT } else { REQUEST_TIMEOUT };
    let answered = TowerToHyperService::new(router).call(request);
    let mut response = match tokio::time::timeout(patience, answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => {
            let mut late = Response::new(Body::empty());
            *late.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            late
        }
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(&REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let ms = started.elapsed().as_millis();
    tracing::debug!(request_id = &*id.0, %method, path, status, ms, "admin request");
    response
}

/// Lets sources go that have recovered, and tells of those that guess.
async fn sweep(plane: Plane) {
    let mut looks = tokio::time::interval(SWEEP);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for guesser in plane.strangers.sweep(plane.clock.monotonic()).guessers {
            tracing::warn!(
                source = %guesser.source,
                failed = guesser.failed,
                "a source fails to log in to the admin API again and again"
            );
        }
    }
}

#[cfg(test)]
mod tests;
