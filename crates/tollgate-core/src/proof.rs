//! What a caller proves beside bringing a key (design §3, step 4, and decision 4).

mod failure;
mod presented;
mod secret;
mod signature;
mod signatures;
mod wrapped;

use http::HeaderName;

pub use failure::ProofFailure;
pub use presented::Presented;
pub use secret::KeySecret;
pub use signature::SignatureHash;
pub(crate) use signature::SignedTime;
pub(crate) use signatures::Signed;
pub use signatures::{MAX_TOLERANCE, Signatures};
pub(crate) use wrapped::Opened;
pub use wrapped::Wrapped;

use crate::CredentialPlace;

/// What a service asks its callers to prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How.
    pub scheme: ProofScheme,
    /// Where the proof may stand, in the order of precedence.
    pub places: Box<[CredentialPlace]>,
}

/// How a caller proves that it has the secret of its key. A tolerance is in seconds, at most
/// [`MAX_TOLERANCE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofScheme {
    /// It sends the secret, and digests are compared.
    Secret,
    /// It sends the hash of key, secret and the present second, which is not sent (domain.md §2.2).
    Signature {
        /// The hash.
        hash: SignatureHash,
        /// How far from now the second may be.
        tolerance: u64,
    },
    /// It sends HMAC-SHA-256 under the secret of the key and a time, and the time. No signature is
    /// accepted twice.
    HmacSha256 {
        /// The header field with the time.
        time: HeaderName,
        /// How far from now the time may be.
        tolerance: u64,
    },
}
