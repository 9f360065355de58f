//! Parameters of a query or a form, taken out without touching the rest of it.

/// Parameters without those of one name, and the values that these had.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stripped {
    /// Each value, decoded; `None` for one that is not a percent-encoding of ASCII.
    pub(super) values: Vec<Option<Vec<u8>>>,
    /// The other parameters as they came; `None` if there are none.
    pub(super) rest: Option<Vec<u8>>,
}

/// Takes every parameter called `name` out; `None` if there is none. Names are compared decoded,
/// so that no spelling of the name carries a key upstream.
pub(super) fn strip(parameters: &[u8], name: &str) -> Option<Stripped> {
    let mut values = Vec::new();
    for parameter in split(parameters) {
        let (given, value) = named(parameter);
        if spells(given, name) {
            values.push(decode(value));
        }
    }
    (!values.is_empty()).then(|| Stripped { values, rest: others(parameters, name) })
}

/// The parameters that are not called `name`, byte for byte.
fn others(parameters: &[u8], name: &str) -> Option<Vec<u8>> {
    let others = split(parameters).filter(|parameter| !spells(named(parameter).0, name));
    let mut rest: Option<Vec<u8>> = None;
    for parameter in others {
        match &mut rest {
            Some(rest) => {
                rest.push(b'&');
                rest.extend_from_slice(parameter);
            }
            None => rest = Some(parameter.to_owned()),
        }
    }
    rest
}

fn split(parameters: &[u8]) -> impl Iterator<Item = &[u8]> {
    parameters.split(|byte| *byte == b'&')
}

/// Name and value of a parameter, as they came.
fn named(parameter: &[u8]) -> (&[u8], &[u8]) {
    let equals = parameter.iter().position(|byte| *byte == b'=');
    let (name, value) = parameter.split_at(equals.unwrap_or(parameter.len()));
    (name, value.get(1..).unwrap_or_default())
}

/// Whether `given` is `name`, in any percent-encoding of it.
fn spells(given: &[u8], name: &str) -> bool {
    given.len() >= name.len() && decoded(given).eq(name.bytes().map(Some))
}

/// A text with its percent-encodings decoded; `None` where one is broken or beyond ASCII. A `+`
/// stays one: where it is to mean a space it cannot stand in a key, so nobody means one.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    decoded(text).collect()
}

fn decoded(text: &[u8]) -> impl Iterator<Item = Option<u8>> {
    let mut rest = text.iter();
    std::iter::from_fn(move || {
        let mut byte = *rest.next()?;
        if byte == b'%' {
            let mut digit = || char::from(*rest.next()?).to_digit(16);
            let encoded = digit().zip(digit()).map(|(high, low)| high << 4 | low);
            let Some(encoded) = encoded.and_then(|byte| u8::try_from(byte).ok()) else {
                return Some(None);
            };
            byte = encoded;
        }
        Some(Some(byte).filter(u8::is_ascii))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Texts = (Vec<Option<String>>, Option<String>);

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    fn stripped(query: &str) -> Option<Texts> {
        let Stripped { values, rest } = strip(query.as_bytes(), "api_key")?;
        Some((values.into_iter().map(|value| value.map(text)).collect(), rest.map(text)))
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
        assert_eq!(stripped("api_key%=k-1&api_key%zz=k-1&%=&"), None);
    }

    #[test]
    fn a_plus_is_a_plus() {
        let key = || vec![Some("k+1".to_owned())];
        assert_eq!(stripped("api_key=k+1"), Some((key(), None)));
        assert_eq!(stripped("api_key=k%2B1"), Some((key(), None)));
    }

    #[test]
    fn every_copy_is_taken_and_what_cannot_be_a_key_is_told() {
        let two = vec![Some("a".to_owned()), Some("b".to_owned())];
        assert_eq!(stripped("api_key=a&api_key=b"), Some((two, None)));
        assert_eq!(stripped("api_key"), Some((vec![Some(String::new())], None)));
        for broken in ["%", "%4", "%zz", "%C3%A9", "\u{e9}"] {
            assert_eq!(stripped(&format!("api_key={broken}")), Some((vec![None], None)));
        }
    }

    proptest! {
        /// Whatever stands around a key, nothing of the key is left and nothing else is touched.
        #[test]
        fn no_copy_of_a_key_stays(before in "([a-z=%0-9+]{0,6}&){0,3}", after in "(&[a-z=%0-9+]{0,6}){0,3}") {
            let query = format!("{before}api_key=canary{after}");
            let (_, rest) = stripped(&query).unwrap();
            let rest = rest.unwrap_or_default();
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
