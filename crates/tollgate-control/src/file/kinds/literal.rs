//! Digests of keys.

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};
use crate::model::DigestLiteral;

/// A digest with its scheme in front.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct Literal;

impl Kind for Literal {
    type Value = DigestLiteral;

    /// It could be the key itself, put where its digest belongs.
    const SECRET: bool = true;

    fn expected(&self) -> String {
        "\"sha256:\" or \"hmac-sha256:\" and 64 hex digits, as `tollgate digest` prints them"
            .to_owned()
    }

    fn read(&self, value: &Value) -> Result<DigestLiteral, Misfit> {
        DigestLiteral::parse(string(value)?).map_err(Misfit::because)
    }

    fn show(&self, value: &DigestLiteral) -> String {
        format!("\"{value}\"")
    }
}
