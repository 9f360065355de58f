//! A client that speaks HTTP/2 by prior knowledge.

use std::{net::SocketAddr, path::Path, sync::OnceLock};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap,
    body::{Bytes, Incoming},
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream, UnixStream},
    runtime::{Builder, Handle},
    task::JoinHandle,
    time::timeout,
};

use tokio_rustls::TlsConnector;

use super::{Authority, Connection, Fields, PATIENCE, Request, Response, TlsClient};

pub(crate) struct Http2 {
    pub(super) sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

/// A response that is still to come.
pub(crate) struct Stream(JoinHandle<hyper::Result<Response>>);

impl Http2 {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        runtime().block_on(async { Self::over(TcpStream::connect(address).await.unwrap()).await })
    }

    /// Connects from this address: 127.0.0.0/8 is ours.
    pub(crate) fn connect_from(source: [u8; 4], address: SocketAddr) -> Self {
        runtime().block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from((source, 0))).unwrap();
            socket.set_nodelay(true).unwrap();
            Self::over(socket.connect(address).await.unwrap()).await
        })
    }

    /// Connects and says something else before HTTP.
    pub(crate) fn connect_after(first: &[u8], address: SocketAddr) -> Self {
        runtime().block_on(async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(first).await.unwrap();
            Self::over(stream).await
        })
    }

    /// By a Unix socket, where something else may be said before HTTP.
    pub(crate) fn connect_unix(first: &[u8], path: &Path) -> Self {
        runtime().block_on(async {
            let mut stream = UnixStream::connect(path).await.unwrap();
            stream.write_all(first).await.unwrap();
            Self::over(stream).await
        })
    }

    /// Through TLS, where both sides have agreed on HTTP/2.
    pub(crate) fn connect_tls(address: SocketAddr, client: &TlsClient, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(client.config());
        runtime().block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let stream = connector.connect(name, stream).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            Self::over(stream).await
        })
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(async { connection.await.unwrap_or(()) });
        Self { sender, driver }
    }

    /// Opens a stream and leaves its response to be read.
    pub(crate) fn start(&self, request: &Request) -> Stream {
        let mut sender = self.sender.clone();
        let request = to_hyper(request);
        Stream(runtime().spawn(async move {
            let (head, mut body) = sender.send_request(request).await?.into_parts();
            let mut response = Response {
                status: head.status.as_u16(),
                fields: to_fields(&head.headers),
                body: Vec::new(),
                trailers: Fields::default(),
            };
            while let Some(frame) = body.frame().await {
                match frame?.into_data() {
                    Ok(data) => response.body.extend(data),
                    Err(frame) => {
                        response.trailers = to_fields(&frame.into_trailers().unwrap_or_default());
                    }
                }
            }
            Ok(response)
        }))
    }

    /// Opens a stream whose body is read piece by piece.
    pub(crate) fn pieces(&self, request: &Request) -> Pieces {
        let mut sender = self.sender.clone();
        let request = to_hyper(request);
        let sent =
            runtime().block_on(async { timeout(PATIENCE, sender.send_request(request)).await });
        Pieces(sent.expect("no response in time").unwrap().into_body())
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }
}

/// The body of a response that may go on for long.
pub(crate) struct Pieces(Incoming);

impl Pieces {
    /// Reads until these words have come, in however many pieces.
    pub(crate) fn reads_until(&mut self, words: &str) {
        let mut read = String::new();
        while !read.ends_with(words) {
            read += &self.next().expect("the body ended before these words");
        }
    }

    /// Whether it ends without its end, however much has come of it.
    pub(crate) fn breaks_off(&mut self) -> bool {
        loop {
            let frame = runtime().block_on(async { timeout(PATIENCE, self.0.frame()).await });
            match frame.expect("no piece in time") {
                None => return false,
                Some(Err(_)) => return true,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Whether nothing more comes.
    pub(crate) fn ends(&mut self) -> bool {
        self.next().is_none_or(|piece| piece.is_empty() && self.next().is_none())
    }

    /// The next piece, once it is there; `None` at the end.
    fn next(&mut self) -> Option<String> {
        let frame = runtime().block_on(async { timeout(PATIENCE, self.0.frame()).await });
        let data = frame.expect("no piece in time")?.unwrap().into_data().unwrap();
        Some(String::from_utf8(data.to_vec()).unwrap())
    }
}

impl Connection for Http2 {
    fn send(&mut self, request: &Request) -> Response {
        self.start(request).read().unwrap()
    }
}

impl Stream {
    pub(crate) fn read(self) -> hyper::Result<Response> {
        let joined = runtime().block_on(async { timeout(PATIENCE, self.0).await });
        joined.expect("no response in time").unwrap()
    }
}

/// A connection through TLS for whoever speaks over it.
pub(crate) fn connect_tls(
    address: SocketAddr,
    authority: &Authority,
    name: &str,
) -> impl AsyncRead + AsyncWrite + Unpin + Send + use<> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(TlsClient::new(authority).config());
    runtime().block_on(async {
        let stream = TcpStream::connect(address).await.unwrap();
        connector.connect(name, stream).await.unwrap()
    })
}

/// One for all clients, on a thread of its own.
pub(crate) fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    })
}

fn to_hyper(request: &Request) -> hyper::Request<Full<Bytes>> {
    let mut to = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(format!("http://{}{}", request.host, request.target));
    for (name, value) in request.fields.iter() {
        to = to.header(name, value);
    }
    to.body(Full::from(request.body.clone().unwrap_or_default())).unwrap()
}

pub(super) fn to_fields(headers: &HeaderMap) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in headers {
        fields.push(name.as_str(), value.to_str().unwrap());
    }
    fields
}
