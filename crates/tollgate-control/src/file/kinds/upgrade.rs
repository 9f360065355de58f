//! Protocols that a connection can be switched to.

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};

/// The name of a protocol that an upgrade leads to (RFC 9110 §7.8), with its version if it has one.
/// They are compared in lower case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upgrade;

/// What is HTTP again, or what HTTP stands on: requests within it would pass unseen.
const HTTP: [&str; 4] = ["h2", "h2c", "http", "tls"];

impl Kind for Upgrade {
    type Value = Box<str>;

    fn expected(&self) -> String {
        "the name of a protocol such as \"websocket\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Box<str>, Misfit> {
        let protocol = string(value)?.to_ascii_lowercase();
        let (name, version) = protocol.split_once('/').unwrap_or((&protocol, "0"));
        if !is_token(name) || !is_token(version) {
            return Err(Misfit::plain());
        }
        if HTTP.contains(&name) {
            return Err(Misfit::because("which would carry requests that nobody decides about"));
        }
        Ok(protocol.into())
    }

    fn show(&self, value: &Box<str>) -> String {
        format!("{value:?}")
    }
}

/// Whether it is one (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(of_token)
}
