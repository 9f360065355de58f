//! Digests of keys and the schemes that make them (design decision 1).

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// How a key becomes 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// SHA-256 of the key's bytes.
    Sha256,
    /// HMAC-SHA-256 of the key's bytes under a pepper.
    HmacSha256,
}

impl Scheme {
    /// All of them, by their names in a literal.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("sha256", Self::Sha256), ("hmac-sha256", Self::HmacSha256)];

    /// The name in front of a digest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::HmacSha256 => "hmac-sha256",
        }
    }
}

/// A digest with the name of its scheme: `sha256:<64 hex digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestLiteral {
    /// How it was made.
    pub scheme: Scheme,
    /// What it is.
    pub bytes: [u8; 32],
}

impl DigestLiteral {
    /// Reads a literal.
    ///
    /// # Errors
    ///
    /// Why it is none, in words that follow "found …,". They never repeat the text, which could be
    /// a key put where its digest belongs.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, hex) = text.split_once(':').ok_or("which names no scheme in front")?;
        let scheme = Scheme::ALL.iter().find(|(known, _)| *known == name);
        let (_, scheme) = scheme.ok_or("which begins with no known scheme")?;
        if hex.len() != 64 {
            return Err("which has not 64 hex digits after the colon");
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            let value = high.zip(low).map(|(high, low)| high << 4 | low);
            let value = value.and_then(|value| u8::try_from(value).ok());
            *byte = value.ok_or("which has something else than hex digits after the colon")?;
        }
        Ok(Self { scheme: *scheme, bytes })
    }
}

impl fmt::Display for DigestLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme.name())?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DigestLiteral {
    /// Enough to tell two apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.bytes;
        write!(f, "{}:{a:02x}{b:02x}{c:02x}{d:02x}…", self.scheme.name())
    }
}

/// The schemes that keys are looked up under, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestSchemes {
    /// The one in use.
    pub current: SchemeSettings,
    /// The one before it, while keys are moved over.
    pub previous: Option<SchemeSettings>,
}

impl DigestSchemes {
    /// Whether keys are looked up under this scheme.
    pub fn know(&self, scheme: Scheme) -> bool {
        let previous = self.previous.as_ref().map(SchemeSettings::scheme);
        self.current.scheme() == scheme || previous == Some(scheme)
    }
}

/// A scheme with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemeSettings {
    /// [`Scheme::Sha256`].
    Sha256,
    /// [`Scheme::HmacSha256`].
    HmacSha256(Pepper),
}

impl SchemeSettings {
    /// Which scheme it is.
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Sha256 => Scheme::Sha256,
            Self::HmacSha256(_) => Scheme::HmacSha256,
        }
    }

    /// What tells it from others, also of the same name: `sha256`, or `hmac-sha256:` and the
    /// fingerprint of the pepper.
    #[must_use]
    pub fn mark(&self) -> String {
        match self {
            Self::Sha256 => Scheme::Sha256.name().to_owned(),
            Self::HmacSha256(pepper) => {
                let fingerprint = u64::from_be_bytes(pepper.fingerprint());
                format!("{}:{fingerprint:016x}", Scheme::HmacSha256.name())
            }
        }
    }

    /// The scheme as keys are digested with it.
    pub fn compile(&self) -> Option<tollgate_core::Scheme> {
        match self {
            Self::Sha256 => Some(tollgate_core::Scheme::Sha256),
            Self::HmacSha256(pepper) => {
                tollgate_core::Pepper::new(&pepper.0).map(tollgate_core::Scheme::HmacSha256)
            }
        }
    }
}

/// The secret of an HMAC scheme. It cannot be printed and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Pepper(Zeroizing<Vec<u8>>);

impl Pepper {
    /// A pepper of these bytes.
    pub fn new(secret: Zeroizing<Vec<u8>>) -> Self {
        Self(secret)
    }

    /// The bytes, for the one who keys the HMAC.
    pub fn secret(&self) -> &Zeroizing<Vec<u8>> {
        &self.0
    }

    /// The first 64 bits of the pepper's SHA-256: tells two peppers apart without telling either.
    pub fn fingerprint(&self) -> [u8; 8] {
        let mut fingerprint = [0; 8];
        for (to, from) in fingerprint.iter_mut().zip(Sha256::digest(self.0.as_slice())) {
            *to = from;
        }
        fingerprint
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_and_shown() {
        let text = format!("hmac-sha256:{}", "0123456789abcdef".repeat(4));
        let literal = DigestLiteral::parse(&text).unwrap();
        assert_eq!(literal.scheme, Scheme::HmacSha256);
        assert_eq!(literal.bytes[..4], [0x01, 0x23, 0x45, 0x67]);
        assert_eq!(literal.to_string(), text);
        assert_eq!(DigestLiteral::parse(&text.replace("abc", "ABC")), Ok(literal));
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        let hex = "0".repeat(64);
        let wrong = [
            String::new(),
            hex.clone(),
            format!("md5:{hex}"),
            format!("SHA256:{hex}"),
            format!("sha256:{hex}0"),
            format!("sha256:{}", "+f".repeat(32)),
            format!("sha256:{}", "é".repeat(32)),
        ];
        for text in wrong {
            assert!(DigestLiteral::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_pepper() {
        let pepper = Pepper::new(Zeroizing::new(b"canary".to_vec()));
        assert!(!format!("{:?}", SchemeSettings::HmacSha256(pepper)).contains("canary"));
    }
}
