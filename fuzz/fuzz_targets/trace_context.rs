//! A parent is what version 00 says, or what a later version begins with; what is noted of a trace is a
//! list of members with keys of their own. Both against a naive reading.
#![no_main]

use std::collections::BTreeSet;

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use tollgate_fuzz::fields;
use tollgate_proxy::fuzzing::{is_valid_trace_state, trace_parent};

/// The text of a field's only value.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    match values[..] {
        [value] => value.to_str().ok(),
        _ => None,
    }
}

/// A number of so many digits.
fn number(digits: &str, count: usize) -> Option<u128> {
    let digit = |each: char| matches!(each, '0'..='9' | 'a'..='f');
    let well_formed = digits.len() == count && digits.chars().all(digit);
    well_formed.then(|| u128::from_str_radix(digits, 16).expect("digits"))
}

fn naive_parent(headers: &HeaderMap) -> Option<(u128, u64, u8)> {
    let parts: Vec<_> = only(headers, "traceparent")?.split('-').collect();
    let [version, trace, id, flags, further @ ..] = &parts[..] else { return None };
    let version = number(version, 2)?;
    let (trace, id, flags) = (number(trace, 32)?, number(id, 16)?, number(flags, 2)?);
    let valid = version < 255 && trace > 0 && id > 0 && (version > 0 || further.is_empty());
    valid.then_some((trace, id as u64, flags as u8))
}

fn naive_state(headers: &HeaderMap) -> bool {
    let mut keys = BTreeSet::new();
    let mut all = Vec::new();
    for field in headers.get_all("tracestate") {
        all.extend_from_slice(field.as_bytes());
        all.push(b',');
    }
    let Ok(all) = String::from_utf8(all) else { return false };
    let space = |each: char| matches!(each, ' ' | '\t');
    let members: Vec<_> =
        all.split(',').map(|member| member.trim_matches(space)).filter(|member| !member.is_empty()).collect();
    members.len() <= 32
        && members.iter().all(|member| {
            let Some((key, value)) = member.split_once('=') else { return false };
            let begins = |each: char| matches!(each, 'a'..='z' | '0'..='9');
            let goes_on = |each: char| begins(each) || "_-*/@".contains(each);
            key.starts_with(begins)
                && key.len() <= 256
                && key.chars().all(goes_on)
                && (1..=256).contains(&value.len())
                && value.chars().all(|each| matches!(each, ' '..='~') && each != '=')
                && keys.insert(key.to_owned())
        })
}

fuzz_target!(|bytes: &[u8]| {
    let headers = fields(bytes.split(|byte| *byte == b'\n'));
    assert_eq!(trace_parent(&headers), naive_parent(&headers));
    assert_eq!(is_valid_trace_state(&headers), naive_state(&headers));
});
