//! Path patterns.

use tollgate_core::stands_plain;

/// A part of a path pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Exactly this.
    Literal(Box<str>),
    /// Any one segment; the name is for the reader only.
    Any(Box<str>),
    /// Any number of segments, also none. Comes last.
    Rest,
}

impl Segment {
    /// The segment without its name: two patterns match the same paths if they are equal in this.
    pub fn unnamed(&self) -> Self {
        match self {
            Self::Any(_) => Self::Any("".into()),
            other => other.clone(),
        }
    }
}

/// Why a text cannot stand between two slashes of a path; `None` when it can.
///
/// A literal is compared with a path whose encodings were brought to one form (RFC 3986 §6.2.2), so
/// it has to be in this form itself (see [`normalize_path`](tollgate_core::normalize_path)).
pub fn literal_misfit(segment: &str) -> Option<&'static str> {
    if segment.is_empty() {
        return Some("which has an empty segment");
    }
    if matches!(segment, "." | "..") {
        return Some("which has a . or .. segment");
    }
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let encoded = digit(bytes.next()).zip(digit(bytes.next()));
                let Some((high, low)) = encoded else {
                    return Some("which has a % that is not followed by two digits of 0-9 A-F");
                };
                let byte = high << 4 | low;
                if stands_plain(byte) {
                    return Some("which encodes a character that has to stand plain");
                }
                if matches!(byte, b'/' | b'\\' | b';' | 0) {
                    return Some("which encodes a slash, a backslash, a semicolon or NUL");
                }
            }
            b';' => return Some("which has a semicolon, and no request with one is let through"),
            b'*' => return Some("in which * is neither ** nor a whole pattern"),
            byte if stands_plain(byte) => {}
            b'{' | b'}' => return Some("in which {name} is not a whole segment"),
            b'?' | b'#' => return Some("which goes beyond the path"),
            _ => return Some("which has a character that must be percent-encoded"),
        }
    }
    None
}

fn digit(byte: Option<u8>) -> Option<u8> {
    match byte? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_in_the_form_that_is_matched() {
        for right in ["orders", "a.b", "..x", "caf%C3%A9", "a%20b", "@x:y", "(1)"] {
            assert_eq!(literal_misfit(right), None, "{right}");
        }
        for wrong in
            ["", ".", "..", "é", "a b", "%2f", "%2F", "%5C", "%00", "%41", "%4", "a*", "{a}b", "a?"]
        {
            assert!(literal_misfit(wrong).is_some(), "{wrong}");
        }
    }
}
