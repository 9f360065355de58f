//! A collector: messages are posted to it (OTLP/HTTP, in Protobuf).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use tollgate_control::secret::read_secret;
use tollgate_proxy::rejected_spans;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::boot::Failure;
use crate::certificates::read_authorities;
use crate::config::Otlp;

/// For a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Most that is read of an answer.
const LONGEST: u64 = 64 << 10;

/// Where spans go.
pub(super) struct Collector {
    agent: Agent,
    endpoint: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a collector says of a message. The words hold nothing of it, and no header field.
pub(super) enum Answer {
    /// It has taken it, but for so many spans.
    Taken { rejected: u64 },
    /// It may be sent again, not before so long.
    Later { why: String, after: Option<Duration> },
    /// It is not wanted.
    Refused { why: String },
}

impl Collector {
    /// # Errors
    /// What is wrong with a file that the settings name.
    pub(super) fn new(settings: &Otlp) -> Result<Self, Failure> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // What is sent goes to whom the file names.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT.min(settings.timeout)))
            .timeout_global(Some(settings.timeout))
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")));
        if settings.endpoint.starts_with("https:") {
            config = config.tls_config(tls(settings.ca_file.as_deref())?);
        }
        let headers = settings.headers_file.as_deref().map(headers).transpose()?;
        Ok(Self {
            agent: config.build().into(),
            endpoint: settings.endpoint.clone(),
            headers: headers.unwrap_or_default(),
        })
    }

    /// Posts a message.
    pub(super) fn post(&self, message: &[u8]) -> Answer {
        let mut request =
            self.agent.post(&self.endpoint).header(CONTENT_TYPE, "application/x-protobuf");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = match request.send(message) {
            Ok(response) => response,
            Err(error) => return Answer::Later { why: unreached(&error), after: None },
        };
        let status = response.status();
        if status.is_success() {
            let answer = response.body_mut().with_config().limit(LONGEST).read_to_vec();
            return Answer::Taken { rejected: rejected_spans(&answer.unwrap_or_default()) };
        }
        let why = format!("the collector answered {}", status.as_u16());
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                let after = response.headers().get(RETRY_AFTER);
                let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
                Answer::Later { why, after: after.map(Duration::from_secs) }
            }
            _ => Answer::Refused { why },
        }
    }
}

fn unreached(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => format!("the collector is not reached: {error}"),
        ureq::Error::Timeout(_) => "the collector does not answer in time".to_owned(),
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::ConnectionFailed => "nothing answers there".to_owned(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        ureq::Error::Tls(error) => format!("TLS: {error}"),
        _ => "the collector does not answer as one".to_owned(),
    }
}

fn tls(ca_file: Option<&Path>) -> Result<TlsConfig, Failure> {
    let roots: Vec<_> = match ca_file {
        Some(file) => {
            let authorities =
                read_authorities(file).map_err(|error| format!("tracing.otlp.ca_file: {error}"))?;
            let certificates = authorities.certificates();
            certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect()
        }
        None => {
            let system = rustls_native_certs::load_native_certs().certs;
            system.iter().map(|der| Certificate::from_der(der).to_owned()).collect()
        }
    };
    if roots.is_empty() {
        return Err(
            "tracing.otlp: this system has no certificates of authorities, expected ca_file".into(),
        );
    }
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build())
}

/// Lines `Name: value` of a file that only its owner can read. What is wrong is said without them.
fn headers(file: &Path) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
    let wrong = |what: &str| format!("tracing.otlp.headers_file: {what}");
    let text = read_secret(file).map_err(|error| wrong(&error.to_string()))?;
    let mut headers = Vec::new();
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.is_empty() {
            continue;
        }
        let field = line.iter().position(|byte| *byte == b':').and_then(|colon| {
            let name = HeaderName::from_bytes(line.get(..colon)?).ok()?;
            let mut value = HeaderValue::from_bytes(line.get(colon + 1..)?.trim_ascii()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        headers.push(
            field.ok_or_else(|| wrong("expected lines such as \"Authorization: Bearer …\""))?,
        );
    }
    Ok(headers)
}
