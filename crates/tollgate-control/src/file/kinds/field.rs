//! Header fields.

use http::{HeaderName, HeaderValue};

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};

/// The name of a header field that can carry a key.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct FieldName;

/// Fields that say how a message is framed or where it goes, which no proxy can read a key from.
const FRAMING: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "proxy-connection",
];

impl Kind for FieldName {
    type Value = HeaderName;

    fn expected(&self) -> String {
        "the name of a header field such as \"X-Api-Key\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<HeaderName, Misfit> {
        let name = HeaderName::from_bytes(string(value)?.as_bytes());
        let name = name.map_err(|_| Misfit::plain())?;
        if FRAMING.contains(&name.as_str()) {
            return Err(Misfit::because("which cannot carry a key"));
        }
        Ok(name)
    }

    fn show(&self, value: &HeaderName) -> String {
        format!("{:?}", value.as_str())
    }
}

/// The value of a header field.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct FieldValue;

impl Kind for FieldValue {
    type Value = HeaderValue;

    fn expected(&self) -> String {
        "the value of a header field (visible ASCII, blanks within)".to_owned()
    }

    fn read(&self, value: &Value) -> Result<HeaderValue, Misfit> {
        let text = string(value)?;
        let fits = text.trim() == text && text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if !fits {
            return Err(Misfit::plain());
        }
        HeaderValue::from_str(text).map_err(|_| Misfit::plain())
    }

    fn show(&self, value: &HeaderValue) -> String {
        format!("{:?}", value.to_str().unwrap_or_default())
    }
}

/// A token (RFC 9110 §5.6.2); the words say of what, such as "an authentication scheme".
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct Token(pub(in crate::file) &'static str);

impl Kind for Token {
    type Value = String;

    fn expected(&self) -> String {
        self.0.to_owned()
    }

    fn read(&self, value: &Value) -> Result<String, Misfit> {
        let text = string(value)?;
        let fits = !text.is_empty() && text.bytes().all(is_token);
        if fits { Ok(text.to_owned()) } else { Err(Misfit::plain()) }
    }

    fn show(&self, value: &String) -> String {
        format!("{value:?}")
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
