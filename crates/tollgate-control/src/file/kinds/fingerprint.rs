//! Fingerprints of peppers.

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};

/// The first 16 hex digits of a pepper's SHA-256.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct Fingerprint;

impl Kind for Fingerprint {
    type Value = [u8; 8];

    /// It could be the pepper itself.
    const SECRET: bool = true;

    fn expected(&self) -> String {
        "the first 16 hex digits of the SHA-256 of the pepper".to_owned()
    }

    fn read(&self, value: &Value) -> Result<[u8; 8], Misfit> {
        let text = string(value)?;
        let fits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| fits);
        number.map(u64::to_be_bytes).ok_or_else(Misfit::plain)
    }

    fn show(&self, value: &[u8; 8]) -> String {
        format!("\"{:016x}\"", u64::from_be_bytes(*value))
    }
}
