//! Why there is no connection, in words that say what to do about it.

use std::error::{self, Error as _};
use std::{fmt, io};

use rustls::{CertificateError, Error as Tls};

/// Why a server of PostgreSQL was not reached. It names the field that may be wrong, and nothing of
/// what was sent.
#[derive(Debug)]
pub(super) struct NotConnected(pub(super) postgres::Error);

impl NotConnected {
    /// What TLS itself says, if it was that.
    fn tls(&self) -> Option<&Tls> {
        self.0.source()?.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(said) = self.0.as_db_error() {
            return write!(f, "the server says: {}", said.message());
        }
        match self.tls() {
            // The latter is what one of the same name with another key gives.
            Some(Tls::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => f.write_str(
                "the certificate of the server is of no authority that is trusted, expected its \
                 authority's in control.store_ca_file",
            ),
            Some(Tls::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => f.write_str(
                "the certificate of the server is for another name, expected one for the host that \
                 control.store names",
            ),
            Some(Tls::InvalidCertificate(error)) => {
                write!(f, "the certificate of the server is not taken (control.store_tls): {error}")
            }
            Some(error) => write!(f, "TLS to the server failed (control.store_tls): {error}"),
            None => match self.0.source() {
                Some(cause) if cause.to_string() == NO_TLS => f.write_str(
                    "the server takes no TLS, which control.store_tls asks for: expected a server \
                     with ssl = on, or store_tls = \"disable\" where nobody can be in between",
                ),
                Some(cause) => write!(f, "{}: {cause}", self.0),
                None => self.0.fmt(f),
            },
        }
    }
}

/// As the client says it, which has no type for it.
const NO_TLS: &str = "server does not support TLS";

impl error::Error for NotConnected {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.0)
    }
}
