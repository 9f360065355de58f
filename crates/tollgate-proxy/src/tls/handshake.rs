//! A handshake, and what it tells of the client.

use std::future::poll_fn;
use std::io;

use http::HeaderValue;
use rustls::{CommonState, HandshakeKind, ProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tollgate_core::CertificateFingerprint;

use super::parting::Parting;
use super::{Acceptor, TlsStream};

/// A version of TLS that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    Tls12,
    Tls13,
}

impl TlsVersion {
    /// As people write it.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// What a handshake told of the client.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) version: TlsVersion,
    /// Whether HTTP/2 was agreed upon.
    pub(crate) http2: bool,
    /// Whether an earlier session went on.
    pub(crate) resumed: bool,
    /// The certificate that the client has presented and proved to be its own; on the heap, as few have one.
    pub(crate) certificate: Option<Box<ClientCertificate>>,
}

/// A client's certificate, verified.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    pub(crate) fingerprint: CertificateFingerprint,
    /// As upstreams are told.
    pub(crate) field: HeaderValue,
}

/// A handshake that has come to nothing.
pub(crate) struct Refused<S> {
    pub(crate) error: io::Error,
    /// The connection, whose client was told.
    pub(crate) parting: Parting<S>,
}

/// Makes a TLS connection out of `stream`. It sends what the client has to know of a failure.
///
/// # Errors
/// Whatever kept it from becoming one.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: &Acceptor,
    stream: S,
) -> Result<(TlsStream<S>, Session), Refused<S>> {
    let made = TlsStream::new(acceptor.config.load_full(), stream);
    let mut stream = made.map_err(|error| Refused { error, parting: Parting::default() })?;
    let shaken = poll_fn(|cx| stream.poll_handshake(cx)).await;
    match shaken.and_then(|()| Session::of(stream.get_ref().1)) {
        Ok(session) => Ok((stream, session)),
        Err(error) => Err(Refused { error, parting: Parting::from(stream) }),
    }
}

impl Session {
    fn of(connection: &CommonState) -> io::Result<Self> {
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        let certificate =
            certificate.map(|der| ClientCertificate::of(der).map(Box::new)).transpose()?;
        Ok(Self {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
                _ => TlsVersion::Tls13,
            },
            http2: connection.alpn_protocol() == Some(b"h2"),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            certificate,
        })
    }
}

impl ClientCertificate {
    fn of(der: &[u8]) -> io::Result<Self> {
        let fingerprint = CertificateFingerprint::of(der);
        let field = HeaderValue::try_from(fingerprint.to_string()).map_err(io::Error::other)?;
        Ok(Self { fingerprint, field })
    }
}
