//! Certificates of clients, as far as a key can be bound to one.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a certificate's DER. It is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CertificateFingerprint([u8; 32]);

impl CertificateFingerprint {
    /// The fingerprint of a certificate.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// The fingerprint of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads what [`fmt::Display`] writes, and what `openssl x509 -fingerprint -sha256` does after
    /// its equals sign: `sha256:` and 64 hex digits, with or without colons between each two.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let digits: Vec<u8> = match hex.len() {
            64 => hex.bytes().collect(),
            95 if hex.bytes().skip(2).step_by(3).all(|byte| byte == b':') => {
                hex.as_bytes().chunks(3).flat_map(|pair| pair.iter().take(2)).copied().collect()
            }
            _ => return None,
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? << 4 | low?).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_the_same_fingerprint() {
        let fingerprint = CertificateFingerprint::of(b"der");
        let plain = fingerprint.to_string();
        assert_eq!(CertificateFingerprint::parse(&plain), Some(fingerprint));
        let pairs: Vec<_> = plain.as_bytes()["sha256:".len()..].chunks(2).collect();
        let colons = String::from_utf8(pairs.join(&b':')).unwrap().to_uppercase();
        assert_eq!(CertificateFingerprint::parse(&format!("sha256:{colons}")), Some(fingerprint));
        let short = &plain[..plain.len() - 1];
        let other = format!("{short}g");
        for wrong in ["", "sha256:", short, &plain[7..], &other, &colons] {
            assert_eq!(CertificateFingerprint::parse(wrong), None, "{wrong}");
        }
        let misplaced = format!("sha256:{}", colons.replacen(':', "0", 1));
        assert_eq!(CertificateFingerprint::parse(&misplaced), None);
    }
}
