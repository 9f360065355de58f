//! The authorities that vouch for others.

use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Certificates whose holders may say who somebody is.
#[derive(Clone, Debug)]
pub struct Authorities {
    chain: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
}

/// Why a file does not name authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthoritiesError {
    /// It is no PEM.
    NotPem,
    /// There is no certificate in it.
    None,
    /// A certificate in it cannot be an authority's.
    Malformed,
}

impl fmt::Display for AuthoritiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPem => "the file is not PEM, expected certificates",
            Self::None => "the file holds no certificate, expected at least one authority's",
            Self::Malformed => "the file holds a certificate that cannot be parsed",
        })
    }
}

impl std::error::Error for AuthoritiesError {}

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// See [`AuthoritiesError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, AuthoritiesError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let chain = chain.map_err(|_| AuthoritiesError::NotPem)?;
        if chain.is_empty() {
            return Err(AuthoritiesError::None);
        }
        let mut roots = RootCertStore::empty();
        for certificate in &chain {
            roots.add(certificate.clone()).map_err(|_| AuthoritiesError::Malformed)?;
        }
        Ok(Self { chain, roots: Arc::new(roots) })
    }

    /// Those of `chain` that can be an authority's, as a system has them: what cannot be parsed
    /// vouches for nobody.
    ///
    /// # Errors
    /// [`AuthoritiesError::None`] if none is left.
    pub fn of_system(chain: Vec<CertificateDer<'static>>) -> Result<Self, AuthoritiesError> {
        let mut roots = RootCertStore::empty();
        match roots.add_parsable_certificates(chain.iter().cloned()) {
            (0, _) => Err(AuthoritiesError::None),
            _ => Ok(Self { chain, roots: Arc::new(roots) }),
        }
    }

    /// Whether both are the same certificates.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.chain == other.chain
    }

    /// The certificates.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.roots)
    }
}
