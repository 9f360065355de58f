//! A WebSocket server behind the gate and clients in front of it, both of a library.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::server::{Request as Asked, Response as Answered};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role};
use tokio_tungstenite::tungstenite::{Error, http};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use super::{Fields, PATIENCE, Request, http2::runtime, wait_for};

/// Bytes both ways.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// A server that says everything back. Of `close 4001` it closes.
#[derive(Clone)]
pub(crate) struct Echo {
    address: SocketAddr,
    pub(super) state: Arc<State>,
}

#[derive(Default)]
pub(super) struct State {
    asked: Mutex<Vec<Fields>>,
    ends: Mutex<Vec<Option<u16>>>,
}

impl Echo {
    pub(crate) fn start() -> Self {
        let (echo, listener) = Self::listen();
        let state = Arc::clone(&echo.state);
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&state).serve(stream));
            }
        });
        echo
    }

    pub(crate) fn over_tls(config: ServerConfig) -> Self {
        let (echo, listener) = Self::listen();
        let (state, acceptor) = (Arc::clone(&echo.state), TlsAcceptor::from(Arc::new(config)));
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, acceptor) = (Arc::clone(&state), acceptor.clone());
                tokio::spawn(
                    async move { state.serve(acceptor.accept(stream).await.unwrap()).await },
                );
            }
        });
        echo
    }

    /// Behind a Unix socket, too.
    pub(crate) fn behind(socket: &Path) -> Self {
        let echo = Self::start();
        let state = Arc::clone(&echo.state);
        let listener = runtime().block_on(async { UnixListener::bind(socket).unwrap() });
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&state).serve(stream));
            }
        });
        echo
    }

    pub(super) fn listen() -> (Self, TcpListener) {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        (Self { address, state: Arc::default() }, listener)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The fields of every handshake so far.
    pub(crate) fn asked(&self) -> Vec<Fields> {
        self.state.asked.lock().unwrap().clone()
    }

    /// How its connections ended, in this order: by a close with this code, or without a word.
    pub(crate) fn ends(&self, count: usize) -> Vec<Option<u16>> {
        wait_for("the ends of WebSockets", || {
            let ends = self.state.ends.lock().unwrap();
            (ends.len() >= count).then(|| ends.clone())
        })
    }
}

impl State {
    async fn serve(self: Arc<Self>, stream: impl Bytes) {
        let asked = |asked: &Asked, mut answered: Answered| {
            let mut fields = Fields::default();
            for (name, value) in asked.headers() {
                fields.push(name.as_str(), value.to_str().unwrap());
            }
            if let Some(protocol) = fields.get("sec-websocket-protocol") {
                let first = protocol.split(',').next().unwrap().parse().unwrap();
                answered.headers_mut().insert("sec-websocket-protocol", first);
            }
            self.ask(fields);
            Ok(answered)
        };
        if let Ok(socket) = accept_hdr_async(stream, asked).await {
            self.converse(socket).await;
        }
    }

    pub(super) fn ask(&self, fields: Fields) {
        self.asked.lock().unwrap().push(fields);
    }

    /// Over what another handshake has opened.
    pub(super) async fn converse_over(&self, stream: impl Bytes) {
        self.converse(WebSocketStream::from_raw_socket(stream, Role::Server, None).await).await;
    }

    async fn converse(&self, mut socket: WebSocketStream<impl Bytes>) {
        let mut end = None;
        while let Some(Ok(message)) = socket.next().await {
            let answer = match message {
                Message::Close(frame) => {
                    end = frame.map(|frame| frame.code.into());
                    continue;
                }
                Message::Text(text) => match text.strip_prefix("close ") {
                    Some(code) => close(code.parse().unwrap(), "as you like"),
                    None => Message::Text(text),
                },
                Message::Binary(bytes) => Message::Binary(bytes),
                // The library answers.
                _ => continue,
            };
            if socket.send(answer).await.is_err() {
                break;
            }
        }
        self.ends.lock().unwrap().push(end);
    }
}

pub(crate) fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}

/// A client.
pub(crate) struct WebSocket(WebSocketStream<Box<dyn Bytes>>);

impl WebSocket {
    /// Opens one over a connection of its own.
    pub(crate) fn open(request: &Request) -> Self {
        Self::try_open(request).unwrap()
    }

    /// The same; the status if it is refused.
    pub(crate) fn try_open(request: &Request) -> Result<Self, u16> {
        let stream = soon(TcpStream::connect(request.address)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, request)
    }

    /// Opens one over a connection that there is.
    pub(crate) fn over(stream: impl Bytes + 'static, request: &Request) -> Result<Self, u16> {
        let mut head = http::Request::builder()
            .uri(format!("ws://{}{}", request.host, request.target))
            .header("Host", &request.host)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key());
        for (name, value) in request.fields.iter() {
            head = head.header(name, value);
        }
        let stream: Box<dyn Bytes> = Box::new(stream);
        match soon(client_async(head.body(()).unwrap(), stream)) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }

    /// One that another handshake has opened.
    pub(super) fn opened(stream: impl Bytes + 'static) -> Self {
        let stream: Box<dyn Bytes> = Box::new(stream);
        Self(soon(WebSocketStream::from_raw_socket(stream, Role::Client, None)))
    }

    pub(crate) fn send(&mut self, message: Message) {
        soon(self.0.send(message)).unwrap();
    }

    /// The next message; what the library says where there is none.
    pub(crate) fn receive(&mut self) -> Result<Message, String> {
        match soon(self.0.next()) {
            Some(received) => received.map_err(|error| error.to_string()),
            None => Err("the end".to_owned()),
        }
    }

    /// Says something and holds what comes back to be the same.
    pub(crate) fn echoes(&mut self, message: &Message) {
        self.send(message.clone());
        assert_eq!(self.receive().as_ref(), Ok(message));
    }

    /// The code that it is closed with, and that its connection then ends in good order.
    pub(crate) fn closed(&mut self) -> u16 {
        let code = match self.receive().unwrap() {
            Message::Close(Some(frame)) => frame.code.into(),
            other => panic!("not closed: {other:?}"),
        };
        assert_eq!(self.receive(), Err("the end".to_owned()));
        code
    }
}

pub(crate) fn soon<T>(what: impl Future<Output = T>) -> T {
    runtime().block_on(async { timeout(PATIENCE, what).await }).expect("nothing came of it in time")
}
