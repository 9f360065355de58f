//! What a snapshot knows of the secret of a key.

use super::Wrapped;
use crate::Digest;
use crate::table::Keyed;

/// What a snapshot knows of the secret of a key, where the key can be used with a service that asks
/// for a proof. It stands apart from the key's record, which most calls need without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySecret {
    /// The digest of the key.
    pub key: Digest,
    /// The digest of the secret, under a scheme of the snapshot: for proof by secret.
    pub digest: Option<Digest>,
    /// The secret, wrapped under the key: for signatures.
    pub wrapped: Option<Wrapped>,
}

impl Keyed for KeySecret {
    const VACANT: Self = Self { key: Digest::new([0; 32]), digest: None, wrapped: None };

    fn digest(&self) -> &Digest {
        &self.key
    }
}
