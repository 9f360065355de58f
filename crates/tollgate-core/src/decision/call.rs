//! What is decided about.

use core::net::IpAddr;
use std::fmt;

use crate::{CertificateFingerprint, Digest, Presented, Route};

/// A call, as far as a decision needs it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Whose it is.
    pub key: CallKey<'a>,
    /// What proves that the key is the caller's.
    pub proof: Presented<'a>,
    /// What it leads to.
    pub route: &'a Route,
    /// The address of the client; `None` = nobody knows, and it stands in no network.
    pub source: Option<IpAddr>,
    /// The certificate that the caller has presented, verified.
    pub certificate: Option<&'a CertificateFingerprint>,
}

/// What key a call has.
#[derive(Clone, Copy)]
pub enum CallKey<'a> {
    /// This one, as it was presented.
    Presented(&'a [u8]),
    /// None: it is charged to the key of this digest.
    Keyless(&'a Digest),
}

impl<'a> Call<'a> {
    /// A call of `route` with `key` from `source`, which proves nothing.
    #[must_use]
    pub fn new(key: CallKey<'a>, route: &'a Route, source: Option<IpAddr>) -> Self {
        Self { key, proof: Presented::Nothing, route, source, certificate: None }
    }

    /// The same call with a proof.
    #[must_use]
    pub fn with_proof(self, proof: Presented<'a>) -> Self {
        Self { proof, ..self }
    }

    /// The same call by who has presented this certificate.
    #[must_use]
    pub fn with_certificate(self, certificate: Option<&'a CertificateFingerprint>) -> Self {
        Self { certificate, ..self }
    }
}

/// Without the key.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("route", self.route)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Unprinted;

    #[test]
    fn nothing_prints_a_key() {
        <CallKey<'_> as Unprinted<_>>::silent();
    }
}
