//! Credentials of a request: `Authorization`, and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::people::Secret;

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let token = credentials(headers, "bearer")?;
    (!token.is_empty()).then(|| Secret::brought(token.to_owned()))
}

/// Name and secret of `Authorization: Basic` (RFC 7617 §2).
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, Secret)> {
    let decoded = Zeroizing::new(STANDARD.decode(credentials(headers, "basic")?).ok()?);
    let (name, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((name.to_owned(), Secret::brought(secret.to_owned())))
}

/// What follows the name of a scheme, whose case does not matter, in the one field that there is.
fn credentials<'h>(headers: &'h HeaderMap, scheme: &str) -> Option<&'h str> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let (found, rest) = field.to_str().ok()?.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[&'static str]) -> HeaderMap {
        let field = |field: &&'static str| (AUTHORIZATION, field.parse().unwrap());
        fields.iter().map(field).collect()
    }

    #[test]
    fn one_field_of_the_scheme_in_any_case() {
        for (fields, expected) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Bearer"], None),
            (&["Bearer "], None),
            (&["Basic abc"], None),
            (&["Bearer abc", "Bearer abc"], None),
            (&[], None),
        ] {
            let found = bearer(&of(fields));
            assert_eq!(found.as_ref().map(Secret::reveal), expected, "{fields:?}");
        }
    }

    #[test]
    fn basic_credentials_end_with_whatever_follows_the_first_colon() {
        // "aladdin:open:sesame", no colon, not base64.
        let (name, secret) = basic(&of(&["Basic YWxhZGRpbjpvcGVuOnNlc2FtZQ=="])).unwrap();
        assert_eq!((&*name, secret.reveal()), ("aladdin", "open:sesame"));
        assert!(basic(&of(&["Basic YWxhZGRpbg=="])).is_none());
        assert!(basic(&of(&["Basic !"])).is_none());
    }
}
