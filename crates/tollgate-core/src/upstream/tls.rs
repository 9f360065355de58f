//! How upstreams are spoken to over TLS, as far as a configuration says it: files stand here by
//! their paths only.

use std::path::PathBuf;

/// How one server is spoken to over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// The host name or address that its certificate has to be for, and that it is asked for.
    pub server_name: Box<str>,
    /// Whom we trust, and who we are.
    pub client: ClientTls,
}

/// Whom a client of upstreams trusts, and who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// The oldest version of TLS that is spoken.
    pub minimum_version: MinimumVersion,
    /// The authorities that vouch for servers, PEM; `None` = those of the system.
    pub ca_file: Option<PathBuf>,
    /// What is presented to servers that ask for a certificate.
    pub certificate: Option<CertificateFiles>,
}

/// Where a certificate and its key stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those between it and its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinimumVersion {
    /// 1.2, and 1.3.
    Tls12,
    /// 1.3 only.
    Tls13,
}
