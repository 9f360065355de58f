//! Wrapped secrets of keys.

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};
use crate::model::Wrapped;

/// A secret, wrapped under its key.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct WrappedSecret;

impl Kind for WrappedSecret {
    type Value = Wrapped;

    /// It could be the secret itself, put where its wrapped form belongs.
    const SECRET: bool = true;

    fn expected(&self) -> String {
        "\"wrapped:v1:\" and hex digits, as `tollgate digest --with-secret` prints them".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Wrapped, Misfit> {
        Wrapped::parse(string(value)?).map_err(Misfit::because)
    }

    fn show(&self, value: &Wrapped) -> String {
        format!("\"{value}\"")
    }
}
