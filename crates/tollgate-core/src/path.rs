//! One form of a path, for matching and for what goes upstream.

use std::borrow::Cow;

/// The path holds something that two readers could take for two different paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmbiguousPath;

/// The one form of `path` that is matched and sent upstream (RFC 3986 §6.2.2): empty segments are
/// merged, every encoded character that may stand plain in a segment is decoded, other encodings
/// are in upper case, and bytes beyond ASCII, which no URI holds but clients send, are encoded. A
/// path that is in this form already is borrowed, byte for byte.
///
/// # Errors
/// [`AmbiguousPath`] for what servers read differently: `.` and `..` segments, slashes, backslashes
/// and NUL in any encoding but a plain slash, broken percent-encodings, anything that does not
/// begin with a slash, and semicolons, plain or encoded: some servers take what follows one off a
/// segment, so that `/open;x` and `/open` are one to them and two to us.
pub fn normalize_path(path: &str) -> Result<Cow<'_, str>, AmbiguousPath> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(AmbiguousPath);
    }
    let mut previous = 0;
    for byte in bytes {
        let suspect = match byte {
            b'%' | b'\\' | b';' => true,
            b'/' | b'.' => previous == b'/',
            byte => !byte.is_ascii(),
        };
        if suspect {
            return rewrite(bytes).map(Cow::Owned);
        }
        previous = *byte;
    }
    Ok(Cow::Borrowed(path))
}

fn rewrite(bytes: &[u8]) -> Result<String, AmbiguousPath> {
    let mut to = String::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' | b';' => return Err(AmbiguousPath),
            b'/' if to.ends_with('/') => {}
            b'%' => {
                let digits = rest.next().and_then(hex).zip(rest.next().and_then(hex));
                let (high, low) = digits.ok_or(AmbiguousPath)?;
                push_decoded(high << 4 | low, &mut to)?;
            }
            plain if plain.is_ascii() => to.push(char::from(*plain)),
            beyond => push_encoded(*beyond, &mut to),
        }
    }
    let dots = to.split('/').any(|segment| segment == "." || segment == "..");
    if dots { Err(AmbiguousPath) } else { Ok(to) }
}

fn push_decoded(byte: u8, to: &mut String) -> Result<(), AmbiguousPath> {
    match byte {
        b'/' | b'\\' | b';' | 0 => return Err(AmbiguousPath),
        byte if stands_plain(byte) => to.push(char::from(byte)),
        byte => push_encoded(byte, to),
    }
    Ok(())
}

/// Whether a character stands plain in a segment: unreserved characters, and those that a segment
/// may hold besides (RFC 3986 §3.3), except the semicolon.
#[must_use]
pub fn stands_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte)
}

fn push_encoded(byte: u8, to: &mut String) {
    const HEX: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    to.push('%');
    to.push(HEX[usize::from(byte >> 4)]);
    to.push(HEX[usize::from(byte & 15)]);
}

fn hex(digit: &u8) -> Option<u8> {
    char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_path_stays_as_it_came() {
        for plain in ["/", "/orders", "/orders/7/", "/a.b/c..", "/caf:e@x!$&'()*+,="] {
            assert!(matches!(normalize_path(plain), Ok(Cow::Borrowed(same)) if same == plain));
        }
    }

    #[test]
    fn one_form_for_many_spellings() {
        for (spelling, form) in [
            ("//orders///7", "/orders/7"),
            ("/%6Frders", "/orders"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/a%2eb", "/a.b"),
            ("/.well-known/..x", "/.well-known/..x"),
            ("/a%20b", "/a%20b"),
            ("/items%3Apurge%40%2b", "/items:purge@+"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("//caf\u{e9}", "/caf%C3%A9"),
        ] {
            assert_eq!(normalize_path(spelling).unwrap(), form);
        }
    }

    #[test]
    fn what_two_readers_read_differently_is_refused() {
        for ambiguous in [
            "",
            "orders",
            "*",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/%2e%2E/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a;b",
            "/a%3Bb",
            "/a%",
            "/a%2",
            "/a%zz",
            "//..",
        ] {
            assert_eq!(normalize_path(ambiguous), Err(AmbiguousPath), "{ambiguous}");
        }
    }

    proptest! {
        #[test]
        fn the_form_is_its_own_form(path in "/[a./%2eEfF5cC\\\\0~ \u{e9}-]{0,24}") {
            if let Ok(form) = normalize_path(&path) {
                prop_assert_eq!(normalize_path(&form), Ok(Cow::Borrowed(&*form)));
                prop_assert!(!form.contains("//"));
            }
        }
    }
}
