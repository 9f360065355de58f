//! Which schemes keys are digested under, without their peppers.

use tollgate_core::Brand;

use super::codec::{Malformed, Read, fields};
use super::{Reader, Wire};

/// A scheme, as somebody else can tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentScheme {
    /// SHA-256.
    Sha256,
    /// HMAC-SHA-256 under the pepper with this fingerprint: the first 64 bits of its SHA-256.
    HmacSha256([u8; 8]),
}

/// The scheme in use, the one before it, and what generated keys begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentSchemes {
    /// Tried first.
    pub current: SentScheme,
    /// Tried for a key that the current scheme does not find.
    pub previous: Option<SentScheme>,
    /// What begins like a generated key and is none is not digested; `None` = nothing does.
    pub brand: Option<Brand>,
}

fields!(SentSchemes { current, previous, brand });

impl Wire for SentScheme {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Sha256 => to.push(0),
            Self::HmacSha256(fingerprint) => {
                to.push(1);
                to.extend_from_slice(fingerprint);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Sha256),
            1 => from.array().map(Self::HmacSha256),
            _ => Err(Malformed("a scheme is of no known kind")),
        }
    }
}

impl Wire for Brand {
    fn write(&self, to: &mut Vec<u8>) {
        super::codec::write_bytes(self.name().as_bytes(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        Self::new(from.text()?).ok_or(Malformed("a brand has a name that none has"))
    }
}
