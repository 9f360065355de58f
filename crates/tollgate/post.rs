//! What brings letters to webhooks: a connection for each of them, to an address that was looked at
//! first, and nowhere else.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_control::webhooks::{Answer, Letter, NotSent, Post, Posted};

use crate::certificates::read_authorities;

/// For one connection.
const CONNECT: Duration = Duration::from_secs(5);

/// So many addresses of a host are tried.
const ADDRESSES: usize = 4;

/// The greatest head of an answer. The body of one is never read.
const MAX_HEAD: usize = 16 << 10;

const AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));

/// Brings letters over HTTP/1.1.
pub(crate) struct Courier {
    tls: TlsConnector,
}

impl Courier {
    /// Trusts the authorities that the system trusts, and those in a file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn new(ca_file: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        let (known, _) = roots.add_parsable_certificates(system.certs);
        if let Some(file) = ca_file {
            for certificate in read_authorities(file)?.certificates() {
                let added = roots.add(certificate.clone());
                added.map_err(|_| "the file holds a certificate that cannot be an authority's")?;
            }
        }
        tracing::debug!(known, "authorities of the system, for webhooks");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    async fn bring(&self, letter: Letter) -> Result<Answer, NotSent> {
        let stream = connect(&letter).await?;
        if !letter.target.tls {
            return exchange(stream, letter).await;
        }
        let name = ServerName::try_from(letter.target.host.clone());
        let name = name.map_err(|_| NotSent::NoAddress)?;
        let stream = self.tls.connect(name, stream).await;
        exchange(stream.map_err(|_| NotSent::NoTrust)?, letter).await
    }
}

impl Post for Courier {
    fn post(&self, letter: Letter) -> Posted<'_> {
        Box::pin(self.bring(letter))
    }
}

/// A connection to the first address of the host that is allowed and takes it. What a name leads to
/// is looked at here and nowhere later, so that it cannot change in between.
async fn connect(letter: &Letter) -> Result<TcpStream, NotSent> {
    let host = (letter.target.host.as_str(), letter.target.port);
    let found = tokio::net::lookup_host(host).await.map_err(|_| NotSent::NoAddress)?;
    let found: Vec<SocketAddr> = found.collect();
    let allowed: Vec<_> =
        found.iter().filter(|address| letter.rules.allow(address.ip())).take(ADDRESSES).collect();
    if allowed.is_empty() {
        return Err(if found.is_empty() { NotSent::NoAddress } else { NotSent::NotAllowed });
    }
    for address in allowed {
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
        if let Ok(Ok(stream)) = connected {
            return Ok(stream);
        }
    }
    Err(NotSent::NoConnection)
}

/// Sends the letter, and reads the head of the answer.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    letter: Letter,
) -> Result<Answer, NotSent> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|_| NotSent::Broken)?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(letter.target.path)
        .header(HOST, letter.target.authority)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", letter.id)
        .header("webhook-timestamp", letter.timestamp)
        .header("webhook-signature", letter.signature)
        .body(Full::<Bytes>::from(letter.body))
        .map_err(|_| NotSent::Broken)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(|_| NotSent::Broken)?;
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|after| after.to_str().ok()?.parse().ok());
        Ok(Answer { status: response.status().as_u16(), retry_after })
    };
    // The connection is driven here and dropped with the answer.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        answered = answered => answered,
        () = driven => Err(NotSent::Broken),
    }
}
