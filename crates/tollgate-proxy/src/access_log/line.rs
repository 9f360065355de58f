//! An entry as a line of JSON.

use std::borrow::Cow;
use std::net::IpAddr;

use http::StatusCode;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use tollgate_core::{Refusal, Shadow};

use super::entry::{Entry, Field};
use crate::tls::TlsVersion;

/// The length of a date and a time to the second.
const SECONDS: usize = "2023-11-14T22:13:20".len();

/// What a line says. What is not known is null.
#[derive(Serialize)]
struct Line<'a> {
    time: Option<&'a str>,
    request_id: Option<Cow<'a, str>>,
    trace_id: Option<String>,
    span_id: Option<String>,
    parent_span_id: Option<String>,
    client: Option<IpAddr>,
    listener: Option<&'a str>,
    tls_version: Option<&'static str>,
    http_version: &'static str,
    http_method: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
    status: Option<u16>,
    refusal: Option<&'static str>,
    #[serde(serialize_with = "codes")]
    shadow: Shadow,
    key: Option<Cow<'a, str>>,
    application: Option<Cow<'a, str>>,
    package: Option<Cow<'a, str>>,
    plan: Option<Cow<'a, str>>,
    service: Option<Cow<'a, str>>,
    endpoint: Option<Cow<'a, str>>,
    method: Option<Cow<'a, str>>,
    epoch: Option<u64>,
    revision: Option<u64>,
    request_bytes: u64,
    response_bytes: u64,
    complete: bool,
    total_ms: f64,
    upstream_ms: Option<f64>,
    attempts: u8,
}

/// Says instants. Most are of the second before them, of which only the milliseconds are said anew.
#[derive(Default)]
pub(super) struct Instants {
    second: Option<u64>,
    text: String,
}

impl Instants {
    /// RFC 3339, in UTC, to the millisecond; `None` = later than that can say.
    fn say(&mut self, unix_ms: u64) -> Option<&str> {
        let (second, millisecond) = (unix_ms / 1000, unix_ms % 1000);
        if self.second != Some(second) {
            self.second = None;
            let time = Timestamp::from_second(i64::try_from(second).ok()?).ok()?;
            self.text = time.to_string();
            self.second = Some(second);
        }
        self.text.truncate(SECONDS);
        self.text.push('.');
        for digit in [millisecond / 100, millisecond / 10 % 10, millisecond % 10] {
            self.text.push(char::from(b'0' + digit as u8));
        }
        self.text.push('Z');
        Some(&self.text)
    }
}

/// Appends the line of `entry`. `listeners` are their names.
pub(super) fn write(
    to: &mut Vec<u8>,
    entry: &Entry,
    listeners: &[String],
    instants: &mut Instants,
) {
    let line = Line {
        time: instants.say(entry.unix_ms),
        request_id: entry.text(Field::RequestId),
        trace_id: entry.span.map(|span| format!("{:032x}", span.trace)),
        span_id: entry.span.map(|span| format!("{:016x}", span.id)),
        parent_span_id: entry.span.and_then(|span| Some(format!("{:016x}", span.parent?))),
        client: entry.client,
        listener: listeners.get(entry.listener).map(String::as_str),
        tls_version: entry.tls.map(TlsVersion::number),
        http_version: entry.http_version(),
        http_method: entry.text(Field::HttpMethod),
        host: entry.text(Field::Host),
        path: entry.text(Field::Path),
        status: entry.status.as_ref().map(StatusCode::as_u16),
        refusal: entry.refusal.map(Refusal::code),
        shadow: entry.shadow,
        key: entry.text(Field::Key),
        application: entry.text(Field::Application),
        package: entry.text(Field::Package),
        plan: entry.text(Field::Plan),
        service: entry.text(Field::Service),
        endpoint: entry.text(Field::Endpoint),
        method: entry.text(Field::Method),
        epoch: entry.revision.map(|revision| revision.epoch),
        revision: entry.revision.map(|revision| revision.number),
        request_bytes: entry.request_bytes,
        response_bytes: entry.response_bytes,
        complete: entry.complete,
        total_ms: milliseconds(entry.total),
        upstream_ms: entry.upstream.map(milliseconds),
        attempts: entry.attempts,
    };
    let begin = to.len();
    match serde_json::to_writer(&mut *to, &line) {
        Ok(()) => to.push(b'\n'),
        // Nothing in it can fail to be said in JSON; if it did, half a line would help nobody.
        Err(_) => to.truncate(begin),
    }
}

/// A list of codes; null where there is none.
fn codes<S: Serializer>(shadow: &Shadow, serializer: S) -> Result<S::Ok, S::Error> {
    if shadow.is_empty() {
        return serializer.serialize_none();
    }
    serializer.collect_seq(shadow.refusals().map(Refusal::code))
}

/// Whole microseconds, in milliseconds.
fn milliseconds(nanoseconds: u64) -> f64 {
    (nanoseconds / 1000) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    use http::Version;
    use proptest::prelude::*;

    fn line(path: &[u8], unix_ms: u64) -> Vec<u8> {
        let client = Some(Ipv4Addr::LOCALHOST.into());
        let mut entry = Entry::new(0, client, Version::HTTP_2, unix_ms);
        entry.put(Field::Path, path);
        entry.total = 1_234_567;
        let mut line = Vec::new();
        write(&mut line, &entry, &["public".to_owned()], &mut Instants::default());
        line
    }

    #[test]
    fn a_line_tells_time_and_durations_in_milliseconds() {
        let line = String::from_utf8(line(b"/a", 1_700_000_000_007)).unwrap();
        assert!(line.starts_with("{\"time\":\"2023-11-14T22:13:20.007Z\","), "{line}");
        assert!(line.contains("\"total_ms\":1.234,"), "{line}");
    }

    #[test]
    fn instants_are_said_alike_whatever_was_said_before() {
        let mut instants = Instants::default();
        let last = 253_402_207_199_999;
        for unix_ms in [0, 7, 999, 1000, 999, 1_700_000_000_070, 1_700_000_000_700, last] {
            let time = Timestamp::from_millisecond(i64::try_from(unix_ms).unwrap()).unwrap();
            assert_eq!(instants.say(unix_ms).unwrap(), format!("{time:.3}"));
            assert_eq!(instants.say(u64::MAX), None);
        }
    }

    proptest! {
        #[test]
        fn whatever_a_path_holds_it_is_one_line_of_json(
            path in proptest::collection::vec(any::<u8>(), 1..200),
        ) {
            let line = line(&path, 0);
            prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
            let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(read["path"].as_str().unwrap(), String::from_utf8_lossy(&path));
        }
    }
}
