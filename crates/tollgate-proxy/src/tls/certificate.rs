//! A certificate of ours, with its key.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;

/// A certificate chain and its private key. The key cannot be printed.
#[derive(Clone)]
pub struct Certificate {
    certified: Arc<CertifiedKey>,
    names: Vec<String>,
    not_before: i64,
    not_after: i64,
}

/// Why files do not make a certificate. It never tells what stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateError {
    /// The chain is no PEM.
    ChainNotPem,
    /// The PEM of the chain holds no certificate.
    NoCertificate,
    /// A certificate of the chain cannot be parsed.
    ChainMalformed,
    /// The key is no PEM.
    KeyNotPem,
    /// The PEM of the key holds no private key.
    NoKey,
    /// The key is of a kind that nobody signs with here.
    KeyUnsupported,
    /// The key is not the certificate's.
    KeyOfAnother,
}

impl CertificateError {
    /// Whether it is the key that is wrong, and not the chain.
    #[must_use]
    pub fn is_of_key(self) -> bool {
        matches!(self, Self::KeyNotPem | Self::NoKey | Self::KeyUnsupported | Self::KeyOfAnother)
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChainNotPem => "the file is not PEM, expected certificates",
            Self::NoCertificate => {
                "the file holds no certificate, expected the one of the key and those between it \
                 and its authority"
            }
            Self::ChainMalformed => "the file holds a certificate that cannot be parsed",
            Self::KeyNotPem => "the file is not PEM, expected a private key",
            Self::NoKey => "the file holds no private key",
            Self::KeyUnsupported => {
                "the private key cannot be used, expected RSA of 2048 to 8192 bits, ECDSA on \
                 P-256, P-384 or P-521, or Ed25519"
            }
            Self::KeyOfAnother => "the private key is not the one of the certificate",
        })
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    /// Reads a chain, the certificate of the key first, and the key, both PEM.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.map_err(|_| CertificateError::ChainNotPem)?;
        let own = chain.first().ok_or(CertificateError::NoCertificate)?;
        let own = parse(own)?;
        let names = names(&own);
        let validity = own.validity();
        let (not_before, not_after) =
            (validity.not_before.timestamp(), validity.not_after.timestamp());
        for issuer in chain.iter().skip(1) {
            parse(issuer)?;
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            Error::NoItemsFound => CertificateError::NoKey,
            _ => CertificateError::KeyNotPem,
        })?;
        let signer = any_supported_type(&key).map_err(|_| CertificateError::KeyUnsupported)?;
        let certified = CertifiedKey::new(chain, signer);
        match certified.keys_match() {
            // A key that cannot tell its public half is seen through by the first client.
            Ok(()) | Err(TlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(TlsError::InconsistentKeys(_)) => return Err(CertificateError::KeyOfAnother),
            Err(_) => return Err(CertificateError::ChainMalformed),
        }
        Ok(Self { certified: Arc::new(certified), names, not_before, not_after })
    }

    /// The host names that it is for, in lower case; `*.` stands for one label.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The first second since 1970 in which it is valid.
    #[must_use]
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// The last second since 1970 in which it is valid.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether both are the same chain.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }

    pub(crate) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("names", &self.names).finish_non_exhaustive()
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateError> {
    match parse_x509_certificate(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(CertificateError::ChainMalformed),
    }
}

/// The DNS names among the subject's alternative ones: what clients hold a host against (RFC 9525
/// §6.3). The common name is not one of them.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternative)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = alternative.value.general_names.iter();
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pem(names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn names_and_validity_are_read() {
        let (chain, key) = pem(&["API.example.com", "*.example.org", "10.0.0.1"]);
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(certificate.names(), ["api.example.com", "*.example.org"]);
        assert!(certificate.not_before() < certificate.not_after());
        assert!(!format!("{certificate:?}").contains("PRIVATE"));
    }

    #[test]
    fn what_is_no_certificate_and_key_is_told_apart() {
        use CertificateError as E;
        let (chain, key) = pem(&["a"]);
        let (_, other) = pem(&["b"]);
        let torn = chain.replace("MII", "AAA");
        let half = &key[..key.len() / 2];
        for (chain, key, expected) in [
            ("", &*key, E::NoCertificate),
            (&*key, &*key, E::NoCertificate),
            (&chain[..99], &*key, E::ChainNotPem),
            (&*torn, &*key, E::ChainMalformed),
            (&*chain, "", E::NoKey),
            (&*chain, &*chain, E::NoKey),
            (&*chain, half, E::KeyNotPem),
            (&*chain, &*other, E::KeyOfAnother),
        ] {
            let found = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
            assert_eq!(found, expected, "{chain} {key}");
        }
    }
}
