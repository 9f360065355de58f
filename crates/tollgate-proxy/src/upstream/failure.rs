//! Why a server was not reached, in a few words that metrics can count.

use std::io;

use rustls::{CertificateError, Error};

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Unreached {
    /// Its name leads to no address.
    Resolve,
    /// Nobody listens there.
    Refused,
    /// There was no answer in time.
    Timeout,
    /// The network said something else.
    Network,
    /// It ended the handshake without a word.
    Closed,
    /// No authority that we trust vouches for its certificate.
    CertificateUntrusted,
    /// Its certificate is for another name.
    CertificateName,
    /// Its certificate has expired, or is not valid yet.
    CertificateTime,
    /// Its certificate is wrong in another way.
    Certificate,
    /// It ended the handshake with an alert, as when it asks for a certificate of ours.
    Alert,
    /// The two share no version, suite or application protocol, or it speaks no TLS.
    Protocol,
}

use Unreached as U;

/// With their labels, in the order of the enum.
const TABLE: [(Unreached, &str); Unreached::COUNT] = [
    (U::Resolve, "resolve"),
    (U::Refused, "refused"),
    (U::Timeout, "timeout"),
    (U::Network, "network"),
    (U::Closed, "closed"),
    (U::CertificateUntrusted, "certificate_untrusted"),
    (U::CertificateName, "certificate_name"),
    (U::CertificateTime, "certificate_time"),
    (U::Certificate, "certificate"),
    (U::Alert, "alert"),
    (U::Protocol, "protocol"),
];

impl Unreached {
    pub(crate) const COUNT: usize = Self::Protocol as usize + 1;

    /// Every reason with its label, in the order of their numbers.
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str)> {
        TABLE.into_iter()
    }

    /// Its number, below [`Unreached::COUNT`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Why the network did not connect us.
    pub(super) fn network(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Timeout,
            _ => Self::Network,
        }
    }

    /// Why a handshake failed.
    pub(super) fn handshake(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match tls {
            None => Self::Closed,
            Some(Error::InvalidCertificate(wrong)) => Self::certificate(wrong),
            Some(Error::AlertReceived(_)) => Self::Alert,
            Some(_) => Self::Protocol,
        }
    }

    fn certificate(wrong: &CertificateError) -> Self {
        use CertificateError as C;
        match wrong {
            // The second is what an authority of the same name comes to.
            C::UnknownIssuer | C::BadSignature => Self::CertificateUntrusted,
            C::NotValidForName | C::NotValidForNameContext { .. } => Self::CertificateName,
            C::Expired
            | C::ExpiredContext { .. }
            | C::NotValidYet
            | C::NotValidYetContext { .. } => Self::CertificateTime,
            _ => Self::Certificate,
        }
    }
}

/// Why a request that was handed to a connection has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Nothing of it was sent.
    Unsent,
    /// The server says that it did nothing with it.
    Unprocessed,
    /// The connection ended before a word of a response.
    Closed,
    /// What came is no response, or something else went wrong.
    Broken,
}

/// A connection that was not made.
#[derive(Debug)]
pub(crate) struct ConnectError {
    pub(crate) reason: Unreached,
    pub(crate) error: io::Error,
}

impl ConnectError {
    pub(super) fn new(reason: Unreached, error: io::Error) -> Self {
        Self { reason, error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (number, (reason, label)) in Unreached::all().enumerate() {
            assert_eq!(reason.index(), number, "{label}");
        }
    }
}
