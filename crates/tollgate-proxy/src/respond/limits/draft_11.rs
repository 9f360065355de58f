//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11): every limit that
//! counted the call.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName};
use tollgate_core::{Reading, Readings};

use super::policy;
use crate::arena::Arena;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

pub(super) fn tell(arena: &mut Arena, headers: &mut HeaderMap, readings: &Readings) {
    let policies = arena.build(|to| {
        list(to, readings, |to, reading| {
            parameter(to, b";q=", reading.quota);
            parameter(to, b";w=", reading.window);
        });
    });
    let standing = arena.build(|to| {
        list(to, readings, |to, reading| {
            parameter(to, b";r=", reading.remaining);
            parameter(to, b";t=", reading.reset);
        });
    });
    if let Some((policies, standing)) = policies.zip(standing) {
        headers.insert(RATE_LIMIT_POLICY, policies);
        headers.insert(RATE_LIMIT, standing);
    }
}

fn list(to: &mut BytesMut, readings: &Readings, parameters: impl Fn(&mut BytesMut, &Reading)) {
    for (at, (kind, reading)) in readings.iter().enumerate() {
        to.extend_from_slice(if at == 0 { b"\"" } else { b", \"" });
        to.extend_from_slice(policy(*kind).as_bytes());
        to.extend_from_slice(b"\"");
        parameters(to, reading);
    }
}

fn parameter(to: &mut BytesMut, name: &[u8], value: u64) {
    to.extend_from_slice(name);
    to.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
