//! What operators and their tools ask a process: is it alive, is it ready, what has it counted.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tollgate_core::{Clock, Revision, SnapshotReader};

const TEXT: &str = "text/plain; charset=utf-8";

/// What the answers are made of.
pub(crate) struct Ops {
    pub(crate) registry: Registry,
    /// The newest revision that every worker enforces.
    pub(crate) enforced: watch::Receiver<Revision>,
    /// Says whether what is decided from is too old.
    pub(crate) reader: SnapshotReader,
    pub(crate) clock: Arc<dyn Clock>,
    /// Set once the process begins to end: it is not ready any more.
    pub(crate) draining: Arc<AtomicBool>,
    /// What operators are to know although it is ready, if there is anything.
    pub(crate) note: Option<watch::Receiver<Option<String>>>,
}

impl Ops {
    /// Answers for ever.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let ops = Arc::new(self);
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection for ops");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let ops = Arc::clone(&ops);
            let service = service_fn(move |request| {
                let response = ops.answer(&request);
                async { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(30))
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "expected GET\n");
        }
        match request.uri().path() {
            "/livez" => text(StatusCode::OK, "alive\n"),
            "/readyz" if self.draining.load(Relaxed) => {
                text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
            }
            "/readyz" if *self.enforced.borrow() == Revision::default() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "no snapshot yet\n")
            }
            "/readyz" if self.reader.is_stale(self.clock.now()) => {
                text(StatusCode::SERVICE_UNAVAILABLE, "the snapshot is stale\n")
            }
            "/readyz" => {
                let note = self.note.as_ref().and_then(|note| note.borrow().clone());
                text(
                    StatusCode::OK,
                    note.map_or("ready\n".to_owned(), |note| format!("ready; {note}\n")),
                )
            }
            "/metrics" => match TextEncoder::new().encode_to_string(&self.registry.gather()) {
                Ok(metrics) => text(StatusCode::OK, metrics),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
            },
            _ => text(StatusCode::NOT_FOUND, "expected /livez, /readyz or /metrics\n"),
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}
