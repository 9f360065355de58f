//! Which pages may call.

use http::header::{ORIGIN, REFERER};
use http::{HeaderMap, HeaderName};
use tollgate_core::{OriginPattern, WebOrigin};

/// Whether a request comes from a page of `patterns`, by its `Referer`, or by its `Origin` where it
/// has none. With no pattern every request does.
pub(super) fn allowed(patterns: &[OriginPattern], headers: &HeaderMap) -> bool {
    if patterns.is_empty() {
        return true;
    }
    let origin = match field(headers, &REFERER) {
        Ok(Some(url)) => WebOrigin::of_url(url),
        Ok(None) => field(headers, &ORIGIN).ok().flatten().and_then(WebOrigin::parse),
        Err(Unclear) => None,
    };
    origin.is_some_and(|origin| patterns.iter().any(|pattern| pattern.matches(origin)))
}

/// A field that stands twice, or holds what is no text.
struct Unclear;

fn field<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Unclear),
        (Some(_), Some(_)) => Err(Unclear),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn allowed_from(fields: &[(HeaderName, &[u8])]) -> bool {
        let patterns = ["https://example.com", "https://*.example.org"];
        let patterns = patterns.map(|text| OriginPattern::parse(text).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.clone(), HeaderValue::from_bytes(value).unwrap());
        }
        assert!(allowed(&[], &headers));
        allowed(&patterns, &headers)
    }

    #[test]
    fn a_page_is_known_by_its_referer_or_else_by_its_origin() {
        for (referer, origin, expected) in [
            (Some("https://example.com/a?b"), None, true),
            (Some("https://shop.example.org/"), None, true),
            (None, Some("https://example.com"), true),
            (None, Some("https://example.com/"), false),
            (None, Some("null"), false),
            (None, None, false),
            (Some(""), Some("https://example.com"), false),
            (Some("https://evil.org/"), Some("https://example.com"), false),
            (Some("https://example.com/"), Some("https://evil.org"), true),
            (Some("http://example.com/"), None, false),
            (Some("https://example.com:8443/"), None, false),
            (Some("https://example.com.evil.org/"), None, false),
            (Some("https://evil.org/?https://example.com"), None, false),
            (Some("https://evil.org/https://example.com/"), None, false),
            (Some("https://evil.org#https://example.com/"), None, false),
            (Some("https://example.com@evil.org/"), None, false),
            (Some("https://evilexample.org/"), None, false),
            (Some("https://example.org/"), None, false),
            (Some("https://evil.org\\.example.org/"), None, false),
            (Some("//example.com/"), None, false),
            (Some("example.com"), None, false),
        ] {
            let referer = referer.map(|value| (REFERER, value.as_bytes()));
            let origin = origin.map(|value| (ORIGIN, value.as_bytes()));
            let fields: Vec<_> = referer.into_iter().chain(origin).collect();
            assert_eq!(allowed_from(&fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn what_is_unclear_is_not_allowed() {
        let good: &[u8] = b"https://example.com/";
        let origin: &[u8] = b"https://example.com";
        assert!(!allowed_from(&[(REFERER, good), (REFERER, good)]));
        assert!(!allowed_from(&[(ORIGIN, origin), (ORIGIN, origin)]));
        assert!(!allowed_from(&[(REFERER, b"https://example.com/\xff"), (ORIGIN, origin)]));
    }
}
