//! `[upstreams.*.health_check]`

use std::time::Duration;

use http::HeaderValue;
use http::uri::{Authority, PathAndQuery};
use tollgate_core::{HealthCheck, StatusRange};

use crate::document::kind::{Integer, Kind, Time, string};
use crate::document::{Misfit, Section, Value};

const HOUR: Duration = Duration::from_secs(60 * 60);
const INTERVAL: Time = Time::within(Duration::from_millis(100), HOUR);
const TIMEOUT: Time = Time::within(Duration::from_millis(10), HOUR);
const TIMES: Integer<u32> = Integer::within(1, 100);

/// What a target is asked for.
#[derive(Clone, Copy, Debug)]
struct Path;

impl Kind for Path {
    type Value = PathAndQuery;

    fn expected(&self) -> String {
        "a path such as \"/healthz\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<PathAndQuery, Misfit> {
        let text = string(value)?;
        if !text.starts_with('/') {
            return Err(Misfit::because("which does not begin with /"));
        }
        if text.contains('#') {
            return Err(Misfit::because("which has a fragment"));
        }
        text.parse().map_err(|_| Misfit::plain())
    }

    fn show(&self, value: &PathAndQuery) -> String {
        format!("\"{value}\"")
    }
}

/// What stands in `Host`.
#[derive(Clone, Copy, Debug)]
struct HostField;

impl Kind for HostField {
    type Value = HeaderValue;

    fn expected(&self) -> String {
        "a host, with a port if need be, such as \"api.internal:8080\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<HeaderValue, Misfit> {
        let text = string(value)?;
        let authority: Authority = text.parse().map_err(|_| Misfit::plain())?;
        if text.contains('@') {
            return Err(Misfit::because("which has a user name"));
        }
        HeaderValue::from_str(authority.as_str()).map_err(|_| Misfit::plain())
    }

    fn show(&self, value: &HeaderValue) -> String {
        format!("{value:?}")
    }
}

/// A status, or those from one to another.
#[derive(Clone, Copy, Debug)]
struct Statuses;

impl Kind for Statuses {
    type Value = StatusRange;

    fn expected(&self) -> String {
        "a status or some, from 200 to 599, such as \"204\" or \"200-299\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<StatusRange, Misfit> {
        let text = string(value)?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let status = |text: &str| {
            let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            let status = text.parse().ok().filter(|_| digits);
            status.filter(|status| (200..=599).contains(status)).ok_or_else(Misfit::plain)
        };
        let range = StatusRange { first: status(first)?, last: status(last)? };
        if range.first > range.last {
            return Err(Misfit::because("which ends before it begins"));
        }
        Ok(range)
    }

    fn show(&self, value: &StatusRange) -> String {
        format!("\"{}-{}\"", value.first, value.last)
    }
}

/// How the targets of an upstream are asked whether they work, if the table is there.
pub(super) fn read(section: &mut Section) -> Option<HealthCheck> {
    let mut table = section.table("health_check")?;
    let path = table.required("path", Path);
    let host = table.optional("host", HostField);
    let statuses = table.optional_list("statuses", Statuses);
    let statuses: Vec<_> = statuses.into_iter().map(|item| item.value).collect();
    let usual = vec![StatusRange { first: 200, last: 299 }];
    let check = HealthCheck {
        path: path.unwrap_or_else(|| PathAndQuery::from_static("/")),
        host,
        statuses: if statuses.is_empty() { usual } else { statuses },
        interval: table.or("interval", INTERVAL, Duration::from_secs(5)),
        timeout: table.or("timeout", TIMEOUT, Duration::from_secs(2)),
        unhealthy_after: table.or("unhealthy_after", TIMES, 3),
        healthy_after: table.or("healthy_after", TIMES, 2),
    };
    Some(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn statuses_are_one_or_a_range() {
        let read = |text| Statuses.read(&value(text)).ok().map(|range| (range.first, range.last));
        assert_eq!(read("204"), Some((204, 204)));
        assert_eq!(read("200-399"), Some((200, 399)));
        for wrong in ["", "2xx", "299-200", "99", "600", "200-", "-200", "+20", "200-299-300"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_path_is_a_path() {
        assert_eq!(Path.read(&value("/healthz?full=1")).unwrap(), "/healthz?full=1");
        for wrong in ["", "healthz", "http://a/", "/a#b", "/a b"] {
            assert!(Path.read(&value(wrong)).is_err(), "{wrong}");
        }
    }
}
