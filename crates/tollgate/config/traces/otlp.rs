//! `[tracing.otlp]`

use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;
use tollgate_control::document::Section;
use tollgate_control::document::kind::{Integer, NonEmpty, Time};

const RING: Integer<usize> = Integer::within(16, 1 << 20);
const TIMEOUT: Time = Time::within(Duration::from_millis(100), Duration::from_secs(60));
const ENDPOINT: NonEmpty = NonEmpty("a URL such as \"http://127.0.0.1:4318\"");
const FILE: NonEmpty = NonEmpty("the path of a file");
const SERVICE: NonEmpty = NonEmpty("a name");

/// Where a collector takes a process's spans, if its address says nothing else (OTLP/HTTP).
const PATH: &str = "/v1/traces";

/// Where spans of requests are exported to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// The URL to which they are posted.
    pub endpoint: String,
    /// The only authorities of its certificate; `None` = those of the system.
    pub ca_file: Option<PathBuf>,
    /// Header fields that it wants, such as a token.
    pub headers_file: Option<PathBuf>,
    /// What the process is called there.
    pub service_name: String,
    /// For one answer of it.
    pub timeout: Duration,
    /// Requests that each worker may hold until they are exported.
    pub ring: usize,
}

/// Reads the table; `None` where there is none, or it says no endpoint.
pub(super) fn read(section: &mut Section) -> Option<Otlp> {
    let endpoint = section.required("endpoint", ENDPOINT);
    let endpoint = endpoint.and_then(|endpoint| match url(&endpoint) {
        Ok(url) => Some(url),
        Err(wrong) => {
            section.problem("endpoint", format_args!("{wrong}, expected {}", ENDPOINT.0));
            None
        }
    });
    let ca_file = section.optional("ca_file", FILE).map(|file| section.resolve(&file));
    let headers_file = section.optional("headers_file", FILE).map(|file| section.resolve(&file));
    if ca_file.is_some() && endpoint.as_ref().is_some_and(|url| url.starts_with("http:")) {
        section.problem("ca_file", "has no effect unless endpoint begins with https://");
    }
    let service_name = section.or("service_name", SERVICE, "tollgate".to_owned());
    let timeout = section.or("timeout", TIMEOUT, Duration::from_secs(10));
    let ring = section.or("ring", RING, 4096);
    Some(Otlp { endpoint: endpoint?, ca_file, headers_file, service_name, timeout, ring })
}

/// The URL with its path. What is wrong with it is said without it.
fn url(endpoint: &str) -> Result<String, &'static str> {
    let uri: Uri = endpoint.parse().map_err(|_| "is no URL")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("is no URL with a host");
    };
    if !matches!(scheme, "http" | "https") {
        return Err("is neither of http nor of https");
    }
    if authority.as_str().contains('@') {
        return Err("holds credentials, which belong into headers_file");
    }
    if uri.query().is_some() {
        return Err("has a query");
    }
    let path = Some(uri.path()).filter(|path| *path != "/").unwrap_or(PATH);
    Ok(format!("{scheme}://{authority}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_or_the_whole_url() {
        for (endpoint, read) in [
            ("http://127.0.0.1:4318", Ok("http://127.0.0.1:4318/v1/traces")),
            ("https://otel.example.com/", Ok("https://otel.example.com/v1/traces")),
            ("http://[::1]:4318/a/b", Ok("http://[::1]:4318/a/b")),
            ("127.0.0.1:4318", Err("is no URL with a host")),
            ("/v1/traces", Err("is no URL with a host")),
            ("grpc://127.0.0.1:4317", Err("is neither of http nor of https")),
            ("http://a:b@127.0.0.1", Err("holds credentials, which belong into headers_file")),
            ("http://127.0.0.1/?a=b", Err("has a query")),
            ("http://a b", Err("is no URL")),
        ] {
            assert_eq!(url(endpoint), read.map(str::to_owned), "{endpoint}");
        }
    }
}
