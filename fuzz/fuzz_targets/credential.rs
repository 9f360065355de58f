//! A key is one key, nothing of it is left where it stood, and nothing else is touched.
//!
//! The first line is a query, the second a form, the third a segment of a path; an empty line is
//! none. The others are header fields.
#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD_PAD_INDIFFERENT};
use libfuzzer_sys::fuzz_target;
use tollgate_core::Refusal;
use tollgate_fuzz::{decoded, fields, listed, places};
use tollgate_proxy::fuzzing::take_key;

/// What was found in a place; `None` is what nobody could read as a key.
type Found = Option<Vec<u8>>;

/// The keys among parameters, and the other parameters.
fn parameters(text: &[u8]) -> (Vec<Found>, Option<Vec<u8>>) {
    let (mut keys, mut others) = (Vec::new(), Vec::new());
    for parameter in text.split(|byte| *byte == b'&') {
        let mut parts = parameter.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        if decoded(name).as_deref() == Some(b"api_key") {
            keys.push(decoded(parts.next().unwrap_or_default()));
        } else {
            others.push(parameter);
        }
    }
    let rest = (!others.is_empty()).then(|| others.join(&b'&'));
    (keys, rest)
}

/// What follows a scheme.
fn token<'a>(value: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let (given, token) = value.split_at_checked(scheme.len())?;
    let ours = given.eq_ignore_ascii_case(scheme.as_bytes());
    let ours = ours && (token.is_empty() || token[0] == b' ');
    let start = token.iter().position(|byte| *byte != b' ').unwrap_or(token.len());
    ours.then_some(&token[start..])
}

fn password(token: &[u8]) -> Found {
    let mut buffer = [0; 1024];
    let length = STANDARD_PAD_INDIFFERENT.decode_slice(token, &mut buffer).ok()?;
    let colon = buffer[..length].iter().position(|byte| *byte == b':')?;
    Some(buffer[colon + 1..length].to_vec())
}

/// The keys among cookies, and the other cookies.
fn cookies(field: &[u8]) -> (Vec<Found>, Option<Vec<u8>>) {
    let (mut keys, mut others) = (Vec::new(), Vec::new());
    for pair in field.split(|byte| *byte == b';') {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        if parts.next().unwrap_or_default().trim_ascii() != b"key" {
            others.push(pair);
            continue;
        }
        let value = parts.next().unwrap_or_default().trim_ascii();
        let quoted = value.len() > 1 && value.starts_with(b"\"") && value.ends_with(b"\"");
        keys.push(Some(if quoted { &value[1..value.len() - 1] } else { value }.to_vec()));
    }
    if keys.is_empty() {
        return (keys, Some(field.to_vec()));
    }
    let rest = others.join(&b';').trim_ascii_start().to_vec();
    let blank = rest.iter().all(|byte| b"; \t".contains(byte));
    (keys, (!blank).then_some(rest))
}

fn is_key(found: &[u8]) -> bool {
    (1..=255).contains(&found.len()) && found.iter().all(u8::is_ascii_graphic)
}

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut line = || lines.next().filter(|line| !line.is_empty());
    let query = line().and_then(|line| std::str::from_utf8(line).ok());
    let form = line();
    let segment = line().and_then(|line| std::str::from_utf8(line).ok());
    let mut headers = fields(lines);
    let before = headers.clone();

    // What a reader of the rules would find, and leave.
    let mut keys = Vec::new();
    let mut kept = Vec::new();
    for (name, value) in listed(&before) {
        match &*name {
            "x-api-key" => keys.push(Some(value)),
            "cookie" => {
                let (found, rest) = cookies(&value);
                keys.extend(found);
                kept.extend(rest.map(|rest| (name, rest)));
            }
            "authorization" if token(&value, "Bearer").is_some() => {
                keys.push(token(&value, "Bearer").map(<[u8]>::to_vec));
            }
            "authorization" if token(&value, "Basic").is_some() => {
                keys.push(token(&value, "Basic").and_then(password));
            }
            _ => kept.push((name, value)),
        }
    }
    kept.sort();
    let (of_query, query_left) = query.map(|query| parameters(query.as_bytes())).unzip();
    let (of_form, form_left) = form.map(parameters).unzip();
    let form_holds = of_form.as_ref().is_some_and(|keys: &Vec<Found>| !keys.is_empty());
    keys.extend(of_query.into_iter().chain(of_form).flatten());
    keys.extend(segment.map(decoded));

    match take_key(&places(), &mut headers, query, segment, form) {
        Err(Refusal::KeyMissing) => assert!(keys.is_empty()),
        Err(Refusal::KeyAmbiguous) => assert!(keys.iter().any(|key| *key != keys[0])),
        Err(refusal) => {
            assert_eq!(refusal, Refusal::KeyMalformed);
            assert!(keys.iter().any(|key| !key.as_deref().is_some_and(is_key)));
        }
        Ok((key, query_rest, form_rest)) => {
            assert!(is_key(&key));
            assert!(!keys.is_empty() && keys.iter().all(|found| found.as_ref() == Some(&key)));
            assert_eq!(query_rest.as_deref().map(str::as_bytes), query_left.flatten().as_deref());
            assert_eq!(form_rest, form_holds.then(|| form_left.flatten().unwrap_or_default()));
            assert_eq!(listed(&headers), kept);
        }
    }
});
