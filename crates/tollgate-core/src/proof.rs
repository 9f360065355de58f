//! What a caller proves beside bringing a key (design §3, step 4, and decision 4).

mod failure;
mod presented;
mod secret;

pub use failure::ProofFailure;
pub use presented::Presented;
pub use secret::KeySecret;

use crate::{CredentialPlace, Record, Root, Schemes};

/// What a service asks its callers to prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How.
    pub scheme: ProofScheme,
    /// Where the proof may stand, in the order of precedence.
    pub places: Box<[CredentialPlace]>,
}

/// How a caller proves that it has the secret of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofScheme {
    /// It sends the secret, and digests are compared.
    Secret,
}

impl Proof {
    /// Whether `presented` proves it for the key of `record`.
    ///
    /// # Errors
    /// Why not. None of them tells how near it was.
    pub(crate) fn verify(
        &self,
        root: &Root,
        record: &Record,
        presented: &Presented<'_>,
    ) -> Result<(), ProofFailure> {
        let proof = presented.proof()?;
        let secret = root.secrets.find(&record.digest).ok_or(ProofFailure::NoSecret)?;
        match self.scheme {
            ProofScheme::Secret => is_secret(&root.schemes, secret, proof),
        }
    }
}

/// Compares digests, in the same time whatever they are.
fn is_secret(schemes: &Schemes, secret: &KeySecret, presented: &[u8]) -> Result<(), ProofFailure> {
    let digest = secret.digest.as_ref().ok_or(ProofFailure::NoSecret)?;
    let previous = || schemes.previous.as_ref().map(|scheme| scheme.digest(presented));
    if schemes.current.digest(presented) == *digest || previous().as_ref() == Some(digest) {
        return Ok(());
    }
    Err(ProofFailure::Wrong)
}
