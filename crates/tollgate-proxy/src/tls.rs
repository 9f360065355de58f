//! TLS towards clients: what a listener serves with, replaced while it serves, and the handshake.
//!
//! No file is read here. Whoever reads them hands over what they hold, and can give what comes of
//! it to another listener of the process, too.

mod authorities;
mod certificate;
mod choice;
mod failure;
mod handshake;
mod parting;
mod records;
mod stream;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::{ServerConfig, SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tollgate_core::MinimumVersion;

pub use authorities::{Authorities, AuthoritiesError};
pub use certificate::{Certificate, CertificateError};
use choice::Choice;
pub(crate) use failure::Failure;
pub(crate) use handshake::{ClientCertificate, Refused, Session, TlsVersion, accept};
pub use stream::TlsStream;

/// How a listener takes TLS connections. Clones share what it serves with.
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ArcSwap<ServerConfig>>,
    /// For the whole handshake.
    timeout: Duration,
}

impl Acceptor {
    /// Serves with `config`. A handshake may take as long as `timeout`.
    #[must_use]
    pub fn new(config: ServerConfig, timeout: Duration) -> Self {
        Self { config: Arc::new(ArcSwap::from_pointee(config)), timeout }
    }

    /// Serves with `config` from the next handshake on. Connections that are open stay as they are.
    pub fn replace(&self, config: ServerConfig) {
        self.config.store(Arc::new(config));
    }

    /// Makes a TLS connection out of `stream`, within the time that a handshake may take.
    ///
    /// # Errors
    /// Whatever kept it from becoming one.
    pub async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let made = tokio::time::timeout(self.timeout, accept(self, stream)).await;
        match made.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? {
            Ok((stream, _)) => Ok(stream),
            Err(refused) => {
                let Refused { error, parting } = refused;
                parting.leave().await;
                Err(error)
            }
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

static FROM_TLS12: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
static FROM_TLS13: [&SupportedProtocolVersion; 1] = [&version::TLS13];

/// The versions that are spoken from `minimum` on.
pub(crate) fn versions(minimum: MinimumVersion) -> &'static [&'static SupportedProtocolVersion] {
    match minimum {
        MinimumVersion::Tls12 => &FROM_TLS12,
        MinimumVersion::Tls13 => &FROM_TLS13,
    }
}

/// Which certificates clients have to present.
#[derive(Clone, Debug)]
pub enum ClientCertificates {
    /// They are not asked.
    None,
    /// They may present one of these authorities.
    Optional(Authorities),
    /// They have to present one of these authorities.
    Required(Authorities),
}

/// Seals the sessions of clients that come back, for all workers and over all reloads: its keys
/// change every few hours.
#[derive(Clone, Debug)]
pub struct Tickets(Arc<dyn ProducesTickets>);

impl Tickets {
    /// With new keys.
    ///
    /// # Errors
    /// If there is no randomness to be had.
    pub fn new() -> Result<Self, rustls::Error> {
        aws_lc_rs::Ticketer::new().map(Self)
    }
}

/// What a listener serves with.
#[derive(Debug)]
pub struct Terms<'a> {
    /// The oldest version of TLS that is spoken.
    pub minimum_version: MinimumVersion,
    /// Whether HTTP/2 is offered, beside HTTP/1.1.
    pub http2: bool,
    /// What clients present.
    pub clients: &'a ClientCertificates,
    /// In the order of preference among those for one name.
    pub certificates: &'a [Certificate],
    /// For clients that name no host, or one that no certificate is for; `None` = they are refused.
    pub default: Option<&'a Certificate>,
    /// What seals sessions.
    pub tickets: &'a Tickets,
}

/// What a connection is accepted with under `terms`.
///
/// Sessions are resumed by tickets alone, so that every worker knows them. Where clients present
/// certificates there are none: each handshake verifies anew, and no session outlives the
/// certificate or the authority that it was verified with. 0-RTT is off.
///
/// # Errors
/// If the terms contradict each other.
pub fn server_config(terms: &Terms<'_>) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions(terms.minimum_version))?;
    let (authorities, required) = match terms.clients {
        ClientCertificates::None => (None, false),
        ClientCertificates::Optional(authorities) => (Some(authorities), false),
        ClientCertificates::Required(authorities) => (Some(authorities), true),
    };
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(authorities.roots(), provider());
            let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
            let verifier =
                verifier.build().map_err(|error| rustls::Error::General(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let choice = Choice::of(terms.certificates, terms.default);
    let mut config = builder.with_cert_resolver(Arc::new(choice));
    let http1 = b"http/1.1".to_vec();
    config.alpn_protocols = if terms.http2 { vec![b"h2".to_vec(), http1] } else { vec![http1] };
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if authorities.is_none() {
        config.ticketer = Arc::clone(&terms.tickets.0);
    } else {
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

/// What all cryptography of TLS is done with.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
