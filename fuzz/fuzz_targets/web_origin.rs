//! A page is let in for where it is, whatever it is made to look like: another reader of URLs finds
//! the same host.
//!
//! The text is an `Origin` and the URL of a `Referer`.
#![no_main]

use http::Uri;
use libfuzzer_sys::fuzz_target;
use tollgate_core::{OriginPattern, WebOrigin};

fuzz_target!(|text: &str| {
    let below = OriginPattern::parse("https://*.example.com").expect("a pattern");
    let exact = OriginPattern::parse("https://example.com").expect("a pattern");
    if let Some(origin) = WebOrigin::parse(text) {
        // An origin is a URL without a path, and a pattern that means itself and nothing else.
        assert_eq!(WebOrigin::of_url(text), Some(origin));
        let itself = OriginPattern::parse(text).expect("an origin is a pattern");
        assert!(itself.matches(origin));
        assert_eq!(itself.to_string(), text);
    }
    let Some(origin) = WebOrigin::of_url(text) else { return };
    let (below, exact) = (below.matches(origin), exact.matches(origin));
    assert!(!(below && exact));
    if !below && !exact {
        return;
    }
    let before_fragment = text.split('#').next().unwrap_or_default();
    let Ok(uri) = before_fragment.parse::<Uri>() else { return };
    let authority = uri.authority().expect("a URL with a host");
    assert_eq!(uri.scheme_str(), Some("https"));
    assert_eq!(authority.as_str(), authority.host());
    assert_eq!(authority.host() == "example.com", exact);
    assert_eq!(authority.host().ends_with(".example.com"), below);
});
