//! A key is one key, nothing of it is left where it stood, and nothing else is touched.
//!
//! The first line is a query, the others are header fields.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_core::Refusal;
use tollgate_fuzz::{decoded, fields, listed, places};
use tollgate_proxy::fuzzing::take_key;

fn is_key(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    decoded(name).as_deref() == Some(b"api_key")
}

/// What follows the scheme.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(6)?;
    let ours = scheme.eq_ignore_ascii_case(b"bearer") && (token.is_empty() || token[0] == b' ');
    let start = token.iter().position(|byte| *byte != b' ').unwrap_or(token.len());
    ours.then_some(&token[start..])
}

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let query = lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let mut headers = fields(lines);
    let before = headers.clone();

    // What a reader of the rule would find.
    let mut keys: Vec<Option<Vec<u8>>> = Vec::new();
    keys.extend(before.get_all("x-api-key").iter().map(|value| Some(value.as_bytes().to_vec())));
    let authorizations = before.get_all("authorization").iter();
    let tokens = authorizations.filter_map(|value| bearer(value.as_bytes()));
    keys.extend(tokens.map(|token| Some(token.to_vec())));
    let parameters: Vec<_> = query.map(|query| query.split('&').collect()).unwrap_or_default();
    let named = parameters.iter().filter(|parameter| is_key(parameter));
    keys.extend(named.map(|parameter| decoded(parameter.split_once('=').map_or("", |(_, v)| v))));

    match take_key(&places(), &mut headers, query) {
        Err(Refusal::KeyMissing) => assert!(keys.is_empty()),
        Err(Refusal::KeyAmbiguous) => assert!(keys.iter().any(|key| *key != keys[0])),
        Err(refusal) => {
            assert_eq!(refusal, Refusal::KeyMalformed);
            let fits = |key: &Vec<u8>| {
                (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic)
            };
            assert!(keys.iter().any(|key| !key.as_ref().is_some_and(fits)));
        }
        Ok((key, rest)) => {
            assert!((1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic));
            assert!(!keys.is_empty() && keys.iter().all(|found| found.as_ref() == Some(&key)));
            let others: Vec<_> =
                parameters.iter().copied().filter(|parameter| !is_key(parameter)).collect();
            let expected = query.filter(|_| !others.is_empty()).map(|_| others.join("&"));
            assert_eq!(rest.as_deref(), expected.as_deref());
            let kept = listed(&before).into_iter().filter(|(name, value)| {
                name != "x-api-key" && !(name == "authorization" && bearer(value).is_some())
            });
            assert_eq!(listed(&headers), kept.collect::<Vec<_>>());
        }
    }
});
