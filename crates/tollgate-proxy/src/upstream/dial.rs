//! How a server is reached: the connection below HTTP.

use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::uri::Scheme;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tollgate_core::{Server, ServerTarget, ServerTls, UpstreamHttp};

use super::failure::{ConnectError, Unreached};
use super::io::Stream;
use super::known::{Known, Upstreams};
use super::servers::At;

/// Where a server is, and how it is spoken to.
#[derive(Debug)]
pub(crate) struct Dial {
    at: At,
    tls: Option<Handshake>,
    /// What all workers know of the upstream.
    known: Arc<Known>,
    http: UpstreamHttp,
}

/// A connection, and what is spoken over it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) stream: Stream,
    pub(crate) http2: bool,
}

/// What a handshake is made with.
#[derive(Debug)]
struct Handshake {
    /// Whom the certificate has to be for.
    name: Option<ServerName<'static>>,
    /// Replaced when a file changes; `None` = the files were never read, so nobody is trusted.
    config: Option<Arc<ArcSwap<ClientConfig>>>,
}

impl Handshake {
    fn of(tls: &ServerTls, upstreams: &Upstreams) -> Self {
        let name = ServerName::try_from(&*tls.server_name).ok().map(|name| name.to_owned());
        Self { name, config: upstreams.tls().config(&tls.client) }
    }

    async fn shake(
        &self,
        stream: TcpStream,
        known: &Known,
        http: UpstreamHttp,
    ) -> Result<Line, ConnectError> {
        let (Some(name), Some(config)) = (self.name.clone(), &self.config) else {
            let error = io::Error::other("nothing is known to trust it by");
            return Err(ConnectError::new(Unreached::CertificateUntrusted, error));
        };
        let connector = TlsConnector::from(config.load_full());
        // Boxed, so that the future of a request has no room for it.
        let connector = connector.with_alpn(protocols(http));
        let made = Box::pin(connector.connect(name, stream)).await;
        let made = made.map_err(|error| ConnectError::new(Unreached::handshake(&error), error))?;
        let session = made.get_ref().1;
        known.count_handshake(session.handshake_kind());
        let http2 = session.alpn_protocol() == Some(H2);
        if http == UpstreamHttp::Two && !http2 {
            let error = io::Error::other("it does not agree to HTTP/2");
            return Err(ConnectError::new(Unreached::Protocol, error));
        }
        Ok(Line { stream: Stream::Tls(Box::new(made)), http2 })
    }
}

/// HTTP/2 over TLS, as ALPN calls it (RFC 9113 §3.1).
const H2: &[u8] = b"h2";

/// What is offered in a handshake.
fn protocols(http: UpstreamHttp) -> Vec<Vec<u8>> {
    let one = || b"http/1.1".to_vec();
    match http {
        UpstreamHttp::One => vec![one()],
        UpstreamHttp::Two => vec![H2.to_vec()],
        UpstreamHttp::Auto => vec![H2.to_vec(), one()],
    }
}

impl Dial {
    pub(crate) fn new(
        server: &Server,
        target: &ServerTarget,
        at: At,
        known: Arc<Known>,
        upstreams: &Upstreams,
    ) -> Self {
        let tls = target.tls.as_ref().map(|tls| Handshake::of(tls, upstreams));
        Self { at, tls, known, http: server.http }
    }

    /// Where the server is.
    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    /// Whether its connections may turn out to carry many requests at once.
    pub(crate) fn may_share(&self) -> bool {
        self.http != UpstreamHttp::One
    }

    /// Whether they do in any case.
    pub(crate) fn must_share(&self) -> bool {
        self.http == UpstreamHttp::Two
    }

    /// The scheme of what it is asked for.
    pub(crate) fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
    }

    /// Connects, and shakes hands if it is to be. Where the two would agree on a version, a connection
    /// that is to be `alone` has HTTP/1.1.
    ///
    /// # Errors
    /// Whatever the network or the handshake said.
    pub(crate) async fn connect(&self, alone: bool) -> Result<Line, ConnectError> {
        let http = match self.http {
            UpstreamHttp::Auto if alone => UpstreamHttp::One,
            http => http,
        };
        // Without TLS there is nothing that the two could agree by.
        let http2 = http == UpstreamHttp::Two;
        let network = |error: io::Error| ConnectError::new(Unreached::network(&error), error);
        let address = match &self.at {
            At::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(network)?;
                return Ok(Line { stream: Stream::Unix(stream), http2 });
            }
            At::Socket(address) => *address,
        };
        let stream = TcpStream::connect(address).await.map_err(network)?;
        stream.set_nodelay(true).map_err(network)?;
        match &self.tls {
            None => Ok(Line { stream: Stream::Plain(stream), http2 }),
            Some(tls) => tls.shake(stream, &self.known, http).await,
        }
    }
}
