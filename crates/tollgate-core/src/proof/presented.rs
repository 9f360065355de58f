//! Proofs as they were presented.

use std::fmt;

use super::ProofFailure;

/// What a call brings beside its key.
#[derive(Clone, Copy, Default)]
pub enum Presented<'a> {
    /// Nothing in any place.
    #[default]
    Nothing,
    /// Something that cannot be a proof, or two things that differ.
    Malformed,
    /// This.
    Proof(&'a [u8]),
}

impl<'a> Presented<'a> {
    /// The proof.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn proof(&self) -> Result<&'a [u8], ProofFailure> {
        match self {
            Self::Nothing => Err(ProofFailure::Missing),
            Self::Malformed => Err(ProofFailure::Malformed),
            Self::Proof(proof) => Ok(proof),
        }
    }
}

/// Without the proof: it can be the secret itself.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Malformed => "Malformed",
            Self::Proof(_) => "Proof(..)",
        })
    }
}
