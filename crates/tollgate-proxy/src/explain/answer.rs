//! What a stranger would see.

use http::Response;
use serde::{Deserialize, Serialize};

use crate::body::Content;

/// An answer of our own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    pub(super) fn of(response: Response<Content>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = response.headers().iter();
        Self {
            status: response.status().as_u16(),
            headers: fields
                .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
                .collect(),
            body: response.into_body().into_bytes().map_or(String::new(), |body| text(&body)),
        }
    }
}
