//! Credentials of `Authorization`, by their scheme.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
use http::header::{AUTHORIZATION, Entry};
use http::{HeaderMap, HeaderValue};
use tollgate_core::{BasicPart, Refusal};

/// How long user name, colon and password of a Basic credential may be together.
const MAX_BASIC: usize = 1024;

/// Takes out every credential of a scheme and gives it to `found`, with the range of its token.
/// What is of another scheme is not ours to take.
///
/// # Errors
/// Those of `found`.
pub(super) fn take(
    headers: &mut HeaderMap,
    scheme: &str,
    mut found: impl FnMut(HeaderValue, Range<usize>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut others = Vec::new();
    let Entry::Occupied(entry) = headers.entry(AUTHORIZATION) else { return Ok(()) };
    for value in entry.remove_entry_mult().1 {
        match after_scheme(value.as_bytes(), scheme) {
            Some(range) => found(value, range)?,
            None => others.push(value),
        }
    }
    for value in others {
        headers.append(AUTHORIZATION, value);
    }
    Ok(())
}

/// Where the token stands in `scheme token` (RFC 9110 §11.4); `None` for another scheme.
fn after_scheme(value: &[u8], scheme: &str) -> Option<Range<usize>> {
    let (given, rest) = value.split_at_checked(scheme.len())?;
    let end = rest.first().is_none_or(|byte| *byte == b' ');
    if !end || !given.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    Some(scheme.len() + spaces..value.len())
}

/// The user name or the password of a Basic credential (RFC 7617 §2); `None` if its token is broken
/// or too long for one with a key.
pub(super) fn basic(token: &[u8], part: BasicPart) -> Option<Vec<u8>> {
    let mut buffer = [0; MAX_BASIC];
    let length = STANDARD_PAD_INDIFFERENT.decode_slice(token, &mut buffer).ok()?;
    let decoded = buffer.get(..length)?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at(colon);
    match part {
        BasicPart::User => Some(user.to_vec()),
        BasicPart::Password => Some(password.get(1..)?.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(token: &str) -> Option<(String, String)> {
        let part = |part| String::from_utf8(basic(token.as_bytes(), part)?).ok();
        part(BasicPart::User).zip(part(BasicPart::Password))
    }

    #[test]
    fn the_first_colon_parts_user_and_password() {
        let parts = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        // The example of RFC 7617 §2.
        assert_eq!(both("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), parts("Aladdin", "open sesame"));
        assert_eq!(both("QWxhZGRpbjpvcGVuIHNlc2FtZQ"), parts("Aladdin", "open sesame"));
        assert_eq!(both("azE6"), parts("k1", ""));
        assert_eq!(both("Omsx"), parts("", "k1"));
        assert_eq!(both("YTpiOmM="), parts("a", "b:c"));
    }

    #[test]
    fn what_is_broken_is_none() {
        let long = STANDARD_PAD_INDIFFERENT;
        let mut encoded = [b'A'; 4 * MAX_BASIC];
        let length = long.encode_slice([b':'; MAX_BASIC], &mut encoded).unwrap();
        let whole = std::str::from_utf8(&encoded[..length]).unwrap();
        assert!(both(whole).is_some());
        for broken in ["", "YQ==", "%%%%", "azE6=", "az E6", "a", "azE6\u{e9}", &"OjpA".repeat(342)]
        {
            assert_eq!(both(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_token_is_too_strange(token in proptest::collection::vec(any::<u8>(), 0..64)) {
            basic(&token, BasicPart::User);
            basic(&token, BasicPart::Password);
        }
    }
}
