//! Refusals as problem details (RFC 9457).

use std::sync::OnceLock;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;
use tollgate_core::{Refusal, Refused};

use super::challenge::Challenges;
use super::limits::policy;
use super::{Ended, Reason};
use crate::body::Content;

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

/// The answer to a refused request, with `fields` as an empty map for those of it.
pub(super) fn answer(
    challenges: &mut Challenges,
    fields: HeaderMap,
    ended: &Ended<'_>,
    reason: Reason,
) -> Response<Content> {
    let Ended { service, refused, allow, .. } = *ended;
    let status = refused.refusal.status();
    let mut response = Response::new(Content::refused(body(refused, reason), reason));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    *headers = fields;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(allow) = allow.and_then(|allow| HeaderValue::from_str(allow).ok()) {
        headers.insert(ALLOW, allow);
    }
    if let Some(service) = service.filter(|_| status == StatusCode::UNAUTHORIZED) {
        let (scheme, places) = match (refused.refusal, &service.proof) {
            (Refusal::ProofMissing | Refusal::ProofInvalid, Some(proof)) => {
                ("ApiKeyProof", &proof.places)
            }
            _ => ("ApiKey", &service.credentials),
        };
        for place in places {
            if let Some(challenge) = challenges.value(scheme, &service.name, place) {
                headers.append(WWW_AUTHENTICATE, challenge);
            }
        }
    }
    response
}

/// Bodies that were written once, of refusals as such and as strangers see them. Most say the same each time.
static BODIES: [[OnceLock<Vec<u8>>; 2]; Refusal::COUNT] =
    [const { [const { OnceLock::new() }; 2] }; Refusal::COUNT];

fn body(refused: &Refused, reason: Reason) -> Bytes {
    let violated = violated(refused);
    let written = BODIES.get(refused.refusal.index()).filter(|_| violated.is_none());
    match written.and_then(|seen| seen.get(usize::from(reason.hidden))) {
        Some(body) => Bytes::from_static(body.get_or_init(|| problem(refused, reason, None))),
        None => problem(refused, reason, violated).into(),
    }
}

fn problem(refused: &Refused, reason: Reason, violated: Option<&str>) -> Vec<u8> {
    let problem = Problem {
        r#type: if violated.is_some() { QUOTA_EXCEEDED } else { "about:blank" },
        title: reason.title(),
        status: refused.refusal.status().as_u16(),
        code: reason.code(),
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
