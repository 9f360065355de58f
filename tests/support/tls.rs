//! Certificates made for a test, and clients that speak TLS.

use std::fs::{self, Permissions};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
    SupportedProtocolVersion,
};

use super::{Http1, tcp};

/// Vouches for servers and for clients.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        // Another one than what it issues has: those would be taken for issued by themselves.
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these hosts.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.sign(&Self::params(names))
    }

    /// A certificate for these hosts that has expired.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Issued {
        let mut params = Self::params(names);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 2);
        self.sign(&params)
    }

    /// A certificate for who is called this, of which `days` are left at most.
    pub(crate) fn issue_uri(&self, uri: &str, days: i64) -> Issued {
        let mut params = Self::params(&[]);
        params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        let end = end.to_zoned(jiff::tz::TimeZone::UTC).date();
        let (month, day) = (end.month().unsigned_abs(), end.day().unsigned_abs());
        params.not_after = date_time_ymd(end.year().into(), month, day);
        self.sign(&params)
    }

    fn params(names: &[&str]) -> CertificateParams {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params
    }

    fn sign(&self, params: &CertificateParams) -> Issued {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Issued {
    /// Writes `name.pem`, and `name.key` for its owner alone.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        fs::write(folder.join(format!("{name}.pem")), &self.chain).unwrap();
        let key = folder.join(format!("{name}.key"));
        fs::write(&key, &self.key).unwrap();
        fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
    }

    /// As keys and upstreams are told it.
    pub(crate) fn fingerprint(&self) -> String {
        super::digest_of(&self.der())
    }

    /// What an upstream with this certificate serves with. It takes certificates of `clients`, and
    /// asks for one if there is such an authority.
    pub(crate) fn server(&self, clients: Option<&Authority>) -> ServerConfig {
        self.server_from(clients, rustls::DEFAULT_VERSIONS)
    }

    /// The same, over TLS 1.2 only.
    pub(crate) fn server_with_tls12_only(&self) -> ServerConfig {
        self.server_from(None, &TLS12)
    }

    fn server_from(
        &self,
        clients: Option<&Authority>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        builder.with_single_cert(vec![self.der()], key).unwrap()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()
    }
}

/// How a client speaks TLS. What it connects with shares one memory of sessions.
pub(crate) struct TlsClient(Arc<ClientConfig>);

/// A connection whose handshake is over, as far as the client is concerned.
pub(crate) type TlsConnection = StreamOwned<ClientConnection, TcpStream>;

static TLS12: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS12];
static TLS13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];

impl TlsClient {
    /// Trusts an authority, presents nothing, offers every application protocol it is told.
    pub(crate) fn new(authority: &Authority) -> Self {
        Self::of(authority, rustls::DEFAULT_VERSIONS, None)
    }

    pub(crate) fn with_tls12_only(authority: &Authority) -> Self {
        Self::of(authority, &TLS12, None)
    }

    pub(crate) fn with_tls13_only(authority: &Authority) -> Self {
        Self::of(authority, &TLS13, None)
    }

    pub(crate) fn presenting(authority: &Authority, certificate: &Issued) -> Self {
        Self::of(authority, rustls::DEFAULT_VERSIONS, Some(certificate))
    }

    fn of(
        authority: &Authority,
        versions: &[&'static SupportedProtocolVersion],
        certificate: Option<&Issued>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(issued) => {
                let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![issued.der()], key).unwrap()
            }
        };
        config.resumption = Resumption::in_memory_sessions(32);
        Self(Arc::new(config))
    }

    pub(crate) fn offering(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::make_mut(&mut self.0).alpn_protocols = protocols;
        self
    }

    pub(crate) fn without_name(mut self) -> Self {
        Arc::make_mut(&mut self.0).enable_sni = false;
        self
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }

    /// Connects to the host `name`.
    pub(crate) fn try_connect(&self, address: SocketAddr, name: &str) -> io::Result<TlsConnection> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut connection =
            ClientConnection::new(self.config(), name).map_err(io::Error::other)?;
        let mut stream = tcp(address)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }

    pub(crate) fn connect(&self, address: SocketAddr, name: &str) -> TlsConnection {
        self.try_connect(address, name).unwrap()
    }

    /// Connects to speak HTTP/1.1.
    pub(crate) fn http1(&self, address: SocketAddr, name: &str) -> Http1 {
        Http1::over(self.connect(address, name))
    }
}
