//! Whatever a client writes in `Forwarded` or `X-Forwarded-For`, what a proxy adds behind it is read as
//! that proxy wrote it.
//!
//! Each line is a field.
#![no_main]

use http::{HeaderMap, HeaderValue, header::FORWARDED};
use libfuzzer_sys::fuzz_target;
use tollgate_proxy::fuzzing::{forwarded, forwarded_for};

fuzz_target!(|text: &str| {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        if let Ok(value) = HeaderValue::from_str(line) {
            headers.append(FORWARDED, value);
        }
        let commas = line.matches(',').count();
        if let Some(address) = forwarded_for(line) {
            assert_eq!(commas, 0);
            assert_eq!(forwarded_for(&address.to_string()), Some(address));
        }
    }
    let before: Vec<_> = forwarded(&headers).collect();
    for (client, scheme, host) in before.iter().flatten() {
        let said = |part: &str| text.contains(part);
        assert!(scheme.is_none_or(said) && host.is_none_or(said));
        assert!(client.is_none_or(|client| client == client.to_canonical()));
    }

    let ours = "for=\"[2001:db8::7]:80\";proto=https;host=\"a, b\"";
    let hop = Some(("2001:db8::7".parse().ok(), Some("https"), Some("a, b")));
    let mut with_a_field = headers.clone();
    with_a_field.append(FORWARDED, HeaderValue::from_static(ours));
    let after: Vec<_> = forwarded(&with_a_field).collect();
    assert_eq!(after.first(), Some(&hop));
    assert_eq!(after.get(1..), Some(&*before));

    let last = headers.get_all(FORWARDED).iter().next_back();
    if let Some(last) = last.and_then(|last| last.to_str().ok()) {
        let mut with_a_member = HeaderMap::new();
        let value = HeaderValue::from_str(&format!("{last}, {ours}"));
        with_a_member.append(FORWARDED, value.expect("both were fields"));
        assert_eq!(forwarded(&with_a_member).next(), Some(hop));
    }
});
