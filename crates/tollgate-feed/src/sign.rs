//! Who has made what is sent: signatures of a control plane (Ed25519, RFC 8032).
//!
//! A batch is signed with its environment and its numbering, a snapshot as the file that it is. A signature
//! says who has made something, not that there is nothing newer: what is older than what is held is refused
//! by its revision.

use std::fmt;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use bytes::Bytes;

use crate::wire::codec::Read as WireRead;
use crate::wire::{Malformed, Numbering, Reader, SentBatch, Wire};

/// What signs, kept by a control plane. It cannot be printed.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    mark: KeyMark,
}

/// The keys of which one has to have signed what is taken; none = whatever comes is taken.
#[derive(Clone, Default)]
pub struct PublicKeys(Vec<PublicKey>);

/// A public key.
#[derive(Clone)]
pub struct PublicKey {
    key: ParsedPublicKey,
    mark: KeyMark,
}

/// Tells keys apart: the beginning of the SHA-256 of the public one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyMark([u8; 8]);

/// A signature, and by which key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    key: KeyMark,
    bytes: [u8; 64],
}

/// A batch's signature, with the very bytes that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The signature.
    pub signature: Signature,
    /// What was signed, without its context.
    pub(crate) body: Bytes,
}

/// Why something is not taken from whoever has sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// There is no signature.
    Missing,
    /// It is by a key that is not among those of the process.
    Unknown(KeyMark),
    /// It is not of this.
    Wrong(KeyMark),
}

/// A file is no key of the kind that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKey;

const BATCH: &[u8] = b"tollgate feed batch 1\n";
const SNAPSHOT: &[u8] = b"tollgate feed snapshot 1\n";

/// What a public key of this kind begins with in DER, and how long its rest is (RFC 8410 §4).
const DER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl SigningKey {
    /// Reads a private key (PKCS#8, as DER).
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn of_der(der: &[u8]) -> Result<Self, NoKey> {
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| NoKey)?;
        let mark = KeyMark::of(pair.public_key().as_ref());
        Ok(Self { pair, mark })
    }

    /// Signs a batch.
    pub fn seal(&self, environment: &str, numbering: Numbering, batch: &mut SentBatch) {
        let mut body = Vec::new();
        batch.write(&mut body);
        let signature = self.sign(&of_batch(environment, numbering, &body));
        batch.seal = Some(Box::new(Seal { signature, body: body.into() }));
    }

    /// Signs the file of a snapshot, of whose bytes this is the SHA-256.
    pub(crate) fn of_snapshot(&self, digest: &Digest) -> Signature {
        self.sign(&[SNAPSHOT, digest.as_ref()].concat())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        let signature = self.pair.sign(message);
        let mut bytes = [0; 64];
        // Those of this kind are as long.
        bytes.copy_from_slice(signature.as_ref());
        Signature { key: self.mark, bytes }
    }
}

impl PublicKey {
    /// Reads a public key (SubjectPublicKeyInfo, as DER).
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn of_der(der: &[u8]) -> Result<Self, NoKey> {
        let raw = der.strip_prefix(&DER[..]).ok_or(NoKey)?;
        let key = ParsedPublicKey::new(&ED25519, raw).map_err(|_| NoKey)?;
        Ok(Self { key, mark: KeyMark::of(raw) })
    }
}

impl PublicKeys {
    /// These.
    #[must_use]
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self(keys)
    }

    /// Whether nothing has to be signed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has signed a batch.
    ///
    /// # Errors
    /// See [`Unsigned`].
    pub fn check(
        &self,
        environment: &str,
        numbering: Numbering,
        batch: &SentBatch,
    ) -> Result<(), Unsigned> {
        if self.is_empty() {
            return Ok(());
        }
        let Seal { signature, body } = batch.seal.as_deref().ok_or(Unsigned::Missing)?;
        self.verify(&of_batch(environment, numbering, body), signature)
    }

    /// Whether one of them has signed the file of a snapshot, of whose bytes this is the SHA-256.
    ///
    /// # Errors
    /// See [`Unsigned`].
    pub(crate) fn check_snapshot(
        &self,
        digest: &Digest,
        signature: &Signature,
    ) -> Result<(), Unsigned> {
        self.verify(&[SNAPSHOT, digest.as_ref()].concat(), signature)
    }

    fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), Unsigned> {
        let Signature { key: mark, bytes } = signature;
        let known = self.0.iter().find(|known| known.mark == *mark);
        let key = &known.ok_or(Unsigned::Unknown(*mark))?.key;
        key.verify_sig(message, bytes).map_err(|_| Unsigned::Wrong(*mark))
    }
}

impl KeyMark {
    fn of(public: &[u8]) -> Self {
        let digest = digest(&SHA256, public);
        Self(digest.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

fn of_batch(environment: &str, numbering: Numbering, body: &[u8]) -> Vec<u8> {
    let mut message = BATCH.to_vec();
    environment.to_owned().write(&mut message);
    numbering.write(&mut message);
    message.extend_from_slice(body);
    message
}

impl Wire for Signature {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.key.0);
        to.extend_from_slice(&self.bytes);
    }

    fn read(from: &mut Reader<'_>) -> WireRead<Self> {
        Ok(Self { key: KeyMark(from.array()?), bytes: from.array()? })
    }
}

impl Seal {
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        self.signature.write(to);
        to.extend_from_slice(&self.body);
    }

    /// Reads a signature and the batch behind it.
    pub(crate) fn read(from: &Bytes) -> Result<SentBatch, Malformed> {
        let mut reader = Reader::new(from);
        let signature = reader.get()?;
        let body = from.slice_ref(reader.rest());
        let batch: SentBatch = Reader::new(&body).whole()?;
        Ok(SentBatch { seal: Some(Box::new(Self { signature, body })), ..batch })
    }
}

impl Signature {
    /// Bytes of one.
    pub(crate) const LENGTH: usize = 8 + 64;

    /// By which key it is.
    #[must_use]
    pub fn key(&self) -> KeyMark {
        self.key
    }
}

impl fmt::Display for KeyMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by {}", self.key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("mark", &self.mark).finish_non_exhaustive()
    }
}

impl fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.mark)).finish()
    }
}

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => {
                f.write_str("is not signed, expected a signature by a key of public_key_files")
            }
            Self::Unknown(mark) => {
                write!(f, "is signed by the key {mark}, which is none of public_key_files")
            }
            Self::Wrong(mark) => {
                write!(f, "is not what the key {mark} has signed: its signature does not fit")
            }
        }
    }
}

impl std::error::Error for Unsigned {}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no key of Ed25519")
    }
}

impl std::error::Error for NoKey {}

#[cfg(test)]
mod tests;
