//! Secrets at rest: keys and their secrets, sealed in the store and nowhere else (design
//! decision 3).
//!
//! A sealed text is `1`, the first four bytes of the sealing key's fingerprint, a random nonce of
//! 24 bytes, and XChaCha20-Poly1305 of the plaintext. The row's id and the field's name are
//! authenticated with it, so that no sealed text opens in another place than its own.

use std::fmt;
use std::path::Path;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::{SecretFileError, read_secret};

const VERSION: u8 = 1;
const MARK: usize = 4;
const NONCE: usize = 24;
const HEADER: usize = 1 + MARK + NONCE;

/// What seals and opens: the key in use, and the one before it while texts are sealed again.
#[derive(Clone, Debug)]
pub struct Sealer {
    current: SealingKey,
    previous: Option<SealingKey>,
}

/// A sealing key. It cannot be printed.
#[derive(Clone)]
pub struct SealingKey {
    cipher: XChaCha20Poly1305,
    mark: [u8; MARK],
}

/// Why a sealed text does not open. It never says what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// It was sealed with a key that is not here.
    OtherKey,
    /// It was changed, or belongs to another row or field.
    Forged,
    /// There is no randomness to be had.
    NoRandomness,
}

/// Why there is no sealing key.
#[derive(Debug)]
pub enum SealingKeyError {
    /// The file cannot be used.
    File(SecretFileError),
    /// It does not hold 64 hex digits.
    Malformed,
}

impl SealingKey {
    /// Reads a key from a file of 64 hex digits that only its owner may read.
    ///
    /// # Errors
    /// See [`SealingKeyError`].
    pub fn read(path: &Path) -> Result<Self, SealingKeyError> {
        let text = read_secret(path).map_err(SealingKeyError::File)?;
        let digits = text.trim_ascii();
        let mut key = Zeroizing::new([0; 32]);
        if digits.len() != 2 * key.len() {
            return Err(SealingKeyError::Malformed);
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            let value = high.zip(low).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
            *byte = value.ok_or(SealingKeyError::Malformed)?;
        }
        Ok(Self::new(&key))
    }

    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        let mut mark = [0; MARK];
        mark.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
        Self { cipher: XChaCha20Poly1305::new(bytes.into()), mark }
    }
}

impl Sealer {
    /// Seals with `current`, and opens what was sealed with either.
    #[must_use]
    pub fn new(current: SealingKey, previous: Option<SealingKey>) -> Self {
        Self { current, previous }
    }

    /// Seals a text for a field of a row.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, row: &str, field: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let aad = place(row, field);
        let payload = Payload { msg: plain, aad: &aad };
        let sealed = self.current.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| SealError::Forged)?;
        let mut text = Vec::with_capacity(HEADER + sealed.len());
        text.push(VERSION);
        text.extend_from_slice(&self.current.mark);
        text.extend_from_slice(&nonce);
        text.extend_from_slice(&sealed);
        Ok(text)
    }

    /// Opens what was sealed for a field of a row.
    ///
    /// # Errors
    /// [`SealError::OtherKey`] and [`SealError::Forged`].
    pub fn open(
        &self,
        row: &str,
        field: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (mark, rest) = split(sealed)?;
        let keys = std::iter::once(&self.current).chain(&self.previous);
        let key = keys.into_iter().find(|key| key.mark == mark).ok_or(SealError::OtherKey)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Forged)?;
        let aad = place(row, field);
        let payload = Payload { msg: sealed, aad: &aad };
        let opened = key.cipher.decrypt(&XNonce::from(*nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| SealError::Forged)
    }

    /// Whether a text was sealed with a key that is here.
    #[must_use]
    pub fn knows(&self, sealed: &[u8]) -> bool {
        let mut keys = std::iter::once(&self.current).chain(&self.previous);
        split(sealed).is_ok_and(|(mark, _)| keys.any(|key| key.mark == mark))
    }

    /// What tells the key in use in a text that was sealed with it: bytes 2 to 5.
    #[must_use]
    pub fn mark(&self) -> [u8; MARK] {
        self.current.mark
    }

    /// Likewise the key before it, if there is one.
    #[must_use]
    pub fn previous_mark(&self) -> Option<[u8; MARK]> {
        self.previous.as_ref().map(|key| key.mark)
    }

    /// Whether a text was sealed with the key in use.
    #[must_use]
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        split(sealed).is_ok_and(|(mark, _)| mark == self.current.mark)
    }
}

fn split(sealed: &[u8]) -> Result<([u8; MARK], &[u8]), SealError> {
    let (version, rest) = sealed.split_first().ok_or(SealError::Forged)?;
    let (mark, rest) = rest.split_first_chunk().ok_or(SealError::Forged)?;
    if *version == VERSION { Ok((*mark, rest)) } else { Err(SealError::OtherKey) }
}

/// What is authenticated with a text. Ids hold no NUL, so no two places read the same.
fn place(row: &str, field: &str) -> Vec<u8> {
    [row.as_bytes(), b"\0", field.as_bytes()].concat()
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherKey => "it was sealed with another key than those in use",
            Self::Forged => "it was changed, or moved from another place",
            Self::NoRandomness => "the system gives no random bytes",
        })
    }
}

impl std::error::Error for SealError {}

impl fmt::Display for SealingKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Malformed => f.write_str("the file does not hold a sealing key: 64 hex digits"),
        }
    }
}

impl std::error::Error for SealingKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32])
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_place_only() {
        let sealer = Sealer::new(key(1), None);
        let sealed = sealer.seal("row", "apikey", b"canary").unwrap();
        assert_eq!(sealer.open("row", "apikey", &sealed).unwrap().as_slice(), b"canary");
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        for (row, field) in [("other", "apikey"), ("row", "secret"), ("rowapi", "key")] {
            assert_eq!(sealer.open(row, field, &sealed), Err(SealError::Forged), "{row} {field}");
        }
    }

    #[test]
    fn a_changed_byte_is_found_wherever_it_is() {
        let sealer = Sealer::new(key(1), None);
        let sealed = sealer.seal("row", "apikey", b"canary").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open("row", "apikey", &changed).is_err(), "{at}");
            assert!(sealer.open("row", "apikey", &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same() {
        let sealer = Sealer::new(key(1), None);
        let seal = || sealer.seal("row", "apikey", b"canary").unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn the_key_before_opens_and_does_not_seal() {
        let old = Sealer::new(key(1), None).seal("row", "apikey", b"canary").unwrap();
        let moving = Sealer::new(key(2), Some(key(1)));
        assert_eq!(moving.open("row", "apikey", &old).unwrap().as_slice(), b"canary");
        assert!(!moving.is_current(&old));
        let new = moving.seal("row", "apikey", b"canary").unwrap();
        assert!(moving.is_current(&new));
        let moved = Sealer::new(key(2), None);
        assert_eq!(moved.open("row", "apikey", &new).unwrap().as_slice(), b"canary");
        assert_eq!(moved.open("row", "apikey", &old), Err(SealError::OtherKey));
    }

    #[test]
    fn nothing_prints_a_sealing_key() {
        let printed = format!("{:?}", Sealer::new(key(0x41), Some(key(0x42))));
        assert!(!printed.contains('A') && !printed.contains("65"), "{printed}");
    }

    #[test]
    fn a_key_is_read_from_a_private_file_of_hex_digits() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealing.key");
        let hex = "0a".repeat(32);
        for (text, fits) in [
            (format!("{hex}\n"), true),
            (hex.to_uppercase(), true),
            (hex[1..].to_owned(), false),
            (format!("{}zz", &hex[2..]), false),
            (String::new(), false),
        ] {
            std::fs::write(&path, &text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(SealingKey::read(&path).is_ok(), fits, "{text}");
        }
    }
}
