//! Cookies, taken out of their fields without touching the others.

use std::ops::Range;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use tollgate_core::Refusal;

/// Takes out every cookie called `name` and gives it to `found`: its field as it came, and the
/// range of its value. A field in which no cookie is left is left out.
///
/// # Errors
/// Those of `found`.
pub(super) fn take(
    headers: &mut HeaderMap,
    name: &str,
    mut found: impl FnMut(HeaderValue, Range<usize>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let holds = |field: &HeaderValue| pairs(field.as_bytes()).any(|pair| pair.is(name));
    if !headers.get_all(COOKIE).iter().any(holds) {
        return Ok(());
    }
    let http::header::Entry::Occupied(entry) = headers.entry(COOKIE) else { return Ok(()) };
    let fields: Vec<_> = entry.remove_entry_mult().1.collect();
    for field in fields {
        if !holds(&field) {
            headers.append(COOKIE, field);
            continue;
        }
        let rest = without(field.as_bytes(), name);
        for pair in pairs(field.as_bytes()).filter(|pair| pair.is(name)) {
            found(field.clone(), pair.value)?;
        }
        if let Some(rest) = rest {
            // Made of what stood in a field.
            let rest = HeaderValue::from_bytes(&rest).map_err(|_| Refusal::BadRequest)?;
            headers.append(COOKIE, rest);
        }
    }
    Ok(())
}

/// One cookie of a field, between two semicolons (RFC 6265 §4.2.1).
struct Pair<'a> {
    /// With the blanks around it.
    whole: &'a [u8],
    name: &'a [u8],
    /// Where its value stands in the field, without blanks and quotes around it.
    value: Range<usize>,
}

impl Pair<'_> {
    /// Names are compared byte by byte: no server decodes them.
    fn is(&self, name: &str) -> bool {
        self.name == name.as_bytes()
    }
}

fn pairs(field: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let mut end = 0;
    field.split(|byte| *byte == b';').map(move |whole| {
        let begin = end;
        end = begin + whole.len() + 1;
        let equals = whole.iter().position(|byte| *byte == b'=');
        let (name, value) = whole.split_at(equals.unwrap_or(whole.len()));
        let value = value.get(1..).unwrap_or_default();
        let blanks = value.len() - value.trim_ascii_start().len();
        let bare = unquoted(value.trim_ascii());
        let quotes = (value.trim_ascii().len() - bare.len()) / 2;
        let from = begin + whole.len() - value.len() + blanks + quotes;
        Pair { whole, name: name.trim_ascii(), value: from..from + bare.len() }
    })
}

fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    inner.unwrap_or(value)
}

/// The cookies that are not called `name`, as they came; `None` if there are none.
fn without(field: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut rest: Option<Vec<u8>> = None;
    for pair in pairs(field).filter(|pair| !pair.is(name)) {
        match &mut rest {
            Some(rest) => {
                rest.push(b';');
                rest.extend_from_slice(pair.whole);
            }
            None => rest = Some(pair.whole.trim_ascii_start().to_vec()),
        }
    }
    rest.filter(|rest| rest.iter().any(|byte| !matches!(byte, b';' | b' ' | b'\t')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The values that were taken, and the fields that are left.
    fn taken(fields: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap());
        }
        let mut values = Vec::new();
        let add = |value: HeaderValue, range: Range<usize>| {
            values.push(String::from_utf8(value.as_bytes()[range].to_vec()).unwrap());
            Ok(())
        };
        take(&mut headers, "key", add).unwrap();
        let left = headers.get_all(COOKIE).iter();
        (values, left.map(|left| String::from_utf8(left.as_bytes().to_vec()).unwrap()).collect())
    }

    #[test]
    fn a_cookie_is_taken_and_the_others_stay_byte_for_byte() {
        for (field, left) in [
            ("key=k1", None),
            ("key=k1; a=1", Some("a=1")),
            ("a=1; key=k1", Some("a=1")),
            ("a=1; key=k1; b=\"2 \";c", Some("a=1; b=\"2 \";c")),
            ("a=1;key=k1;b=2", Some("a=1;b=2")),
            ("a=1 ;\tkey = k1 ; b==2;", Some("a=1 ; b==2;")),
            ("key=\"k1\"; a=caf\u{e9}", Some("a=caf\u{e9}")),
            ("key=k1; ;", None),
            ("Key=2; mykey=3; key=k1; keys=4", Some("Key=2; mykey=3; keys=4")),
        ] {
            let left = left.map(str::to_owned).into_iter().collect::<Vec<_>>();
            assert_eq!(taken(&[field]), (vec!["k1".to_owned()], left), "{field}");
        }
    }

    #[test]
    fn every_copy_of_every_field_is_taken() {
        let (values, left) = taken(&["a=1; key=k1; key=k2", "key=k3", "b=2", "c=3; key"]);
        assert_eq!(values, ["k1", "k2", "k3", ""]);
        assert_eq!(left, ["a=1", "b=2", "c=3"]);
    }

    #[test]
    fn fields_without_it_stay_as_they_are() {
        for field in ["", ";", " ", "a=1;; b", "keys=1", "a=key=k1"] {
            assert_eq!(taken(&[field]), (vec![], vec![field.to_owned()]), "{field}");
        }
    }

    proptest! {
        /// Whatever stands around a key, nothing of it is left and no other cookie is touched.
        #[test]
        fn no_copy_of_a_key_stays(
            before in proptest::collection::vec("[a-z=\"%]{1,6}", 0..3),
            after in proptest::collection::vec("[a-z=\"%]{1,6}", 0..3),
            semicolon in "; ?",
        ) {
            let others = before.iter().chain(&after).map(String::as_str).collect::<Vec<_>>();
            prop_assume!(!others.iter().any(|other| other.split('=').next() == Some("key")));
            let mut all = others.clone();
            all.insert(before.len(), "key=CANARY");
            let left = Some(others.join(&semicolon)).filter(|left| !left.is_empty());
            let expected = (vec!["CANARY".to_owned()], left.into_iter().collect());
            prop_assert_eq!(taken(&[&all.join(&semicolon)]), expected);
        }
    }
}
