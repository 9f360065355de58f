//! A recorded request as spans, by the semantic conventions for HTTP (1.x, stable). Neither a query nor a
//! header field is among what they say; a path is as the access log has it, without keys.

use std::borrow::Cow;

use http::Method;
use tollgate_core::Refusal;

use super::attributes::Attributes;
use super::message::{Code, KeyValue, Kind, Span, Status};
use super::{Attempt, Recorded};
use crate::access_log::{Entry, Field};
use crate::tls::TlsVersion;
use crate::trace;

/// It is known whether the parent is of another process (`SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`).
const KNOWN: u32 = 0x100;
/// It is (`SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`).
const REMOTE: u32 = 0x200;

/// Methods that the conventions know by name.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::CONNECT,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

/// Appends the span of the request, and those of its attempts.
pub(super) fn spans(recorded: &Recorded, to: &mut Vec<Span>) {
    let Recorded { entry, began, secure, attempts } = recorded;
    // What is recorded is traced.
    let Some(span) = entry.span else { return };
    let method = entry.text(Field::HttpMethod).unwrap_or_default();
    let times = Times { unix: entry.unix_ms.saturating_mul(1_000_000), began: *began };
    let end = times.unix.saturating_add(entry.total);
    to.push(Span {
        trace_id: span.trace.to_be_bytes().into(),
        span_id: span.id.to_be_bytes().into(),
        parent_span_id: span.parent.map_or_else(Vec::new, |parent| parent.to_be_bytes().into()),
        name: name(entry, &method),
        kind: Kind::Server.into(),
        start_time_unix_nano: times.unix,
        end_time_unix_nano: end,
        attributes: of_request(entry, *secure, &method),
        status: failure(entry).map(|_| Status { code: Code::Error.into() }),
        flags: flags(span) | if span.parent.is_some() { REMOTE } else { 0 },
    });
    for (number, attempt) in attempts.iter().enumerate() {
        let failed = attempt_failure(attempt);
        to.push(Span {
            trace_id: span.trace.to_be_bytes().into(),
            span_id: attempt.id.to_be_bytes().into(),
            parent_span_id: span.id.to_be_bytes().into(),
            name: verb(&method).into(),
            kind: Kind::Client.into(),
            start_time_unix_nano: times.of(attempt.began),
            end_time_unix_nano: attempt.ended.map_or(end, |ended| times.of(ended)),
            attributes: of_attempt(attempt, number, &method, failed.as_deref()),
            status: failed.map(|_| Status { code: Code::Error.into() }),
            flags: flags(span),
        });
    }
}

/// How instants of the monotonic clock are instants since 1970.
struct Times {
    /// When the request began, in nanoseconds since 1970.
    unix: u64,
    /// When that was by the monotonic clock.
    began: u64,
}

impl Times {
    fn of(&self, monotonic: u64) -> u64 {
        self.unix.saturating_add(monotonic.saturating_sub(self.began))
    }
}

fn flags(span: trace::Span) -> u32 {
    KNOWN | u32::from(span.flags)
}

/// The method and what it is called with, of which there are only so many.
fn name(entry: &Entry, method: &str) -> String {
    let mut name = verb(method).to_owned();
    if let Some(service) = entry.text(Field::Service) {
        name.push(' ');
        name.push_str(&service);
        if let Some(endpoint) = entry.text(Field::Endpoint) {
            name.push('/');
            name.push_str(&endpoint);
        }
    }
    name
}

/// What a method is called in the name of a span.
fn verb(method: &str) -> &str {
    if is_known(method) { method } else { "HTTP" }
}

fn is_known(method: &str) -> bool {
    METHODS.iter().any(|known| known == method)
}

fn of_request(entry: &Entry, secure: bool, method: &str) -> Vec<KeyValue> {
    let mut all = Attributes::default();
    tell_method(&mut all, method);
    all.word("url.scheme", if secure { "https" } else { "http" });
    all.text("url.path", entry.text(Field::Path));
    all.text("server.address", entry.text(Field::Host));
    all.text("client.address", entry.client.map(|client| Cow::from(client.to_string())));
    all.word("network.protocol.version", entry.http_version());
    all.text("tls.protocol.version", entry.tls.map(TlsVersion::number).map(Cow::from));
    if let Some(status) = entry.status {
        all.number("http.response.status_code", status.as_u16().into());
    }
    all.text("error.type", failure(entry));
    all.number("http.request.body.size", entry.request_bytes);
    all.number("http.response.body.size", entry.response_bytes);
    for (key, field) in [
        ("tollgate.request_id", Field::RequestId),
        ("tollgate.service", Field::Service),
        ("tollgate.endpoint", Field::Endpoint),
        ("tollgate.method", Field::Method),
        ("tollgate.package", Field::Package),
        ("tollgate.plan", Field::Plan),
        ("tollgate.application", Field::Application),
        ("tollgate.key", Field::Key),
    ] {
        all.text(key, entry.text(field));
    }
    all.text("tollgate.refusal", entry.refusal.map(Refusal::code).map(Cow::from));
    all.0
}

fn of_attempt(
    attempt: &Attempt,
    number: usize,
    method: &str,
    failed: Option<&str>,
) -> Vec<KeyValue> {
    let mut all = Attributes::default();
    tell_method(&mut all, method);
    let scheme = if attempt.tls { "https" } else { "http" };
    match attempt.port {
        Some(port) => {
            let Attempt { server, path, .. } = attempt;
            let server =
                if server.contains(':') { format!("[{server}]") } else { server.to_string() };
            all.word("url.full", &format!("{scheme}://{server}:{port}{path}"));
            all.number("server.port", port.into());
        }
        None => all.word("network.transport", "unix"),
    }
    all.word("url.scheme", scheme);
    all.word("url.path", &attempt.path);
    all.word("server.address", &attempt.server);
    all.word("tollgate.upstream", &attempt.upstream);
    if number > 0 {
        all.number("http.request.resend_count", number as u64);
    }
    match attempt.outcome {
        Some(Ok(status)) => all.number("http.response.status_code", status.as_u16().into()),
        Some(Err(refusal)) => all.word("tollgate.refusal", refusal.code()),
        None => {}
    }
    all.text("error.type", failed.map(Cow::from));
    all.0
}

fn tell_method(all: &mut Attributes, method: &str) {
    if is_known(method) {
        all.word("http.request.method", method);
    } else {
        all.word("http.request.method", "_OTHER");
        all.word("http.request.method_original", method);
    }
}

/// What failed on this side: what a client does wrong, or may not do, is no failure.
fn failure(entry: &Entry) -> Option<Cow<'static, str>> {
    match (entry.refusal, entry.status) {
        (Some(refusal), _) => refusal.status().is_server_error().then(|| Cow::from(refusal.code())),
        (None, Some(status)) => {
            status.is_server_error().then(|| Cow::from(status.as_str().to_owned()))
        }
        (None, None) => None,
    }
}

/// What failed of an attempt: to a client every status from 400 on is a failure.
fn attempt_failure(attempt: &Attempt) -> Option<Cow<'static, str>> {
    match attempt.outcome {
        Some(Ok(status)) => {
            let failed = status.is_client_error() || status.is_server_error();
            failed.then(|| Cow::from(status.as_str().to_owned()))
        }
        Some(Err(refusal)) => Some(refusal.code().into()),
        None => Some("cancelled".into()),
    }
}
