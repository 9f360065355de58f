//! TLS to PostgreSQL: whom its server has to be, and who this process is to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{error, fmt, fs};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::secret::read_secret;

/// How TLS to the server is spoken: as libpq does with `sslmode=verify-full`. Its certificate has to
/// be of an authority that is trusted, and for the host that the URL names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresTls {
    /// The only authorities that are trusted, in PEM; `None` = those of the system.
    pub ca_file: Option<PathBuf>,
    /// What is shown to a server that asks for a certificate.
    pub client: Option<ClientFiles>,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFiles {
    /// The chain, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM, which nobody but the owner of the file may read.
    pub key: PathBuf,
}

/// What is wrong with a file. It never repeats what stands in it.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongFile {
    /// The field of `[control]` that names it.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

const CA: &str = "store_ca_file";
const CERTIFICATE: &str = "store_certificate_file";
const KEY: &str = "store_key_file";

/// What a server of PostgreSQL answers to among other protocols, from version 17 on. Older ones do
/// not look.
const PROTOCOL: &[u8] = b"postgresql";

impl PostgresTls {
    /// Reads the files, and says what is spoken by them. Later changes of them are not seen.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn load(&self) -> Result<ClientConfig, WrongFile> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("store_tls", error))?
            .with_root_certificates(self.authorities()?);
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some(files) => {
                let chain = certificates(&files.certificate, CERTIFICATE)?;
                let key = read_secret(&files.key).map_err(|error| wrong(KEY, error))?;
                let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| {
                    wrong(KEY, "the file holds no private key, expected one in PEM, not encrypted")
                })?;
                builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => {
                        wrong(KEY, "the private key is not that of store_certificate_file")
                    }
                    rustls::Error::InvalidCertificate(_) => {
                        wrong(CERTIFICATE, "the file holds a certificate that cannot be used")
                    }
                    _ => wrong(KEY, "the file holds a private key that cannot be used"),
                })?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(config)
    }

    fn authorities(&self) -> Result<RootCertStore, WrongFile> {
        let mut roots = RootCertStore::empty();
        match &self.ca_file {
            Some(file) => {
                for certificate in certificates(file, CA)? {
                    roots.add(certificate).map_err(|_| {
                        wrong(CA, "the file holds a certificate that cannot be an authority's")
                    })?;
                }
            }
            None => {
                let system = rustls_native_certs::load_native_certs();
                let (known, _) = roots.add_parsable_certificates(system.certs);
                if known == 0 {
                    return Err(wrong(
                        CA,
                        "this system has no certificates of authorities, expected a file with that \
                         of the server's",
                    ));
                }
            }
        }
        Ok(roots)
    }
}

/// The certificates of a file, of which there is one at least.
fn certificates(
    file: &Path,
    field: &'static str,
) -> Result<Vec<CertificateDer<'static>>, WrongFile> {
    // Without the path: it can be a secret that was put in its place.
    let pem = fs::read(file)
        .map_err(|error| wrong(field, format_args!("the file cannot be read: {error}")))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(wrong(field, "the file holds no certificate, expected some in PEM")),
    }
}

fn wrong(field: &'static str, message: impl fmt::Display) -> WrongFile {
    WrongFile { field, message: message.to_string() }
}

impl fmt::Display for WrongFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "control.{}: {}", self.field, self.message)
    }
}

impl error::Error for WrongFile {}
