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
    Proof {
        /// The secret or the signature.
        proof: &'a [u8],
        /// The time beside a signature, where the service looks for one.
        time: Option<&'a [u8]>,
    },
}

impl<'a> Presented<'a> {
    /// The proof and the time beside it.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn proof(&self) -> Result<(&'a [u8], Option<&'a [u8]>), ProofFailure> {
        match self {
            Self::Nothing => Err(ProofFailure::Missing),
            Self::Malformed => Err(ProofFailure::Malformed),
            Self::Proof { proof, time } => Ok((proof, *time)),
        }
    }
}

/// Without the proof: it can be the secret itself.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Malformed => "Malformed",
            Self::Proof { .. } => "Proof(..)",
        })
    }
}
