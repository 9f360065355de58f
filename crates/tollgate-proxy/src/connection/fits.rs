//! What a listener takes of a request, whoever sends it.

use http::header::COOKIE;
use http::{HeaderMap, Uri};
use tollgate_core::Refusal;

use super::Client;
use crate::form::Arriving;

impl Client {
    /// Whether the target of a request is as short as the listener wants it.
    ///
    /// # Errors
    /// [`Refusal::TargetTooLong`].
    pub(crate) fn target_fits(&self, uri: &Uri) -> Result<(), Refusal> {
        let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
        let long = target > self.door.settings.max_target_bytes;
        if long { Err(Refusal::TargetTooLong) } else { Ok(()) }
    }

    /// Whether a request has as few fields as the listener wants it, cookies that HTTP/2 has in pieces
    /// (RFC 9113 §8.2.3) taken for one.
    ///
    /// # Errors
    /// [`Refusal::HeadersTooLarge`].
    pub(crate) fn fields_fit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let most = self.door.settings.max_headers;
        let pieces = || headers.get_all(COOKIE).iter().count().saturating_sub(1);
        let many = headers.len() > most && headers.len() - pieces() > most;
        if many { Err(Refusal::HeadersTooLarge) } else { Ok(()) }
    }

    /// Whether a request's body, by what is known of it, is as small as the listener wants it.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLarge`].
    pub(crate) fn body_fits(&self, body: &Arriving) -> Result<(), Refusal> {
        let large = body.lower() > self.door.settings.max_body_bytes;
        if large { Err(Refusal::BodyTooLarge) } else { Ok(()) }
    }
}
