//! How a server is reached: the connection below HTTP.

use std::io;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsConnector;
use tollgate_core::{Server, ServerAddress, ServerTls};

use super::failure::{ConnectError, Unreached};
use super::io::Stream;
use super::known::{Known, Upstreams};

/// Where a server is, and how it is spoken to.
#[derive(Debug)]
pub(crate) struct Dial {
    address: ServerAddress,
    tls: Option<Handshake>,
    /// What all workers know of the upstream.
    known: Arc<Known>,
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
    ) -> Result<Box<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>>, ConnectError> {
        let (Some(name), Some(config)) = (self.name.clone(), &self.config) else {
            let error = io::Error::other("nothing is known to trust it by");
            return Err(ConnectError::new(Unreached::CertificateUntrusted, error));
        };
        let connector = TlsConnector::from(config.load_full());
        // Boxed, so that the future of a request has no room for it.
        let made = Box::pin(connector.connect(name, stream)).await;
        let made = made.map_err(|error| ConnectError::new(Unreached::handshake(&error), error))?;
        known.count_handshake(made.get_ref().1.handshake_kind());
        Ok(Box::new(TokioIo::new(made)))
    }
}

impl Dial {
    pub(crate) fn new(server: &Server, known: Arc<Known>, upstreams: &Upstreams) -> Self {
        let tls = server.tls.as_ref().map(|tls| Handshake::of(tls, upstreams));
        Self { address: server.address.clone(), tls, known }
    }

    /// What all workers know of the upstream.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    /// Connects, and shakes hands if it is to be.
    ///
    /// # Errors
    /// Whatever the resolver, the network or the handshake said.
    pub(crate) async fn connect(&self) -> Result<Stream, ConnectError> {
        let network = |error: io::Error| ConnectError::new(Unreached::network(&error), error);
        let (host, port) = match &self.address {
            ServerAddress::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(network)?;
                return Ok(Stream::Unix(TokioIo::new(stream)));
            }
            ServerAddress::Tcp { host, port } => (&**host, *port),
        };
        let resolve = |error: io::Error| ConnectError::new(Unreached::Resolve, error);
        let addresses: Vec<_> = lookup_host((host, port)).await.map_err(resolve)?.collect();
        if addresses.is_empty() {
            return Err(resolve(io::Error::other("the name leads to no address")));
        }
        let stream = TcpStream::connect(&*addresses).await.map_err(network)?;
        stream.set_nodelay(true).map_err(network)?;
        match &self.tls {
            None => Ok(Stream::Plain(TokioIo::new(stream))),
            Some(tls) => Ok(Stream::Tls(tls.shake(stream, &self.known).await?)),
        }
    }
}
