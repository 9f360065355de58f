//! How a control plane is reached, and what it is shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper::header::HeaderValue;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_control::secret::read_secret;
use tollgate_proxy::{Authorities, ClientTrust};

use super::connection::Connection;
use crate::certificates::{all, read_authorities, read_certificate};
use crate::config::Reach;
use crate::refused::told;

/// For a connection and its first answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connects.
#[derive(Debug)]
pub(super) struct Dialer {
    reach: Reach,
    /// What was last spoken with over TLS: goes on while its files cannot be used.
    trust: ArcSwapOption<ClientTrust>,
}

impl Dialer {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, trust: ArcSwapOption::empty() }
    }

    /// Connects, and begins to follow. Files are read each time, so that new ones are used.
    pub(super) async fn dial(self: Arc<Self>) -> Result<Connection, String> {
        let dialed = tokio::time::timeout(PATIENCE, self.connect()).await;
        dialed.map_err(|_| "it takes too long to connect".to_owned())?
    }

    async fn connect(&self) -> Result<Connection, String> {
        let url = &self.reach.url;
        let authorization = self.reach.access_key_file.as_deref().map(authorization).transpose()?;
        let stream = TcpStream::connect((url.host.as_str(), url.port)).await;
        let stream = stream.map_err(|error| format!("{}: {error}", url.authority))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        if !url.tls {
            return Connection::begin(stream, url, authorization).await;
        }
        let name = ServerName::try_from(url.host.clone())
            .map_err(|_| format!("{}: no certificate can be of this name", url.host))?;
        let config = self.trust().await?.http2().map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let stream = stream.map_err(|error| format!("{}: {}", url.authority, told(&error)))?;
        Connection::begin(stream, url, authorization).await
    }

    /// What the files hold; while they cannot be used, what they held before.
    async fn trust(&self) -> Result<Arc<ClientTrust>, String> {
        let Reach { ca_file, certificate, .. } = &self.reach;
        let (ca_file, certificate) = (ca_file.clone(), certificate.clone());
        // On a thread that may block.
        let read = tokio::task::spawn_blocking(move || read_trust(ca_file, certificate));
        match (read.await.map_err(|error| error.to_string())?, self.trust.load_full()) {
            (Ok(trust), _) => {
                let trust = Arc::new(trust);
                self.trust.store(Some(Arc::clone(&trust)));
                Ok(trust)
            }
            (Err(error), Some(before)) => {
                tracing::error!(%error, "files of feed refused; what was read before goes on");
                Ok(before)
            }
            (Err(error), None) => Err(error),
        }
    }
}

/// What the secret of an access key is brought as.
fn authorization(file: &Path) -> Result<HeaderValue, String> {
    let secret = read_secret(file).map_err(|error| format!("access_key_file: {error}"))?;
    let bearer = [b"Bearer ", secret.trim_ascii()].concat();
    let mut authorization = HeaderValue::from_bytes(&bearer)
        .map_err(|_| "access_key_file: holds no secret of an access key".to_owned())?;
    authorization.set_sensitive(true);
    Ok(authorization)
}

fn read_trust(
    ca_file: Option<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
) -> Result<ClientTrust, String> {
    let authorities = match ca_file {
        Some(file) => read_authorities(&file).map_err(|error| format!("ca_file: {error}"))?,
        None => Authorities::of_system(rustls_native_certs::load_native_certs().certs)
            .map_err(|_| "this system has no certificates of authorities, expected ca_file")?,
    };
    let certificate = certificate.map(|(chain, key)| read_certificate(&chain, &key)).transpose();
    Ok(ClientTrust { authorities, certificate: certificate.map_err(|wrongs| all(&wrongs))? })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use rcgen::{CertificateParams, KeyPair};
    use tollgate_control::document::read;

    use super::*;
    use crate::config::Config;

    fn write(folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["edge.example.com".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        fs::write(folder.join("proxy.pem"), certificate.pem()).unwrap();
        fs::write(folder.join("proxy.key"), key.serialize_pem()).unwrap();
        fs::set_permissions(folder.join("proxy.key"), Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn files_are_read_anew_and_while_they_are_broken_what_they_held_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let file = folder.path().join("tollgate.toml");
        let config = "[listeners.public]\naddress = \"127.0.0.1:0\"\n[feed]\nurl = \"https://gate.example.com/feed/v1/edge\"\n\
                      ca_file = \"proxy.pem\"\ncertificate_file = \"proxy.pem\"\n\
                      key_file = \"proxy.key\"\n";
        fs::write(&file, config).unwrap();
        let (config, _) = read(&file, |root| Config::read(root, 0)).unwrap();
        let dialer = Dialer::new(config.settings.feed.unwrap().reach);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let trust = || runtime.block_on(dialer.trust());
        let first = trust().unwrap();
        fs::write(folder.path().join("proxy.pem"), "torn").unwrap();
        assert!(trust().unwrap().is_same_as(&first));
        write(folder.path());
        assert!(!trust().unwrap().is_same_as(&first));
    }
}
