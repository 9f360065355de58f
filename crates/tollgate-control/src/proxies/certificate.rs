//! Certificates that proxies present in the place of a secret.

use std::fmt;

use tollgate_core::CertificateFingerprint;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// What an access key knows a certificate by: one of what a [`PresentedCertificate`] says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateMark(String);

/// A certificate that an authority of `control.tls.client_ca_file` has vouched for, and whose key whoever
/// presents it has.
#[derive(Clone, Debug)]
pub struct PresentedCertificate {
    marks: Vec<CertificateMark>,
    not_after: i64,
}

/// As long as a mark may be.
const LONGEST: usize = 512;

impl CertificateMark {
    /// What is expected of one.
    pub const EXPECTED: &'static str = "expected sha256: and the certificate's fingerprint, or uri:, dns: or cn: and a name of its \
         subject, such as \"uri:spiffe://example.com/edge-1\"";

    /// Reads one: `sha256:` and the fingerprint, with or without colons; `uri:` or `dns:` and a
    /// subject alternative name; `cn:` and the subject's only common name.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        let fits = text.len() <= LONGEST && !name.is_empty() && !name.contains(char::is_control);
        match kind {
            _ if !fits => None,
            "sha256" => CertificateFingerprint::parse(text).map(|print| Self(print.to_string())),
            "uri" => name.contains(':').then(|| Self::of(kind, name)),
            "dns" => name.is_ascii().then(|| Self::of(kind, &name.to_ascii_lowercase())),
            "cn" => Some(Self::of(kind, name)),
            _ => None,
        }
    }

    /// The mark as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(kind: &str, name: &str) -> Self {
        Self(format!("{kind}:{name}"))
    }
}

impl fmt::Display for CertificateMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PresentedCertificate {
    /// Reads one that was verified; `None` if it cannot be read.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let ([], certificate) = parse_x509_certificate(der).ok()? else { return None };
        let mut marks = vec![CertificateMark(CertificateFingerprint::of(der).to_string())];
        // Of several common names nobody knows which one is meant.
        let mut common = certificate.subject().iter_common_name();
        if let (Some(name), None) = (common.next(), common.next())
            && let Ok(name) = name.as_str()
        {
            marks.push(CertificateMark::of("cn", name));
        }
        let alternative = certificate.subject_alternative_name().ok()?;
        let names = alternative.iter().flat_map(|names| names.value.general_names.iter());
        marks.extend(names.filter_map(|name| match name {
            GeneralName::URI(uri) => Some(CertificateMark::of("uri", uri)),
            GeneralName::DNSName(name) => {
                Some(CertificateMark::of("dns", &name.to_ascii_lowercase()))
            }
            _ => None,
        }));
        Some(Self { marks, not_after: certificate.validity().not_after.timestamp() })
    }

    /// Whether it is known by this mark.
    #[must_use]
    pub fn has(&self, mark: &CertificateMark) -> bool {
        self.marks.contains(mark)
    }

    /// Whether it has expired at a second since 1970.
    #[must_use]
    pub fn is_over(&self, unix: i64) -> bool {
        self.not_after < unix
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn mark(text: &str) -> CertificateMark {
        CertificateMark::read(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_certificate_is_known_by_what_it_says_of_itself_and_by_nothing_else() {
        let mut params = CertificateParams::new(vec!["Edge.example.com".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "edge-1");
        let uri = "spiffe://example.com/edge-1".try_into().unwrap();
        params.subject_alt_names.push(SanType::URI(uri));
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let presented = PresentedCertificate::read(der.der()).unwrap();
        let fingerprint = CertificateFingerprint::of(der.der()).to_string();
        for known in
            [&*fingerprint, "cn:edge-1", "dns:EDGE.example.com", "uri:spiffe://example.com/edge-1"]
        {
            assert!(presented.has(&mark(known)), "{known}");
        }
        for unknown in ["cn:edge", "cn:Edge-1", "dns:edge-1", "uri:spiffe://example.com/edge-10"] {
            assert!(!presented.has(&mark(unknown)), "{unknown}");
        }
        assert!(!presented.is_over(0));
        assert!(presented.is_over(i64::MAX));
        assert!(PresentedCertificate::read(&der.der()[1..]).is_none());
    }

    #[test]
    fn what_is_no_mark_is_none() {
        let long = format!("cn:{}", "x".repeat(LONGEST));
        for text in
            ["", "edge-1", "cn:", "uri:edge-1", "sha256:12", "email:a@b", "cn:a\nb", "dns:ä", &long]
        {
            assert_eq!(CertificateMark::read(text), None, "{text}");
        }
    }
}
