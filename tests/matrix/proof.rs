//! What a caller proves beside its key.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Place, call::Parts};
use crate::proofs::{hmac_sha256, md5, sha256, unix};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    None,
    Secret,
    SignatureMd5,
    SignatureSha256,
    HmacSha256,
}

impl Proof {
    pub(super) const ALL: [Self; 5] =
        [Self::None, Self::Secret, Self::SignatureMd5, Self::SignatureSha256, Self::HmacSha256];

    /// As a service has it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Secret => "secret",
            Self::SignatureMd5 => "signature-md5",
            Self::SignatureSha256 => "signature-sha256",
            Self::HmacSha256 => "hmac-sha256",
        }
    }

    /// Proves `key` with a secret where the services of `place` look for it by themselves. Says what it
    /// put there.
    pub(super) fn put(
        self,
        (key, secret): (&str, &str),
        place: Place,
        to: &mut Parts,
    ) -> Vec<String> {
        let signature = match self {
            Self::None => return Vec::new(),
            Self::Secret => {
                to.field("X-Api-Secret", secret);
                return vec![secret.to_owned()];
            }
            Self::SignatureMd5 => md5(key, secret, unix()),
            Self::SignatureSha256 => sha256(key, secret, unix()),
            Self::HmacSha256 => {
                let time = next_time();
                let signature = hmac_sha256(key, secret, &time);
                to.field("X-Signature", &signature);
                to.field("X-Timestamp", &time);
                return vec![signature, time];
            }
        };
        match place {
            Place::Query => to.query.insert(1, format!("sig={signature}")),
            Place::Form => to.form.insert(1, format!("sig={signature}")),
            _ => to.field("X-Signature", &signature),
        }
        vec![signature]
    }
}

/// A time of now that no other signature has.
fn next_time() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{}.{:09}", unix(), NEXT.fetch_add(1, Ordering::Relaxed))
}
