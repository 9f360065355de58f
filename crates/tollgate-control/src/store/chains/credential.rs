//! What is known of a key itself.

use std::fmt;

use super::StoredChain;
use crate::model::DigestLiteral;
use crate::store::{Connection, StoreError};

/// A key as it is kept: what it is known by, and itself sealed, where the policy keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The key's id.
    pub id: String,
    /// What proxies know it by.
    pub digest: DigestLiteral,
    /// Under which scheme that digest and that of the secret were made, by its
    /// [mark](crate::model::SchemeSettings::mark); `None` = not known.
    pub scheme: Option<String>,
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

impl Credential {
    /// The credential of a key, with the chain that it belongs to.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn find(
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<(String, Self)>, StoreError> {
        let Some(chain) = StoredChain::of_key(connection, id)? else { return Ok(None) };
        let StoredChain { id: chain, credentials, .. } = chain;
        let found = credentials.into_iter().find(|(_, credential)| credential.id == id);
        Ok(found.map(|(_, credential)| (chain, credential)))
    }

    /// Writes how the key is digested and sealed, in the place of how it was. Its chain goes on in the
    /// version that it has: nothing has happened to it.
    pub fn write(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let statement = "UPDATE keys SET digest = $1, scheme = $2, sealed = $3, sealed_secret = $4, \
                         secret_digest = $5 WHERE id = $6";
        let values = [
            self.digest.to_string().into(),
            self.scheme.as_deref().into(),
            self.sealed.as_deref().into(),
            self.sealed_secret.as_deref().into(),
            self.secret_digest.as_deref().into(),
            self.id.as_str().into(),
        ];
        connection.run(statement, &values).map(|_| ())
    }
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
