//! The certificates of listeners: read from their files, and read again when these change.
//!
//! Each stands for itself: a broken one is told of and stays as it was, while others change. The
//! rest of the configuration goes its own way, so that no certificate holds up a change of a key.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prometheus::{GaugeVec, IntCounterVec, Opts, Registry};
use tokio::signal::unix::Signal;
use tollgate_control::document::kind::Name;
use tollgate_control::secret::read_secret;
use tollgate_control::watch::{Sight, Watched};
use tollgate_core::Clock;
use tollgate_proxy::{
    Acceptor, Authorities, Certificate, ClientCertificates, Tickets, TlsTerms, server_config,
};

use crate::config::{CertificateFiles, ClientCertificate, Settings, Tls};

type Failure = Box<dyn std::error::Error>;

/// What is wrong with the files of a certificate. It never repeats what stands in them.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// The field that names the file.
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl Wrong {
    fn chain(error: &dyn Display) -> Self {
        Self { field: "certificate_file", message: error.to_string() }
    }

    fn key(error: &dyn Display) -> Self {
        Self { field: "key_file", message: error.to_string() }
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl CertificateFiles {
    /// Reads the chain and its key, which nobody else may read.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn read(&self) -> Result<Certificate, Vec<Wrong>> {
        read_certificate(&self.certificate, &self.key)
    }
}

/// Reads a chain and its key, which nobody else may read.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn read_certificate(chain: &Path, key: &Path) -> Result<Certificate, Vec<Wrong>> {
    let chain = read_file(chain).map_err(|error| Wrong::chain(&error));
    let key = read_secret(key).map_err(|error| Wrong::key(&error));
    let (chain, key) = match (chain, key) {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
    };
    Certificate::from_pem(&chain, &key).map_err(|error| {
        vec![if error.is_of_key() { Wrong::key(&error) } else { Wrong::chain(&error) }]
    })
}

/// Reads the authorities of a file.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read_authorities(file: &Path) -> Result<Authorities, String> {
    let pem = read_file(file)?;
    Authorities::from_pem(&pem).map_err(|error| error.to_string())
}

/// Without the path in what is said: it can be a secret that was put in its place.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))
}

/// All of it in one line.
pub(crate) fn all(wrongs: &[Wrong]) -> String {
    let wrongs: Vec<_> = wrongs.iter().map(Wrong::to_string).collect();
    wrongs.join("; ")
}

/// What is odd about when a certificate is valid, at the second `now` since 1970.
pub(crate) fn lapse(certificate: &Certificate, now: i64) -> Option<&'static str> {
    if certificate.not_after() < now {
        Some("the certificate has expired, so clients will not trust it")
    } else if certificate.not_before() > now {
        Some("the certificate is not valid yet, so clients will not trust it")
    } else {
        None
    }
}

/// What the TLS listeners of a process serve with.
pub(crate) struct Certificates {
    /// Those of data, then that of the admin API, if it has any.
    listeners: Vec<Listener>,
    /// How many of them are of data.
    of_data: usize,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
}

/// What one listener serves with, and where it comes from.
struct Listener {
    name: Name,
    http2: bool,
    files: Tls,
    /// In the order of those in `files`.
    certificates: Vec<Certificate>,
    authorities: Option<Authorities>,
    tickets: Tickets,
    acceptor: Acceptor,
}

/// What is read of a listener at one time.
struct Read {
    certificates: Vec<Result<Certificate, Vec<Wrong>>>,
    authorities: Option<Result<Authorities, Wrong>>,
}

struct Metrics {
    expiry: GaugeVec,
    reloads: IntCounterVec,
}

impl Metrics {
    fn register(registry: &Registry) -> prometheus::Result<Self> {
        let expiry = GaugeVec::new(
            Opts::new(
                "tollgate_tls_certificate_expiry_timestamp_seconds",
                "The last second in which a certificate in use is valid, since 1970.",
            ),
            &["listener", "certificate"],
        )?;
        let reloads = IntCounterVec::new(
            Opts::new(
                "tollgate_tls_certificate_reloads_total",
                "Reads of a listener's certificate files, by what came of them.",
            ),
            &["listener", "result"],
        )?;
        registry.register(Box::new(expiry.clone()))?;
        registry.register(Box::new(reloads.clone()))?;
        Ok(Self { expiry, reloads })
    }
}

impl Certificates {
    /// Reads the certificates of every listener that has any.
    ///
    /// # Errors
    /// The first file that is wrong.
    pub(crate) fn load(
        settings: &Settings,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let mut listeners = Vec::new();
        for listener in &settings.listeners {
            if let Some(files) = &listener.tls {
                let name = listener.name.clone();
                let loaded = Listener::load(name, listener.settings.http2, files.clone());
                listeners.push(
                    loaded.map_err(|error| format!("listeners.{}.tls: {error}", listener.name))?,
                );
            }
        }
        let of_data = listeners.len();
        if let Some(files) = settings.control.as_ref().and_then(|control| control.tls.clone()) {
            let loaded = Listener::load(Name::new("control").ok_or("no name")?, true, files);
            listeners.push(loaded.map_err(|error| format!("control.tls: {error}"))?);
        }
        let certificates =
            Self { listeners, of_data, metrics: Metrics::register(registry)?, clock };
        for listener in &certificates.listeners {
            for result in ["applied", "unchanged", "refused"] {
                certificates.metrics.reloads.with_label_values(&[listener.name.as_str(), result]);
            }
            certificates.tell_expiry(listener);
        }
        Ok(certificates)
    }

    /// How the admin API takes TLS, if it does.
    pub(crate) fn control_acceptor(&self) -> Option<Acceptor> {
        Some(self.listeners.get(self.of_data)?.acceptor.clone())
    }

    /// How a listener takes TLS, if it does.
    pub(crate) fn acceptor(&self, listener: &Name) -> Option<Acceptor> {
        let mut data = self.listeners.iter().take(self.of_data);
        let listener = data.find(|each| each.name == *listener)?;
        Some(listener.acceptor.clone())
    }

    /// Reads the files again whenever they change or a hang-up asks for it, for ever.
    pub(crate) async fn watch(mut self, mut hang_up: Signal) {
        let files = self.listeners.iter().flat_map(|listener| listener.files.paths());
        let watched = Watched { files: files.collect(), folder: None };
        // What changed while the process started is read once more.
        let mut seen = Sight::default();
        while !self.listeners.is_empty() {
            tokio::select! {
                _ = watched.changed(&seen) => {}
                _ = hang_up.recv() => {}
            }
            // Looked at before they are read, so that a change in between is another change.
            seen = watched.look();
            self.reload().await;
        }
    }

    async fn reload(&mut self) {
        let files: Vec<_> = self.listeners.iter().map(|listener| listener.files.clone()).collect();
        // On a thread that may block.
        let read = move || files.iter().map(Tls::read).collect::<Vec<_>>();
        let read = match tokio::task::spawn_blocking(read).await {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "certificates were not read");
                return;
            }
        };
        let now = i64::try_from(self.clock.now().unix()).unwrap_or(i64::MAX);
        for (listener, read) in self.listeners.iter_mut().zip(read) {
            let result = listener.take(read, now);
            self.metrics.reloads.with_label_values(&[listener.name.as_str(), result]).inc();
        }
        self.listeners.iter().for_each(|listener| self.tell_expiry(listener));
    }

    fn tell_expiry(&self, listener: &Listener) {
        for (files, certificate) in listener.files.certificates.iter().zip(&listener.certificates) {
            let labels = [listener.name.as_str(), files.name.as_str()];
            self.metrics.expiry.with_label_values(&labels).set(certificate.not_after() as f64);
        }
    }
}

impl Listener {
    fn load(name: Name, http2: bool, files: Tls) -> Result<Self, Failure> {
        let read = files.read();
        let certificates = read.certificates.into_iter().zip(&files.certificates);
        let certificates = certificates.map(|(certificate, files)| {
            certificate.map_err(|wrongs| format!("certificates.{}: {}", files.name, all(&wrongs)))
        });
        let certificates: Vec<_> = certificates.collect::<Result<_, _>>()?;
        let authorities = read.authorities.transpose().map_err(|wrong| wrong.to_string())?;
        let tickets = Tickets::new()?;
        let config = files.config(http2, &certificates, authorities.as_ref(), &tickets)?;
        let acceptor = Acceptor::new(config, files.handshake_timeout);
        Ok(Self { name, http2, files, certificates, authorities, tickets, acceptor })
    }

    /// Serves with what was read from now on, as far as it is right. Returns what came of it.
    fn take(&mut self, read: Read, now: i64) -> &'static str {
        let (mut changed, mut refused) = (false, false);
        let listener = &self.name;
        let present = self.certificates.iter_mut().zip(&self.files.certificates);
        for ((present, files), certificate) in present.zip(read.certificates) {
            let name = &files.name;
            match certificate {
                Ok(same) if same.is_same_as(present) => {}
                Ok(new) => {
                    if let Some(lapse) = lapse(&new, now) {
                        tracing::warn!(%listener, certificate = %name, "{lapse}");
                    }
                    tracing::info!(%listener, certificate = %name, "certificate applied");
                    *present = new;
                    changed = true;
                }
                Err(wrongs) => {
                    tracing::error!(
                        %listener, certificate = %name, error = %all(&wrongs),
                        "certificate refused; the one before goes on serving"
                    );
                    refused = true;
                }
            }
        }
        match (read.authorities, &mut self.authorities) {
            (Some(Ok(new)), Some(present)) if !new.is_same_as(present) => {
                tracing::info!(%listener, "authorities of clients applied");
                *present = new;
                changed = true;
            }
            (Some(Err(error)), _) => {
                tracing::error!(
                    %listener, %error,
                    "authorities of clients refused; those before go on"
                );
                refused = true;
            }
            _ => {}
        }
        if changed {
            let (certificates, authorities) = (&self.certificates, self.authorities.as_ref());
            match self.files.config(self.http2, certificates, authorities, &self.tickets) {
                Ok(config) => self.acceptor.replace(config),
                Err(error) => {
                    tracing::error!(%listener, %error, "certificates refused");
                    refused = true;
                }
            }
        }
        match (refused, changed) {
            (true, _) => "refused",
            (false, true) => "applied",
            (false, false) => "unchanged",
        }
    }
}

impl Tls {
    fn paths(&self) -> impl Iterator<Item = PathBuf> {
        let pair = |files: &CertificateFiles| [files.certificate.clone(), files.key.clone()];
        self.certificates.iter().flat_map(pair).chain(self.client_ca_file.clone())
    }

    fn read(&self) -> Read {
        let authorities = self.client_ca_file.as_deref().map(|file| {
            read_authorities(file).map_err(|message| Wrong { field: "client_ca_file", message })
        });
        let certificates = self.certificates.iter().map(CertificateFiles::read).collect();
        Read { certificates, authorities }
    }

    fn config(
        &self,
        http2: bool,
        certificates: &[Certificate],
        authorities: Option<&Authorities>,
        tickets: &Tickets,
    ) -> Result<rustls::ServerConfig, Failure> {
        let clients = match (self.client_certificate, authorities.cloned()) {
            (ClientCertificate::None, _) => ClientCertificates::None,
            (ClientCertificate::Optional, Some(known)) => ClientCertificates::Optional(known),
            (ClientCertificate::Required, Some(known)) => ClientCertificates::Required(known),
            (_, None) => return Err("client_ca_file is missing".into()),
        };
        let mut named = self.certificates.iter().zip(certificates);
        let default =
            named.find(|(files, _)| Some(&files.name) == self.default_certificate.as_ref());
        let terms = TlsTerms {
            minimum_version: self.minimum_version,
            http2,
            clients: &clients,
            certificates,
            default: default.map(|(_, certificate)| certificate),
            tickets,
        };
        Ok(server_config(&terms)?)
    }
}
