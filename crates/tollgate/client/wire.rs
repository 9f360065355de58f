//! Requests and answers.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use hyper::http::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::Value as Json;
use ureq::{Agent, Body, SendBody};
use zeroize::Zeroizing;

use super::refusal::Refusal;
use super::{Failure, Server, tls};

/// The way to a control plane.
pub(crate) struct Wire {
    agent: Agent,
    pub(super) server: Server,
}

/// A request.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: What,
    /// How long the control plane may take until it answers; `None` = as long as it wants.
    pub(crate) patience: Option<Duration>,
}

/// What a request brings along.
pub(crate) enum What {
    /// Whatever is read; so many bytes, if that is known.
    Read(Option<u64>, Box<dyn Read>),
    /// Nothing.
    Nothing,
    /// All of it.
    Text(&'static str, Zeroizing<String>),
}

/// An answer that has not been read yet.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Body,
}

const CONNECT: Duration = Duration::from_secs(10);
/// Longer than the admin listener takes for a request.
const PATIENCE: Duration = Duration::from_secs(75);
/// A connection that the listener may have closed meanwhile is not used again.
const IDLE: Duration = Duration::from_secs(5);
/// The greatest answer that is held at once: a page of a list is far below.
const LONGEST: u64 = 256 << 20;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl Wire {
    pub(crate) fn new(server: Server, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A token goes to whom it was meant for.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .max_idle_age(IDLE)
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")));
        if server.has_tls() {
            config = config.tls_config(tls::config(ca_file)?);
        } else {
            // What stays on this machine goes through nobody.
            config = config.proxy(None);
        }
        Ok(Self { agent: config.build().into(), server })
    }

    /// Sends a request, with what `Authorization` is to be.
    pub(crate) fn send(&self, ask: Ask<'_>, authorization: &str) -> Result<Answer, Failure> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(self.server.at(ask.target))
            .header("authorization", authorization);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = match &ask.body {
            What::Nothing => request,
            What::Text(kind, _) => request.header("content-type", *kind),
            What::Read(length, _) => {
                // Nothing is sent in vain to whoever does not want it.
                let request = request
                    .header("content-type", "application/octet-stream")
                    .header("expect", "100-continue");
                match length {
                    Some(length) => request.header("content-length", *length),
                    None => request,
                }
            }
        };
        // The words of the library could hold what it was given.
        let wrong = |_| Failure::Wrong("what was given cannot stand in a request".to_owned());
        let answered = match ask.body {
            What::Nothing => self.run(request.body(()).map_err(wrong)?, ask.patience),
            What::Text(_, text) => {
                self.run(request.body(text.as_str()).map_err(wrong)?, ask.patience)
            }
            What::Read(_, reader) => {
                let body = SendBody::from_owned_reader(reader);
                self.run(request.body(body).map_err(wrong)?, ask.patience)
            }
        };
        let answered = answered.map_err(|error| self.unreachable(&error))?;
        let (head, body) = answered.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn run(
        &self,
        request: Request<impl ureq::AsSendBody>,
        patience: Option<Duration>,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request);
        self.agent.run(request.timeout_recv_response(patience).build())
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let why = match error {
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            ureq::Error::ConnectionFailed => "nothing answers there".to_owned(),
            ureq::Error::Rustls(error) => format!("TLS: {error}"),
            ureq::Error::Tls(error) => format!("TLS: {error}"),
            _ => "it does not answer as a control plane does".to_owned(),
        };
        Failure::Failed(format!("the control plane at {} cannot be asked: {why}", self.server))
    }
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, target: &'a str) -> Self {
        let headers = vec![("accept", "application/json, application/problem+json".to_owned())];
        Self { method, target, headers, body: What::Nothing, patience: Some(PATIENCE) }
    }

    pub(crate) fn get(target: &'a str) -> Self {
        Self::new(Method::GET, target)
    }

    /// With an object.
    pub(crate) fn json(mut self, body: &Json) -> Self {
        self.body = What::Text(JSON, Zeroizing::new(body.to_string()));
        self
    }

    /// With fields of a form.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut form = Zeroizing::new(String::new());
        for (name, value) in fields {
            if !form.is_empty() {
                form.push('&');
            }
            form.push_str(name);
            form.push('=');
            form.push_str(&Zeroizing::new(super::encoded(value)));
        }
        self.body = What::Text(FORM, form);
        self
    }

    /// With whatever is read, however long the control plane takes over it.
    pub(crate) fn reader(mut self, length: Option<u64>, reader: Box<dyn Read>) -> Self {
        self.body = What::Read(length, reader);
        self.patience = None;
        self
    }

    /// The same request; `None` for one whose body can be read only once.
    pub(super) fn again(&self) -> Option<Self> {
        let body = match &self.body {
            What::Nothing => What::Nothing,
            What::Text(kind, text) => What::Text(kind, text.clone()),
            What::Read(..) => return None,
        };
        let Self { method, target, headers, patience, .. } = self;
        let (method, headers) = (method.clone(), headers.clone());
        Some(Self { method, target, headers, body, patience: *patience })
    }
}

impl Answer {
    /// Whether it says that the token is not good.
    pub(super) fn is_bad_token(&self) -> bool {
        let code = self.headers.get("x-mashery-error-code");
        self.status == StatusCode::UNAUTHORIZED
            || code.is_some_and(|code| code == "ERR_403_DEVELOPER_INACTIVE")
    }

    /// The answer, if it is one of success.
    pub(super) fn success(mut self) -> Result<Self, Failure> {
        if self.status.is_success() || self.status == StatusCode::NOT_MODIFIED {
            return Ok(self);
        }
        let body = self.read()?;
        Err(Failure::Refused(Refusal::read(self.status, &self.headers, &body)))
    }

    /// How long the list is of which it is a part.
    pub(super) fn total(&self) -> Option<usize> {
        self.headers.get("x-total-count")?.to_str().ok()?.parse().ok()
    }

    /// All of its body.
    pub(super) fn read(&mut self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let read = self.body.with_config().limit(LONGEST).read_to_vec();
        read.map(Zeroizing::new)
            .map_err(|_| Failure::Failed("the answer of the control plane broke off".to_owned()))
    }

    /// Its body as it comes, however long it is.
    pub(crate) fn reader(self) -> impl Read {
        self.body.into_with_config().limit(u64::MAX).reader()
    }

    pub(crate) fn json(mut self) -> Result<Json, Failure> {
        let body = self.read()?;
        serde_json::from_slice(&body).map_err(|_| {
            Failure::Failed("the control plane answered with something else than JSON".to_owned())
        })
    }
}
