//! What is known of a key itself.

use std::fmt;

use crate::model::DigestLiteral;

/// A key as it is kept: what it is known by, and itself sealed, where the policy keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The key's id.
    pub id: String,
    /// What proxies know it by.
    pub digest: DigestLiteral,
    /// The key itself, sealed; `None` where it was shown once or never.
    pub sealed: Option<Vec<u8>>,
    /// Its secret, sealed; `None` where it has none, or was shown once.
    pub sealed_secret: Option<Vec<u8>>,
    /// The digest of its secret, for proof by secret.
    pub secret_digest: Option<String>,
    /// Its secret wrapped under the key itself, for proof by signature.
    pub wrapped_secret: Option<String>,
    /// Milliseconds since 1970.
    pub created: i64,
}

/// Without anything that is sealed or wrapped.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, digest, created, .. } = self;
        f.debug_struct("Credential")
            .field("id", id)
            .field("digest", digest)
            .field("created", created)
            .finish_non_exhaustive()
    }
}
