//! Heads of requests as clients send them.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

type Lines = &'static [(&'static str, &'static str)];

pub(crate) const CURL: Lines =
    &[("host", "api.example.com"), ("user-agent", "curl/8.14.1"), ("accept", "*/*")];

pub(crate) const CURL_KEYED: Lines = &[
    ("host", "api.example.com"),
    ("user-agent", "curl/8.14.1"),
    ("accept", "*/*"),
    ("x-api-key", "acme_production_0123456789abcdefghijABCDEFGHIJ012345"),
];

pub(crate) const CURL_AUTHORIZED: Lines = &[
    ("host", "api.example.com"),
    ("user-agent", "curl/8.14.1"),
    ("accept", "*/*"),
    ("authorization", "Bearer acme_production_0123456789abcdefghijABCDEFGHIJ012345"),
];

/// As `curl -u bench-key-0000007:x`.
pub(crate) const CURL_BASIC: Lines = &[
    ("host", "api.example.com"),
    ("authorization", "Basic YmVuY2gta2V5LTAwMDAwMDc6eA=="),
    ("user-agent", "curl/8.14.1"),
    ("accept", "*/*"),
];

pub(crate) const BROWSER: Lines = &[
    ("host", "api.example.com"),
    ("connection", "keep-alive"),
    ("cache-control", "max-age=0"),
    ("sec-ch-ua", "\"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("upgrade-insecure-requests", "1"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
    ),
    (
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ),
    ("sec-fetch-site", "none"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-user", "?1"),
    ("sec-fetch-dest", "document"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-US,en;q=0.9"),
    ("cookie", "session=0123456789abcdef; key=bench-key-0000007; theme=dark"),
];

pub(crate) const PROXIED: Lines = &[
    ("host", "api.example.com"),
    ("connection", "close, x-hop, keep-alive"),
    ("x-hop", "1"),
    ("keep-alive", "timeout=5"),
    ("te", "trailers"),
    ("x-forwarded-for", "192.0.2.7, 198.51.100.3"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "api.example.com"),
    ("forwarded", "for=192.0.2.7;proto=https"),
    ("x_forwarded_for", "203.0.113.9"),
    ("x-tollgate-plan", "made-up"),
    ("user-agent", "curl/8.14.1"),
    ("accept", "*/*"),
    ("x-api-key", "acme_production_0123456789abcdefghijABCDEFGHIJ012345"),
];

/// The head of these lines.
pub(crate) fn head(lines: Lines) -> HeaderMap {
    let line = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    lines.iter().map(line).collect()
}
