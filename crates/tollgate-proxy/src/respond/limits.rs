//! The fields that tell a caller where its limits stand.

mod draft_11;
mod mashery;
mod x_ratelimit;

use http::{HeaderMap, HeaderName};
use tollgate_core::{Now, RateLimitHeaders, ReadingKind, Readings};

use crate::arena::Arena;

/// Adds the fields of a service's choice. `now` is when the limits were read.
pub(super) fn tell(
    arena: &mut Arena,
    headers: &mut HeaderMap,
    fields: RateLimitHeaders,
    readings: &Readings,
    now: Now,
) {
    if readings.iter().next().is_none() {
        return;
    }
    match fields {
        RateLimitHeaders::Draft11 => draft_11::tell(arena, headers, readings),
        RateLimitHeaders::XRateLimit => x_ratelimit::tell(arena, headers, readings),
        RateLimitHeaders::Mashery => mashery::tell(arena, headers, readings, now),
        RateLimitHeaders::None => {}
    }
}

/// The name that a limit has among policies.
pub(super) fn policy(kind: ReadingKind) -> &'static str {
    match kind {
        ReadingKind::Qps(_) => "qps",
        ReadingKind::Quota(_) => "quota",
        ReadingKind::MethodQps => "method-qps",
        ReadingKind::MethodQuota => "method-quota",
    }
}

fn number(arena: &mut Arena, headers: &mut HeaderMap, name: HeaderName, number: u64) {
    if let Some(value) = arena.value(itoa::Buffer::new().format(number).as_bytes()) {
        headers.insert(name, value);
    }
}
