//! A request has one host and one path, and the upstream sees no other below its own.
//!
//! The first line is the request target, the second the version, the others are header fields.
#![no_main]

use std::sync::{Arc, LazyLock};

use http::{Uri, Version};
use libfuzzer_sys::fuzz_target;
use tollgate_core::{Routes, normalize_path};
use tollgate_fuzz::{fields, routes};
use tollgate_proxy::fuzzing::target;

const TEXT: &str = r#"
upstreams.mock.response.body = ""
[services.moved]
path = "/orders"
upstream = "mock"
upstream_path = "/v2/inner"
endpoints.all = {}
[services.rest]
upstream = "mock"
endpoints.all = {}
"#;

static ROUTES: LazyLock<Arc<Routes>> = LazyLock::new(|| routes(TEXT));

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let Ok(uri) = Uri::try_from(lines.next().unwrap_or_default()) else { return };
    let version = match lines.next() {
        Some(b"1.0") => Version::HTTP_10,
        Some(b"2") => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    let headers = fields(lines);
    let Ok((host, path, upstream)) = target(&uri, &headers, version, &ROUTES) else { return };
    assert!(host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)));
    assert!(!host.is_empty() || version == Version::HTTP_10);
    assert!(headers.get_all("host").iter().count() < 2);
    assert_eq!(normalize_path(&path).as_deref(), Ok(&*path));
    // Every path leads to one of the two services.
    let upstream = upstream.expect("a route");
    assert_eq!(upstream.query(), uri.query());
    let below =
        path.strip_prefix("/orders").filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let expected = below.map_or(path.clone(), |below| format!("/v2/inner{below}"));
    assert_eq!(upstream.path(), expected);
    assert!(upstream.authority().is_none(), "in origin form");
});
