//! Parameters of a query, taken out without touching the rest of it.

/// A query without a parameter, and the values that it had.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stripped {
    /// Each value, decoded; `None` for one that is not a percent-encoding of ASCII.
    pub(super) values: Vec<Option<String>>,
    /// The other parameters as they came; `None` if there are none.
    pub(super) rest: Option<String>,
}

/// Takes every parameter called `name` out of `query`; `None` if there is none. Names are compared
/// decoded, so that no spelling of the name carries a key upstream.
pub(super) fn strip(query: &str, name: &str) -> Option<Stripped> {
    if !may_hold(query, name) {
        return None;
    }
    let mut values = Vec::new();
    let mut rest: Option<String> = None;
    for parameter in query.split('&') {
        let (given, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if given == name || decode(given).is_some_and(|given| given == name) {
            values.push(decode(value));
            continue;
        }
        match &mut rest {
            Some(rest) => {
                rest.push('&');
                rest.push_str(parameter);
            }
            None => rest = Some(parameter.to_owned()),
        }
    }
    (!values.is_empty()).then_some(Stripped { values, rest })
}

fn may_hold(query: &str, name: &str) -> bool {
    query.contains(name) || query.contains('%')
}

/// Decodes percent-encodings of ASCII. A `+` stays one: whether it means a space is a matter of
/// forms, and no key holds a space.
fn decode(text: &str) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            u8::try_from(digit()? << 4 | digit()?).ok()?
        } else {
            byte
        };
        if !byte.is_ascii() {
            return None;
        }
        decoded.push(char::from(byte));
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stripped(query: &str) -> Option<(Vec<Option<String>>, Option<String>)> {
        strip(query, "api_key").map(|stripped| (stripped.values, stripped.rest))
    }

    #[test]
    fn takes_the_parameter_and_leaves_the_rest_byte_for_byte() {
        let key = || vec![Some("k-1".to_owned())];
        let rest = |rest: &str| Some(rest.to_owned());
        assert_eq!(stripped("api_key=k-1"), Some((key(), None)));
        assert_eq!(
            stripped("a=%7e+b&api_key=k-1&&c=%C3%A9"),
            Some((key(), rest("a=%7e+b&&c=%C3%A9")))
        );
        assert_eq!(stripped("api%5Fkey=k%2d1&a"), Some((key(), rest("a"))));
        assert_eq!(stripped("a=1&b=api_key"), None);
        assert_eq!(stripped("my_api_key=k-1"), None);
        assert_eq!(stripped("API_KEY=k-1"), None);
    }

    #[test]
    fn every_copy_is_taken_and_what_cannot_be_a_key_is_told() {
        let two = vec![Some("a".to_owned()), Some("b".to_owned())];
        assert_eq!(stripped("api_key=a&api_key=b"), Some((two, None)));
        assert_eq!(stripped("api_key"), Some((vec![Some(String::new())], None)));
        for broken in ["%", "%4", "%zz", "%C3%A9"] {
            assert_eq!(stripped(&format!("api_key={broken}")), Some((vec![None], None)));
        }
    }

    proptest! {
        /// Whatever stands around a key, nothing of the key is left and nothing else is touched.
        #[test]
        fn no_copy_of_a_key_stays(before in "([a-z=%0-9+]{0,6}&){0,3}", after in "(&[a-z=%0-9+]{0,6}){0,3}") {
            let query = format!("{before}api_key=canary{after}");
            let taken = strip(&query, "api_key").unwrap();
            let rest = taken.rest.unwrap_or_default();
            prop_assert!(!rest.contains("canary"));
            let expected = match (before.strip_suffix('&'), after.strip_prefix('&')) {
                (Some(before), Some(after)) => format!("{before}&{after}"),
                (Some(before), None) => before.to_owned(),
                (None, after) => after.unwrap_or_default().to_owned(),
            };
            prop_assert_eq!(rest, expected);
        }
    }
}
