//! Secrets at rest, wrapped so that nothing but their key opens them (design decision 4).
//!
//! The text is `wrapped:v1:` and, in hex, a random nonce of 24 bytes followed by XChaCha20-Poly1305 of
//! the secret with its tag of 16. The cipher's key is HKDF-SHA-256 of the package key without a salt, for
//! the purpose `proof`; the text's beginning is authenticated with the secret, so that no later
//! version takes it for one of its own.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// What a text begins with.
const PREFIX: &str = "wrapped:v1:";

/// What the cipher's key is for.
const PURPOSE: &[u8] = b"proof";

const NONCE: usize = 24;
const TAG: usize = 16;

/// The longest secret (domain.md §1.2).
const LONGEST: usize = 255;

/// How many bytes one can have.
const LENGTHS: RangeInclusive<usize> = NONCE + 1 + TAG..=NONCE + LONGEST + TAG;

/// A secret that only its key opens.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped(Arc<[u8]>);

/// A secret that was opened. It cannot be printed and is wiped when dropped.
pub(crate) struct Opened {
    bytes: Zeroizing<[u8; LONGEST]>,
    length: usize,
}

impl Wrapped {
    /// How many random bytes [`Wrapped::seal`] wants.
    pub const NONCE: usize = NONCE;

    /// Wraps `secret`, of 1 to 255 bytes, under `key`. The nonce has to be random, and another each
    /// time.
    #[must_use]
    pub fn seal(key: &[u8], secret: &[u8], nonce: [u8; NONCE]) -> Option<Self> {
        if !(1..=LONGEST).contains(&secret.len()) {
            return None;
        }
        let mut sealed = Vec::with_capacity(NONCE + secret.len() + TAG);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(secret);
        let (_, text) = sealed.split_first_chunk_mut::<NONCE>()?;
        let tag =
            cipher(key)?.encrypt_inout_detached(&nonce.into(), PREFIX.as_bytes(), text.into());
        let Ok(tag) = tag else {
            sealed.zeroize();
            return None;
        };
        sealed.extend_from_slice(&tag);
        Some(Self(sealed.into()))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Why it is none, in words that follow "found …,". They never repeat the text, which could be a
    /// secret put where its wrapped form belongs.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("wrapped:").ok_or("which does not begin with \"wrapped:\"")?;
        let hex = rest.strip_prefix("v1:").ok_or("which is of no known version")?;
        let (pairs, odd) = hex.as_bytes().as_chunks::<2>();
        if !odd.is_empty() || !LENGTHS.contains(&pairs.len()) {
            return Err("which is not as long as a wrapped secret");
        }
        let byte = |pair: &[u8; 2]| {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            high.zip(low).and_then(|(high, low)| u8::try_from(high << 4 | low).ok())
        };
        let bytes: Option<Vec<_>> = pairs.iter().map(byte).collect();
        let bytes = bytes.ok_or("which has something else than hex digits after the version")?;
        Ok(Self(bytes.into()))
    }

    /// Nonce, sealed secret and tag.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The wrapped secret of these bytes; `None` if there are too few or too many.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        LENGTHS.contains(&bytes.len()).then(|| Self(bytes.into()))
    }

    /// Opens it with the key that it was wrapped under; `None` for any other.
    pub(crate) fn open(&self, key: &[u8]) -> Option<Opened> {
        let (nonce, rest) = self.0.split_first_chunk::<NONCE>()?;
        let (sealed, tag) = rest.split_last_chunk::<TAG>()?;
        let mut opened = Opened { bytes: Zeroizing::new([0; LONGEST]), length: sealed.len() };
        let text = opened.bytes.get_mut(..sealed.len())?;
        text.copy_from_slice(sealed);
        let (nonce, tag) = (XNonce::from(*nonce), Tag::from(*tag));
        let aad = PREFIX.as_bytes();
        cipher(key)?.decrypt_inout_detached(&nonce, aad, text.into(), &tag).ok()?;
        Some(opened)
    }
}

impl Opened {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn cipher(key: &[u8]) -> Option<XChaCha20Poly1305> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, key).expand(PURPOSE, derived.as_mut_slice()).ok()?;
    Some(XChaCha20Poly1305::new((&*derived).into()))
}

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Unprinted;
    use proptest::prelude::*;

    const KEY: &[u8] = b"2fvmer3qbk7f3jnqneg58bu2";

    fn opened(wrapped: &Wrapped, key: &[u8]) -> Option<Vec<u8>> {
        wrapped.open(key).map(|opened| opened.bytes().to_vec())
    }

    /// Made apart from this code: HKDF by hmac and hashlib of Python, and ChaCha20-Poly1305 of OpenSSL under
    /// HChaCha20 as draft-irtf-cfrg-xchacha-03 §2.2 has it.
    const VECTOR: &str = "wrapped:v1:000102030405060708090a0b0c0d0e0f101112131415161724db165bfedd9cf90ab4b659c977d682be363474b8d8c8eabfeabdfb";

    #[test]
    fn the_format_is_the_documented_one() {
        let nonce: [u8; NONCE] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let wrapped = Wrapped::seal(KEY, b"qvxkmw57pec7", nonce).unwrap();
        assert_eq!(wrapped.to_string(), VECTOR);
        let read = Wrapped::parse(&VECTOR.replace('a', "A").replace("wrApped", "wrapped")).unwrap();
        assert_eq!(read, wrapped);
        assert_eq!(opened(&read, KEY).as_deref(), Some(&b"qvxkmw57pec7"[..]));
    }

    #[test]
    fn what_is_no_wrapped_secret_is_refused() {
        let shortest = format!("wrapped:v1:{}", "0".repeat(2 * (NONCE + 1 + TAG)));
        assert!(Wrapped::parse(&shortest).is_ok());
        for text in [
            "",
            "qvxkmw57pec7",
            "wrapped:",
            "wrapped:v1:",
            &shortest[..shortest.len() - 1],
            &shortest[..shortest.len() - 2],
            &format!("{shortest}0"),
            &format!("{shortest}{}", "0".repeat(2 * LONGEST)),
            &shortest.replace("v1", "v2"),
            &shortest.replace("wrapped", "Wrapped"),
            &shortest.replacen("00", "+0", 1),
            &shortest.replacen("0", "é", 1),
        ] {
            assert!(Wrapped::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_prints_it() {
        let wrapped = Wrapped::seal(KEY, b"canary", [0; NONCE]).unwrap();
        assert_eq!(format!("{wrapped:?}"), "Wrapped(..)");
        <Opened as Unprinted<_>>::silent();
        assert!(Wrapped::seal(KEY, b"", [0; NONCE]).is_none());
        assert!(Wrapped::seal(KEY, &[b's'; LONGEST + 1], [0; NONCE]).is_none());
    }

    proptest! {
        /// Only the key opens it, and nothing of it can be changed.
        #[test]
        fn opens_with_its_key_alone(
            key in "[!-~]{1,255}",
            other in "[!-~]{1,255}",
            secret in "[!-~]{1,255}",
            nonce in prop::array::uniform24(any::<u8>()),
            flipped in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let wrapped = Wrapped::seal(key.as_bytes(), secret.as_bytes(), nonce).unwrap();
            let read = Wrapped::parse(&wrapped.to_string()).unwrap();
            prop_assert_eq!(opened(&read, key.as_bytes()), Some(secret.into_bytes()));
            if key != other {
                prop_assert!(read.open(other.as_bytes()).is_none());
            }
            let mut bytes = wrapped.0.to_vec();
            let at = flipped.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(Wrapped(bytes.into()).open(key.as_bytes()).is_none());
        }
    }
}
