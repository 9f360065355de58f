//! The handshake of a WebSocket (RFC 6455 §4), where we speak one of its sides ourselves.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sha1::{Digest, Sha1};

/// What RFC 6455 §1.3 has behind a key before it is digested.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether a request opens a WebSocket (RFC 6455 §4.1).
pub(super) fn is_opening(method: &Method, headers: &HeaderMap) -> bool {
    let is_key =
        |key: &HeaderValue| BASE64_STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16);
    method == Method::GET
        && is_version_13(headers)
        && single(headers, &SEC_WEBSOCKET_KEY).is_some_and(is_key)
}

/// Whether a request is of the one version that there is.
pub(super) fn is_version_13(headers: &HeaderMap) -> bool {
    single(headers, &SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
}

/// The key that is made of a nonce.
pub(super) fn key(nonce: [u8; 16]) -> HeaderValue {
    value(&BASE64_STANDARD.encode(nonce))
}

/// What a server answers to a key.
pub(super) fn accept(key: &HeaderValue) -> HeaderValue {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    value(&BASE64_STANDARD.encode(digest))
}

fn value(base64: &str) -> HeaderValue {
    // All of base64 may stand in a header.
    HeaderValue::from_str(base64).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The value of a field that stands there once.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_is_opened_by_a_whole_handshake_only() {
        let good =
            [("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", "13")];
        let opens = |method: Method, fields: &[(&'static str, &'static str)]| {
            let fields = fields.iter().map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            is_opening(&method, &fields.collect())
        };
        assert!(opens(Method::GET, &good));
        assert!(!opens(Method::POST, &good));
        for wrong in [
            &good[..1],
            &good[1..],
            &[good[0], good[0], good[1]],
            &[good[0], good[1], good[1]],
            &[good[0], ("sec-websocket-version", "8")],
            &[("sec-websocket-key", "c2hvcnQ="), good[1]],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ"), good[1]],
        ] {
            assert!(!opens(Method::GET, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_key_is_answered_as_in_the_rfc() {
        let key = key(*b"the sample nonce");
        assert_eq!(key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
