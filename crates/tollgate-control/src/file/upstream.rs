//! `[upstreams.*]`

mod health;
mod targets;
mod tls;

use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{StatusCode, header};
use tollgate_core::{Balance, ClientTls, Ejection, Pending, Retries, ToldField, UpstreamHttp};

use super::Beside;
use super::kinds::{FieldValue, Upgrade};
use super::owner;
use crate::document::kind::{Choice, Integer, Name, Text, Time};
use crate::document::{Item, Section};
use crate::model::{FixedResponse, HostHeader, Server, Target, Upstream};

pub use self::tls::TLS_VERSION;

/// What looks into the files that TLS is spoken with. A document names them; what they have to hold
/// is known to whoever speaks TLS.
pub trait TlsFiles {
    /// What is wrong with them, each with the field that names the file.
    fn problems(&self, files: &ClientTls) -> Vec<(&'static str, String)>;
}

const HOST: Choice<HostHeader> =
    Choice::of(&[("client", HostHeader::Client), ("upstream", HostHeader::Upstream)]);
const TOLD: &[(&str, ToldField)] = &[
    ("X-Tollgate-Application", ToldField::Application),
    ("X-Tollgate-Package", ToldField::Package),
    ("X-Tollgate-Plan", ToldField::Plan),
    ("X-Tollgate-Key", ToldField::Key),
    ("X-Tollgate-Client-Certificate", ToldField::ClientCertificate),
    ("X-Forwarded-For", ToldField::ForwardedFor),
    ("X-Forwarded-Proto", ToldField::ForwardedProto),
    ("X-Forwarded-Host", ToldField::ForwardedHost),
    ("X-Request-Id", ToldField::RequestId),
];
const HTTP: Choice<UpstreamHttp> =
    Choice::of(&[("1", UpstreamHttp::One), ("2", UpstreamHttp::Two), ("auto", UpstreamHttp::Auto)]);
const BALANCE: Choice<Balance> = Choice::of(&[
    ("round_robin", Balance::RoundRobin),
    ("least_requests", Balance::LeastRequests),
    ("hash_key", Balance::HashKey),
]);
const FAILURES: Integer<u32> = Integer::within(0, 1000);
const PERCENT: Integer<u8> = Integer::within(0, 100);
const RETRIES: Integer<u8> = Integer::within(0, 10);
const RATE: Integer<u32> = Integer::within(0, 100_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WAIT: Time = Time::within(Duration::from_millis(1), DAY);
const WAIT_OR_NONE: Time = Time::within(Duration::ZERO, DAY);
const RESOLVE: Time = Time::within(Duration::from_secs(1), DAY);
const CONNECTIONS: Integer<usize> = Integer::within(0, 65_536);
const STATUS: Integer<u16> = Integer::within(200, 599);

/// The settings of a server; a built-in response has none of them.
const OF_SERVER: &[&str] = &[
    "targets",
    "tls",
    "http",
    "upgrades",
    "balance",
    "ejection_failures",
    "ejection_time",
    "max_ejected",
    "max_retries",
    "retry_budget",
    "min_retries_per_second",
    "host",
    "tell",
    "connect_timeout",
    "first_byte_timeout",
    "idle_timeout",
    "request_timeout",
    "tunnel_idle_timeout",
    "max_idle_connections",
    "keep_alive",
    "max_connections",
    "max_pending",
    "pending_timeout",
    "resolve_every",
    "health_check",
];

pub(super) fn read(name: Name, section: &mut Section, beside: Beside<'_>) -> Upstream {
    let server = server(section, beside.tls);
    let fixed = section.table("response").map(|mut section| response(&mut section));
    let servers = section.has("url") || section.has("targets");
    match (servers, section.has("response")) {
        (true, true) => section.problem("response", "stands beside url, expected one of the two"),
        (false, true) => {
            for setting in section.given(OF_SERVER) {
                section.problem(setting, "has no effect beside response, it is for a url");
            }
        }
        (false, false) if beside.elsewhere => {
            let target = Target::Fixed(FixedResponse {
                status: StatusCode::SERVICE_UNAVAILABLE,
                headers: Vec::new(),
                body: "".into(),
            });
            return Upstream { name, owner: owner(section), target };
        }
        (false, false) => {
            section.missing("url", "a URL such as \"http://127.0.0.1:9000\", or a table response");
        }
        (true, false) => {}
    }
    let target = fixed.map_or_else(|| Target::Server(Box::new(server)), Target::Fixed);
    Upstream { name, owner: owner(section), target }
}

fn server(section: &mut Section, files: Option<&dyn TlsFiles>) -> Server {
    let seconds = Duration::from_secs;
    let targets = targets::read(section, files);
    let tls = targets.iter().any(|target| target.tls.is_some());
    let request_timeout = |section: &mut Section| {
        let timeout = section.or("request_timeout", WAIT_OR_NONE, Duration::ZERO);
        Some(timeout).filter(|timeout| !timeout.is_zero())
    };
    Server {
        balance: section.or("balance", BALANCE, Balance::RoundRobin),
        ejection: ejection(section),
        retries: retries(section),
        http: http(section, tls),
        targets,
        upgrades: section.list_or("upgrades", Upgrade, vec!["websocket".into()]),
        host_header: section.or("host", HOST, HostHeader::Client),
        tell: section.list_or(
            "tell",
            Choice::of(TOLD),
            TOLD.iter().map(|(_, told)| *told).collect(),
        ),
        connect_timeout: section.or("connect_timeout", WAIT, seconds(2)),
        first_byte_timeout: section.or("first_byte_timeout", WAIT, seconds(30)),
        idle_timeout: section.or("idle_timeout", WAIT, seconds(60)),
        request_timeout: request_timeout(section),
        tunnel_idle_timeout: section.or("tunnel_idle_timeout", WAIT, seconds(300)),
        max_idle_connections: section.or("max_idle_connections", CONNECTIONS, 64),
        keep_alive: section.or("keep_alive", WAIT_OR_NONE, seconds(50)),
        max_connections: max_connections(section),
        pending: Pending {
            max: section.or("max_pending", CONNECTIONS, 1024),
            timeout: section.or("pending_timeout", WAIT, seconds(2)),
        },
        resolve_every: section.or("resolve_every", RESOLVE, seconds(10)),
        health_check: health::read(section),
    }
}

fn max_connections(section: &mut Section) -> Option<usize> {
    let connections = section.or("max_connections", CONNECTIONS, 0);
    Some(connections).filter(|connections| *connections > 0)
}

/// The version of HTTP, which only TLS lets the two agree on.
fn http(section: &mut Section, tls: bool) -> UpstreamHttp {
    let http = section.or("http", HTTP, UpstreamHttp::One);
    if http == UpstreamHttp::Auto && !tls {
        section.problem(
            "http",
            "has no effect unless url begins with https://, expected \"1\" or \"2\"",
        );
    }
    http
}

fn ejection(section: &mut Section) -> Ejection {
    let failures = section.or("ejection_failures", FAILURES, 5);
    Ejection {
        failures: Some(failures).filter(|failures| *failures > 0),
        time: section.or("ejection_time", WAIT, Duration::from_secs(10)),
        max_share: section.or("max_ejected", PERCENT, 50),
    }
}

fn retries(section: &mut Section) -> Retries {
    Retries {
        max: section.or("max_retries", RETRIES, 2),
        budget: section.or("retry_budget", PERCENT, 20),
        min_per_second: section.or("min_retries_per_second", RATE, 10),
    }
}

fn response(section: &mut Section) -> FixedResponse {
    let status = section.or("status", STATUS, 200);
    let content_type =
        section.or("content_type", FieldValue, HeaderValue::from_static("application/json"));
    let body = section.or("body", Text, String::new());
    if matches!(status, 204 | 304) && !body.is_empty() {
        let message = format_args!("has no effect, as a response with status {status} has no body");
        section.problem("body", message);
    }
    let mut headers = vec![(CONTENT_TYPE, content_type)];
    for Item { value: (name, value), site } in section.entries("headers", FieldValue) {
        match HeaderName::from_bytes(name.as_bytes()) {
            Err(_) => {
                let message = "is no name of a header field, expected one such as cache-control";
                section.problem_at(site, message);
            }
            Ok(name) => match reserved(&name) {
                Some(reason) => section.problem_at(site, reason),
                None => headers.push((name, value)),
            },
        }
    }
    FixedResponse {
        status: StatusCode::from_u16(status).unwrap_or_default(),
        headers,
        body: body.into(),
    }
}

/// Why a response's field is not the operator's to set.
fn reserved(name: &HeaderName) -> Option<&'static str> {
    const FRAMING: [HeaderName; 7] = [
        CONNECTION,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        header::TRAILER,
        header::UPGRADE,
        header::TE,
        HeaderName::from_static("keep-alive"),
    ];
    if *name == CONTENT_TYPE {
        return Some("has no effect, expected content_type beside headers");
    }
    FRAMING.contains(name).then_some("is set by the proxy itself")
}
