//! Why a handshake failed, in a few words that metrics can count.

use std::io;

use rustls::Error;

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Failure {
    /// It was not over in time.
    Timeout,
    /// The client went away.
    Closed,
    /// What came is no TLS.
    Malformed,
    /// The two share no version, suite, signature or application protocol.
    Incompatible,
    /// There is no certificate for the name that the client gave.
    UnknownName,
    /// The client presented no certificate where it has to, or one that is not accepted.
    ClientCertificate,
    /// The client ended it with an alert, as when it does not trust our certificate.
    Alert,
    /// The client broke the protocol in another way.
    Protocol,
}

use Failure as F;

/// With their labels, in the order of the enum.
const TABLE: [(Failure, &str); Failure::COUNT] = [
    (F::Timeout, "timeout"),
    (F::Closed, "closed"),
    (F::Malformed, "malformed"),
    (F::Incompatible, "incompatible"),
    (F::UnknownName, "unknown_name"),
    (F::ClientCertificate, "client_certificate"),
    (F::Alert, "alert"),
    (F::Protocol, "protocol"),
];

impl Failure {
    pub(crate) const COUNT: usize = Self::Protocol as usize + 1;

    /// Every reason with its label, in the order of their numbers.
    pub(crate) fn all() -> impl Iterator<Item = (Self, &'static str)> {
        TABLE.into_iter()
    }

    /// Its number, below [`Failure::COUNT`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match tls {
            None => Self::Closed,
            Some(Error::InvalidMessage(_)) => Self::Malformed,
            Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => Self::Incompatible,
            // What rustls says when there is nothing to choose.
            Some(Error::General(_)) => Self::UnknownName,
            Some(Error::NoCertificatesPresented | Error::InvalidCertificate(_)) => {
                Self::ClientCertificate
            }
            Some(Error::AlertReceived(_)) => Self::Alert,
            Some(_) => Self::Protocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (number, (failure, label)) in Failure::all().enumerate() {
            assert_eq!(failure.index(), number, "{label}");
        }
    }
}
