//! Connections, plain or over TLS 1.3.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{Arguments, Error};

pub trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

pub struct Connector {
    pub address: SocketAddr,
    tls: Option<TlsConnector>,
}

impl Connector {
    pub fn of(arguments: &Arguments) -> Result<Self, Error> {
        let mut tls = None;
        if let Some(file) = &arguments.tls {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(file)? {
                roots.add(certificate?)?;
            }
            let config = ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
                .with_root_certificates(roots)
                .with_no_client_auth();
            tls = Some(TlsConnector::from(Arc::new(config)));
        }
        Ok(Self { address: arguments.address, tls })
    }

    pub async fn connect(&self) -> Result<Box<dyn Stream>, Error> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        Ok(Box::new(tls.connect(ServerName::try_from("bench.test")?, stream).await?))
    }
}
