//! `tracestate` (W3C Trace Context §3.3, with the keys of Level 2).

use http::HeaderMap;

use super::STATE;

/// So many members has the list at most (§3.3.1.1).
const MEMBERS: usize = 32;

/// So long are a key and a value at most.
const LONGEST: usize = 256;

/// Whether what is noted of a trace can be read: all fields are one list of members `key=value`, no two
/// of one key. Empty members are none.
pub(crate) fn is_valid(headers: &HeaderMap) -> bool {
    let mut keys: [&[u8]; MEMBERS] = [&[]; MEMBERS];
    let mut count = 0;
    let fields = headers.get_all(STATE).iter();
    for member in fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b',')) {
        let member = trim(member);
        if member.is_empty() {
            continue;
        }
        let Some(key) = key_of(member) else { return false };
        let Some((known, [place, ..])) = keys.split_at_mut_checked(count) else { return false };
        if known.contains(&key) {
            return false;
        }
        *place = key;
        count += 1;
    }
    true
}

/// The key of a member, if both key and value are well formed.
fn key_of(member: &[u8]) -> Option<&[u8]> {
    let equals = member.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (member.get(..equals)?, member.get(equals + 1..)?);
    let begins = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let goes_on = |byte: &u8| begins(byte) || b"_-*/@".contains(byte);
    let printable = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'=';
    let valid = key.first().is_some_and(begins)
        && key.len() <= LONGEST
        && key.iter().all(goes_on)
        && (1..=LONGEST).contains(&value.len())
        && value.iter().all(printable);
    valid.then_some(key)
}

/// Without optional white space around it (RFC 9110 §5.6.3).
fn trim(mut member: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = member {
        member = rest;
    }
    member
}
