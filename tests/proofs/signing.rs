//! How callers sign.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use super::hex;

/// Mashery's signature of a second since 1970.
pub(crate) fn md5(key: &str, secret: &str, second: u64) -> String {
    hex(&Md5::digest(format!("{key}{secret}{second}")))
}

/// The same with SHA-256.
pub(crate) fn sha256(key: &str, secret: &str, second: u64) -> String {
    hex(&Sha256::digest(format!("{key}{secret}{second}")))
}

/// The signature that goes with `time` as it stands beside it.
pub(crate) fn hmac_sha256(key: &str, secret: &str, time: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(key.as_bytes());
    mac.update(time.as_bytes());
    hex(&mac.finalize().into_bytes())
}
