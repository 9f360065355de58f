//! Answers of our own, each in the dialect of its service: refusals, and what an admitted caller
//! is told beside the upstream's answer.

mod challenge;
pub(crate) mod grpc;
mod limits;
mod mashery;
mod problem;

use std::sync::Arc;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tollgate_core::{
    ErrorDialect, Now, Permit, RateLimitHeaders, Readings, Refusal, Refused, ReturnedHeaders,
    Service,
};

pub(crate) use challenge::Challenges;
pub(crate) use grpc::{Grpc, deadline_exceeded};

use crate::arena::Arena;
use crate::body::Content;
use crate::headers::REQUEST_ID;
use crate::worker::WorkerSettings;

/// A refusal, as far as its request got.
pub(crate) struct Ended<'a> {
    /// The service that it was for.
    pub(crate) service: Option<&'a Service>,
    pub(crate) refused: &'a Refused,
    /// What `Allow` lists where the method was the reason.
    pub(crate) allow: Option<&'a str>,
    pub(crate) now: Now,
}

/// A refusal, as far as its caller is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reason {
    pub(crate) refusal: Refusal,
    /// The caller is not told which of the refusals of keys it is.
    hidden: bool,
}

impl Reason {
    fn of(ended: &Ended<'_>) -> Self {
        let refusal = ended.refused.refusal;
        let disclosed = ended.service.is_some_and(|service| service.disclose_key_state);
        Self { refusal, hidden: refusal.hidden() && !disclosed }
    }

    fn code(self) -> &'static str {
        if self.hidden { Refusal::HIDDEN_CODE } else { self.refusal.code() }
    }

    fn title(self) -> &'static str {
        if self.hidden { Refusal::HIDDEN_TITLE } else { self.refusal.title() }
    }
}

/// The answer to a refused request, with `fields` as an empty map for those of it.
pub(crate) fn refuse(
    arena: &mut Arena,
    challenges: &mut Challenges,
    settings: &WorkerSettings,
    fields: HeaderMap,
    ended: &Ended<'_>,
) -> Response<Content> {
    let dialect = ended.service.map_or(settings.error_dialect, |service| service.error_dialect);
    let reason = Reason::of(ended);
    let mut response = match dialect {
        ErrorDialect::Problem => problem::answer(challenges, fields, ended, reason),
        ErrorDialect::Mashery => mashery::answer(fields, reason, settings),
    };
    let headers = response.headers_mut();
    if let Some(seconds) = ended.refused.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some(service) = ended.service {
        let readings = &ended.refused.readings;
        limits::tell(arena, headers, service.rate_limit_headers, readings, ended.now);
    }
    response
}

/// What the caller of an admitted request is told beside the upstream's answer.
pub(crate) struct Told {
    /// Fields of the upstream's that it is not told.
    dropped: Option<Arc<[HeaderName]>>,
    limits: RateLimitHeaders,
    readings: Readings,
    /// Who answers is said.
    responder: bool,
    /// The request's id, where it is said.
    message_id: Option<HeaderValue>,
}

impl Told {
    /// `headers` are those of the request as it goes upstream.
    pub(crate) fn of(service: &Service, permit: &Permit, headers: &HeaderMap) -> Self {
        let ReturnedHeaders { message_id, responder } = service.returned_headers;
        let message_id = if message_id { headers.get(REQUEST_ID).cloned() } else { None };
        let limits = service.rate_limit_headers;
        let dropped = service.switches.drop_response_headers.clone();
        Self { dropped, limits, readings: *permit.readings(), responder, message_id }
    }
}

/// Adds what an admitted caller is told. `now` is when its request was decided.
pub(crate) fn tell(
    arena: &mut Arena,
    settings: &WorkerSettings,
    headers: &mut HeaderMap,
    told: Told,
    now: Now,
) {
    crate::headers::remove(headers, told.dropped.as_deref().unwrap_or_default());
    let responder = settings.responder.as_ref().filter(|_| told.responder);
    mashery::introduce(headers, responder, told.message_id);
    limits::tell(arena, headers, told.limits, &told.readings, now);
}
