//! Whom we trust as a client of upstreams, and who we are: replaced while connections are made.
//!
//! No file is read here. Whoever reads them hands over what they hold.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use rustls::client::Resumption;
use tollgate_core::{ClientTls, MinimumVersion};

use crate::tls::{Authorities, Certificate, provider, versions};

/// What upstreams are spoken to with over TLS, by what a configuration says of it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct UpstreamTls(Arc<ArcSwap<Vec<Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    settings: ClientTls,
    config: Arc<ArcSwap<ClientConfig>>,
}

/// What the files of a [`ClientTls`] hold.
#[derive(Clone, Debug)]
pub struct ClientTrust {
    /// Who vouches for servers.
    pub authorities: Authorities,
    /// What is presented to servers that ask.
    pub certificate: Option<Certificate>,
}

/// Sessions that are remembered, of all servers that are spoken to in one way.
const SESSIONS: usize = 256;

impl ClientTrust {
    /// Whether both trust the same and present the same.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let certificates = match (&self.certificate, &other.certificate) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_same_as(other),
            _ => false,
        };
        certificates && self.authorities.is_same_as(&other.authorities)
    }

    /// How something else than an upstream is spoken to over TLS, in HTTP/2.
    ///
    /// # Errors
    /// If its parts contradict each other.
    pub fn http2(&self) -> Result<ClientConfig, rustls::Error> {
        let mut config = self.of_version(MinimumVersion::Tls12)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }

    fn config(&self, settings: &ClientTls) -> Result<ClientConfig, rustls::Error> {
        self.of_version(settings.minimum_version)
    }

    fn of_version(&self, minimum: MinimumVersion) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(minimum))?
            .with_root_certificates(self.authorities.roots());
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                let certified = Arc::clone(certificate.certified());
                builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
                    certified,
                )))
            }
        };
        // Shared by all workers, so that a session is resumed whoever began it.
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(config)
    }
}

impl UpstreamTls {
    /// Speaks as `trust` says, from the next connection on. Those that are open stay as they are.
    ///
    /// # Errors
    /// If its parts contradict each other; then everything stays as it was.
    pub fn put(&self, settings: &ClientTls, trust: &ClientTrust) -> Result<(), rustls::Error> {
        let config = Arc::new(trust.config(settings)?);
        let entries = self.0.load();
        if let Some(entry) = entries.iter().find(|entry| entry.settings == *settings) {
            entry.config.store(config);
            return Ok(());
        }
        let config = Arc::new(ArcSwap::new(config));
        let entry = Entry { settings: settings.clone(), config };
        self.0.rcu(|entries| {
            let mut entries = Vec::clone(entries);
            entries.push(entry.clone());
            entries
        });
        Ok(())
    }

    /// Forgets what is not `used` any more. What connections are made with meanwhile lives on.
    pub fn retain(&self, used: impl Fn(&ClientTls) -> bool) {
        self.0.rcu(|entries| {
            entries.iter().filter(|entry| used(&entry.settings)).cloned().collect::<Vec<_>>()
        });
    }

    pub(super) fn config(&self, settings: &ClientTls) -> Option<Arc<ArcSwap<ClientConfig>>> {
        let entries = self.0.load();
        let entry = entries.iter().find(|entry| entry.settings == *settings)?;
        Some(Arc::clone(&entry.config))
    }
}
