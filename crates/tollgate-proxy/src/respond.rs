//! Answers of our own: refusals as problem details (RFC 9457), and the fields that tell a caller
//! about its limits (draft-ietf-httpapi-ratelimit-headers-11).

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use tollgate_core::{
    CredentialPlace, RateLimitHeaders, Reading, ReadingKind, Readings, Refusal, Refused, Service,
};

use crate::arena::Arena;
use crate::body::Content;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(rename = "violated-policies", skip_serializing_if = "Option::is_none")]
    violated_policies: Option<[&'a str; 1]>,
}

/// The answer to a refused request. `service` is the one that it was for, as far as it got.
pub(crate) fn refuse(
    arena: &mut Arena,
    service: Option<&Service>,
    refused: &Refused,
    allow: Option<&str>,
) -> Response<Content> {
    let refusal = refused.refusal;
    let body = problem(refused, service.is_some_and(|service| service.disclose_key_state));
    let mut response = Response::new(Content::refused(Bytes::from(body), refusal));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(allow) = allow.and_then(|allow| HeaderValue::from_str(allow).ok()) {
        headers.insert(ALLOW, allow);
    }
    if let Some(seconds) = refused.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some(service) = service {
        if refusal.status() == StatusCode::UNAUTHORIZED {
            challenge(headers, service);
        }
        limits(arena, headers, service.rate_limit_headers, &refused.readings);
    }
    response
}

fn problem(refused: &Refused, disclose: bool) -> Vec<u8> {
    let refusal = refused.refusal;
    let hidden = refusal.hidden() && !disclose;
    let violated = violated(refused);
    let problem = Problem {
        r#type: if violated.is_some() { QUOTA_EXCEEDED } else { "about:blank" },
        title: if hidden { Refusal::HIDDEN_TITLE } else { refusal.title() },
        status: refusal.status().as_u16(),
        code: if hidden { Refusal::HIDDEN_CODE } else { refusal.code() },
        violated_policies: violated.map(|policy| [policy]),
    };
    let mut body = serde_json::to_vec(&problem).unwrap_or_default();
    body.push(b'\n');
    body
}

/// The policy that a refusal enforces, by the name that it has in `RateLimit-Policy`.
fn violated(refused: &Refused) -> Option<&'static str> {
    let reported = refused.readings.iter().next().map(|(kind, _)| policy(*kind));
    match refused.refusal {
        Refusal::ServiceOverQps => Some("service-qps"),
        Refusal::OverQps => reported.or(Some("qps")),
        Refusal::OverQuota => reported.or(Some("quota")),
        Refusal::OverConcurrency => Some("concurrency"),
        _ => None,
    }
}

fn policy(kind: ReadingKind) -> &'static str {
    match kind {
        ReadingKind::Qps => "qps",
        ReadingKind::Quota => "quota",
        ReadingKind::MethodQps => "method-qps",
        ReadingKind::MethodQuota => "method-quota",
    }
}

/// How a caller may authenticate: one challenge for each place (RFC 9110 §11.6.1).
fn challenge(headers: &mut HeaderMap, service: &Service) {
    let realm = &service.name;
    for place in &service.credentials {
        let challenge = match place {
            CredentialPlace::Authorization(scheme) => format!("{scheme} realm=\"{realm}\""),
            CredentialPlace::Header(name) => format!("ApiKey realm=\"{realm}\", header=\"{name}\""),
            CredentialPlace::Query(name) => format!("ApiKey realm=\"{realm}\", query=\"{name}\""),
        };
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
    }
}

/// Adds the fields that tell where the limits of a call stand.
pub(crate) fn limits(
    arena: &mut Arena,
    headers: &mut HeaderMap,
    dialect: RateLimitHeaders,
    readings: &Readings,
) {
    if dialect == RateLimitHeaders::None || readings.iter().next().is_none() {
        return;
    }
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
