//! WebSockets over HTTP/2 (RFC 8441): a client's, and a server's.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::ext::Protocol;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request as Asked, Response as Answered, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::http2::{runtime, to_fields};
use super::websocket::{State, soon};
use super::{Echo, Fields, Http2, Request, WebSocket};

/// What a server answered to whoever asked for a WebSocket.
pub(crate) struct Opened {
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    /// None if it is refused.
    pub(crate) socket: Option<WebSocket>,
}

impl Http2 {
    /// Opens a WebSocket on a stream of this connection.
    pub(crate) fn websocket(&self, request: &Request) -> WebSocket {
        let opened = self.connect_to("websocket", &request.clone().header(VERSION, "13"));
        opened.socket.unwrap_or_else(|| panic!("refused with {}", opened.status))
    }

    /// Asks for a stream of this protocol.
    pub(crate) fn connect_to(&self, protocol: &'static str, request: &Request) -> Opened {
        let mut head = Asked::builder()
            .method(Method::CONNECT)
            .uri(format!("http://{}{}", request.host, request.target))
            .extension(Protocol::from_static(protocol));
        for (name, value) in request.fields.iter() {
            head = head.header(name, value);
        }
        let mut sender = self.sender.clone();
        let request = head.body(Full::<Bytes>::default()).unwrap();
        let mut response = soon(async { sender.send_request(request).await }).unwrap();
        let (status, fields) = (response.status().as_u16(), to_fields(response.headers()));
        let upgraded = (status == 200).then(|| hyper::upgrade::on(&mut response));
        let socket =
            upgraded.map(|upgraded| WebSocket::opened(TokioIo::new(soon(upgraded).unwrap())));
        Opened { status, fields, socket }
    }
}

pub(crate) const VERSION: &str = "sec-websocket-version";

impl Echo {
    /// One that speaks HTTP/2 by prior knowledge, and takes WebSockets if it `offers` to.
    pub(crate) fn over_http2(offers: bool) -> Self {
        let (echo, listener) = Self::listen();
        let state = Arc::clone(&echo.state);
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                let service = service_fn(move |asked| answer(Arc::clone(&state), asked));
                let mut builder = Builder::new(TokioExecutor::new());
                if offers {
                    builder.enable_connect_protocol();
                }
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        echo
    }
}

async fn answer(
    state: Arc<State>,
    mut asked: Asked<Incoming>,
) -> Result<Answered<Full<Bytes>>, Infallible> {
    let mut fields = to_fields(asked.headers());
    let protocol =
        asked.extensions().get::<Protocol>().map(|protocol| protocol.as_str().to_owned());
    fields.push(":method", asked.method().as_str());
    fields.push(":protocol", protocol.as_deref().unwrap_or_default());
    fields.push(":path", asked.uri().path());
    state.ask(fields);
    let mut answered = Answered::new(Full::default());
    if protocol.as_deref() != Some("websocket") {
        *answered.status_mut() = StatusCode::NOT_IMPLEMENTED;
        return Ok(answered);
    }
    let upgraded = hyper::upgrade::on(&mut asked);
    tokio::spawn(async move {
        if let Ok(stream) = upgraded.await {
            state.converse_over(TokioIo::new(stream)).await;
        }
    });
    Ok(answered)
}
