//! Digests of keys: all that a proxy ever stores of one (design decision 1).

use std::fmt;
use std::hash::{Hash, Hasher};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::Brand;

/// 256 bits that stand for a key. Whoever reads one cannot present the key.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The top 64 bits, which place the digest in a table. Digests are uniform, so no hash is
    /// needed.
    pub(crate) fn head(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The 64 bits after [`Digest::head`], which place the digest within its shard.
    pub(crate) fn body(&self) -> u64 {
        let [_, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Takes the same time whatever the digests are.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        // In words: byte by byte it takes ten times as long.
        let (mine, _) = self.0.as_chunks::<8>();
        let (theirs, _) = other.0.as_chunks::<8>();
        let pairs = mine.iter().zip(theirs);
        let differ = pairs.fold(0, |differ, (mine, theirs)| {
            differ | (u64::from_ne_bytes(*mine) ^ u64::from_ne_bytes(*theirs))
        });
        differ.ct_eq(&0).into()
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.head());
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Digest({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// The keyed state of an HMAC scheme. It cannot be printed.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// A pepper from its bytes, which are not kept.
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        Hmac::<Sha256>::new_from_slice(secret).ok().map(Self)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

/// How a presented key becomes a digest.
#[derive(Clone, Debug)]
pub enum Scheme {
    /// SHA-256 of the key's bytes.
    Sha256,
    /// HMAC-SHA-256 of the key's bytes under the pepper.
    HmacSha256(Pepper),
}

impl Scheme {
    /// The digest of `key`.
    #[must_use]
    pub fn digest(&self, key: &[u8]) -> Digest {
        match self {
            Self::Sha256 => Digest(Sha256::digest(key).into()),
            Self::HmacSha256(pepper) => {
                let mut mac = pepper.0.clone();
                mac.update(key);
                Digest(mac.finalize().into_bytes().into())
            }
        }
    }
}

/// The scheme in use and, while keys are moved over, the one before it.
#[derive(Clone, Debug)]
pub struct Schemes {
    /// Tried first.
    pub current: Scheme,
    /// Tried for a key that the current scheme does not find.
    pub previous: Option<Scheme>,
    /// What begins like a generated key and is none is not digested; `None` = nothing does.
    pub brand: Option<Brand>,
}

impl Schemes {
    /// Only `current`.
    #[must_use]
    pub fn only(current: Scheme) -> Self {
        Self { current, previous: None, brand: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: Digest) -> String {
        digest.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn sha256_is_what_standard_tools_make() {
        // printf %s abc | sha256sum
        assert_eq!(
            hex(Scheme::Sha256.digest(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn hmac_is_what_standard_tools_make() {
        // printf %s "what do ya want for nothing?" | openssl dgst -sha256 -hmac Jefe (RFC 4231 §4.3)
        let pepper = Pepper::new(b"Jefe").unwrap();
        assert_eq!(
            hex(Scheme::HmacSha256(pepper).digest(b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn nothing_prints_a_pepper() {
        let pepper = Pepper::new(b"canary-pepper").unwrap();
        assert!(!format!("{:?}", Scheme::HmacSha256(pepper)).contains("canary"));
    }
}
