//! Which certificate a client gets: the one for the host that it names (RFC 6066 §3).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::Certificate;

/// Certificates by the names that they are for. Several for one name, such as one with an RSA and
/// one with an ECDSA key, stand in the order of preference.
#[derive(Default)]
pub(super) struct Choice {
    exact: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    /// By what stands behind `*.`, which is for one more label.
    below: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    default: Option<Arc<CertifiedKey>>,
}

impl Choice {
    pub(super) fn of(certificates: &[Certificate], default: Option<&Certificate>) -> Self {
        let default = default.map(|default| Arc::clone(default.certified()));
        let mut choice = Self { default, ..Self::default() };
        for certificate in certificates {
            for name in certificate.names() {
                let (names, name) = match name.strip_prefix("*.") {
                    Some(name) => (&mut choice.below, name),
                    None => (&mut choice.exact, &**name),
                };
                let place = names.entry(name.into()).or_default();
                place.push(Arc::clone(certificate.certified()));
            }
        }
        choice
    }

    /// The certificate for `name` whose signatures a client understands.
    fn find(
        &self,
        name: Option<&str>,
        understood: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let exact = name.and_then(|name| self.exact.get(name));
        let below = || {
            let (_, rest) = name?.split_once('.')?;
            self.below.get(rest)
        };
        let Some(candidates) = exact.or_else(below) else { return self.default.clone() };
        let signs =
            |candidate: &&Arc<CertifiedKey>| candidate.key.choose_scheme(understood).is_some();
        candidates.iter().find(signs).or_else(|| candidates.first()).cloned()
    }
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(client_hello.server_name(), client_hello.signature_schemes())
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.exact.keys().chain(self.below.keys());
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    use super::*;

    const BOTH: [SignatureScheme; 2] =
        [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];

    fn certificate(names: &[&str], ed25519: bool) -> Certificate {
        let kind = if ed25519 { &PKCS_ED25519 } else { &PKCS_ECDSA_P256_SHA256 };
        let key = KeyPair::generate_for(kind).unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let chain = CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem();
        Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    #[test]
    fn an_exact_name_goes_before_a_wildcard_and_that_before_the_default() {
        let exact = certificate(&["api.example.com"], false);
        let below = certificate(&["*.example.com"], false);
        let default = certificate(&["other"], false);
        let all = [below.clone(), exact.clone(), default.clone()];
        let choice = Choice::of(&all, Some(&default));
        for (name, expected) in [
            (Some("api.example.com"), &exact),
            (Some("www.example.com"), &below),
            (Some("a.b.example.com"), &default),
            (Some("example.com"), &default),
            (Some("other"), &default),
            (None, &default),
        ] {
            let found = choice.find(name, &BOTH).unwrap();
            assert!(Arc::ptr_eq(&found, expected.certified()), "{name:?}");
        }
        let choice = Choice::of(&all, None);
        assert!(choice.find(None, &BOTH).is_none());
        assert!(choice.find(Some("example.com"), &BOTH).is_none());
    }

    #[test]
    fn of_two_for_one_name_it_is_the_first_that_the_client_understands() {
        let all = [certificate(&["a.b"], true), certificate(&["a.b"], false)];
        let choice = Choice::of(&all, None);
        for (understood, expected) in [(&BOTH[..], &all[0]), (&BOTH[..1], &all[1])] {
            let found = choice.find(Some("a.b"), understood).unwrap();
            assert!(Arc::ptr_eq(&found, expected.certified()), "{understood:?}");
        }
    }
}
