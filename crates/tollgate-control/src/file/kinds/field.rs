//! Header fields.

use http::{HeaderName, HeaderValue};

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};

/// The name of a header field that says nothing of framing; the words say what is wrong with one
/// that does, such as "which cannot carry a key".
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldName(pub(crate) &'static str);

/// Fields that say how a message is framed or where it goes.
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
            return Err(Misfit::because(self.0));
        }
        Ok(name)
    }

    fn show(&self, value: &HeaderName) -> String {
        format!("{:?}", value.as_str())
    }
}

/// The name of a header field that can be taken out of messages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dropped {
    /// Out of requests.
    OfRequests,
    /// Out of responses.
    OfResponses,
}

/// Fields of requests that the proxy itself says something with.
const OURS: [&str; 3] = ["forwarded", "via", "x-request-id"];
const OUR_PREFIXES: [&str; 2] = ["x-tollgate-", "x-forwarded-"];

impl Kind for Dropped {
    type Value = HeaderName;

    fn expected(&self) -> String {
        "the name of a header field such as \"X-Internal\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<HeaderName, Misfit> {
        let name = FieldName("which the proxy itself decides about").read(value)?;
        let ours = |name: &str| {
            OURS.contains(&name) || OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        };
        match self {
            Self::OfRequests if ours(name.as_str()) => {
                Err(Misfit::because("which the proxy itself sets"))
            }
            Self::OfRequests | Self::OfResponses => Ok(name),
        }
    }

    fn show(&self, value: &HeaderName) -> String {
        format!("{:?}", value.as_str())
    }
}

/// One of a kind, or `*` for every one, which is `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrEvery<K>(pub(crate) K);

impl<K: Kind> Kind for OrEvery<K> {
    type Value = Option<K::Value>;

    fn expected(&self) -> String {
        format!("{}, or \"*\"", self.0.expected())
    }

    fn read(&self, value: &Value) -> Result<Self::Value, Misfit> {
        if string(value)? == "*" { Ok(None) } else { self.0.read(value).map(Some) }
    }

    fn show(&self, value: &Self::Value) -> String {
        value.as_ref().map_or_else(|| "\"*\"".to_owned(), |value| self.0.show(value))
    }
}

/// The value of a header field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldValue;

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
pub(crate) struct Token(pub(crate) &'static str);

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
