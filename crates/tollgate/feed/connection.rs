//! The connection to a control plane: one request of HTTP/2 whose bodies go on, and others that fetch.

use std::time::Duration;

use http_body_util::{BodyExt, Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tollgate_control::feed::Sent;
use tollgate_feed::wire::frame::Frames;
use tollgate_feed::wire::{Malformed, ToControl, ToProxy};

use crate::config::ConnectUrl;
use crate::refused::told;

/// So many messages wait to be sent.
const WAITING: usize = 1024;
/// So many bytes the control plane can send ahead of what is read.
const WINDOW: u32 = 1 << 20;
/// For a connection to end whose first request has.
const AT_ONCE: Duration = Duration::from_millis(100);
/// Between two pieces of a snapshot.
const STALL: Duration = Duration::from_secs(30);
const ALIVE: Duration = Duration::from_secs(10);
/// Of what a control plane says when it says no.
const LONGEST_REFUSAL: usize = 2000;

/// A connection on which the feed is followed.
pub(super) struct Connection {
    pub(super) requests: Requests,
    said: Incoming,
    frames: Frames,
    to: mpsc::Sender<Bytes>,
    driver: JoinHandle<Option<String>>,
}

/// What else can be asked for on it.
#[derive(Clone)]
pub(super) struct Requests {
    sender: SendRequest<Outgoing>,
    base: String,
    authorization: Option<HeaderValue>,
}

/// What is sent: messages as they come, or nothing.
type Outgoing = Either<Sent, Empty<Bytes>>;

impl Requests {
    async fn send(
        &mut self,
        method: Method,
        below: &str,
        body: Outgoing,
    ) -> Result<Response<Incoming>, String> {
        let uri: Uri =
            format!("{}{below}", self.base).parse().map_err(|_| "the URL of the feed is none")?;
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(CONTENT_TYPE, "application/vnd.tollgate.feed")
            .body(body);
        let mut request = request.map_err(|error| error.to_string())?;
        if let Some(authorization) = self.authorization.clone() {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        let response = self.sender.send_request(request).await.map_err(|error| told(&error))?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let status = response.status();
        let said = http_body_util::Limited::new(response.into_body(), LONGEST_REFUSAL).collect();
        let said = said.await.map(|said| said.to_bytes()).unwrap_or_default();
        Err(format!(
            "the control plane answers {status}: {}",
            String::from_utf8_lossy(&said).trim()
        ))
    }

    /// Fetches a snapshot into `to`.
    pub(super) async fn fetch(
        mut self,
        etag: &str,
        to: &mut impl std::io::Write,
    ) -> Result<(), String> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if etag.is_empty() || !etag.bytes().all(known) {
            return Err("the name of the snapshot is none".to_owned());
        }
        let below = format!("/snapshots/{etag}");
        let response = self.send(Method::GET, &below, Either::Right(Empty::new())).await?;
        let mut body = response.into_body();
        loop {
            let piece = timeout(STALL, body.frame()).await;
            let piece = piece.map_err(|_| "the snapshot does not go on".to_owned())?;
            let Some(piece) = piece else { break };
            let piece = piece.map_err(|error| told(&error))?;
            if let Some(bytes) = piece.data_ref() {
                to.write_all(bytes).map_err(|error| error.to_string())?;
            }
        }
        to.flush().map_err(|error| error.to_string())
    }
}

impl Connection {
    /// Begins to follow over a stream that is open.
    pub(super) async fn begin(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        url: &ConnectUrl,
        authorization: Option<HeaderValue>,
    ) -> Result<Self, String> {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(ALIVE)
            .keep_alive_timeout(ALIVE)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(2 * WINDOW)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| told(&error))?;
        let mut driver = tokio::spawn(async move {
            let ended = connection.await.err().map(|error| told(&error));
            if let Some(error) = &ended {
                tracing::debug!(error, "the connection of the feed has ended");
            }
            ended
        });
        let scheme = if url.tls { "https" } else { "http" };
        let base = format!("{scheme}://{}{}", url.authority, url.path);
        let mut requests = Requests { sender, base, authorization };
        let (to, messages) = mpsc::channel(WAITING);
        let said = requests.send(Method::POST, "/stream", Either::Left(Sent(messages))).await;
        match said {
            Ok(response) => {
                let said = response.into_body();
                Ok(Self { requests, said, frames: Frames::default(), to, driver })
            }
            Err(error) => {
                // What the other side says to a certificate ends the connection, and not the request alone.
                let ended = timeout(AT_ONCE, &mut driver).await;
                driver.abort();
                Err(ended.ok().and_then(Result::ok).flatten().unwrap_or(error))
            }
        }
    }

    /// Says something; false if so much waits already that nobody can be reading.
    pub(super) fn say(&self, message: &ToControl) -> bool {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        self.to.try_send(bytes.into()).is_ok()
    }

    /// Reads on, until there is more or it has ended.
    pub(super) async fn read(&mut self) -> Result<(), String> {
        match self.said.frame().await {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    self.frames.push(bytes);
                }
                Ok(())
            }
            Some(Err(error)) => Err(told(&error)),
            None => Err("the control plane has ended the feed".to_owned()),
        }
    }

    /// What was said next, if all of it has arrived.
    pub(super) fn next(&mut self) -> Result<Option<ToProxy>, Malformed> {
        self.frames.frame()?.map(|frame| ToProxy::read(&frame)).transpose()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
