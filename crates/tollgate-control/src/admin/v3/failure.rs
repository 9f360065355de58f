//! How the v3 API refuses (domain.md §1.1).

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, SERVER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value as Json, json};

use super::super::ask::{Nobody, Unread};
use crate::operations::{self, Refused};
use crate::people::Action;
use crate::seal::SealError;
use crate::store::{NotChanged, Reason, StoreError};

static ERROR_CODE: HeaderName = HeaderName::from_static("x-mashery-error-code");
static RESPONDER: HeaderName = HeaderName::from_static("x-mashery-responder");

/// What is wrong with a property of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The property, or the parameter.
    pub(crate) property: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

impl Violation {
    pub(crate) fn new(property: impl Into<String>, message: impl Into<String>) -> Self {
        Self { property: property.into(), message: message.into() }
    }
}

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What it says is wrong (S3-21).
    Invalid(Vec<Violation>),
    /// There is no such thing.
    NotFound(String),
    /// It brings no token that is good.
    BadToken,
    /// Whoever asks may not do this (S4-26).
    Forbidden(Action),
    /// Something else stands against it.
    Conflict(String),
    /// Another request had the same `Idempotency-Key`.
    Reused,
    /// It stands in a file, and is changed there.
    OwnedByFile(String),
    /// The life of the key does not allow it in this state.
    State(String),
    /// What it rests on was changed while it was worked out.
    Overtaken,
    /// The object is not as `If-Match` says.
    Changed,
    /// The resource takes other methods only; empty where others say which.
    WrongMethod(&'static str),
    /// Its body is too large.
    TooLarge,
    /// It could not be read.
    Broken,
    /// Its source failed too often; seconds to wait.
    Throttled(u64),
    /// The store failed.
    Store(StoreError),
}

impl Failure {
    /// One thing that is wrong.
    pub(crate) fn invalid(property: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(property, message)])
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::Broken => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadToken | Self::Forbidden(_) | Self::Throttled(_) => StatusCode::FORBIDDEN,
            Self::Conflict(_)
            | Self::Reused
            | Self::OwnedByFile(_)
            | Self::State(_)
            | Self::Overtaken => StatusCode::CONFLICT,
            Self::Changed => StatusCode::PRECONDITION_FAILED,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Store(StoreError::Failed(_) | StoreError::Corrupt(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The `X-Mashery-Error-Code`.
    fn error_code(&self) -> &'static str {
        match self {
            Self::BadToken => "ERR_403_DEVELOPER_INACTIVE",
            Self::Forbidden(_) => "ERR_403_NOT_AUTHORIZED",
            Self::Throttled(_) => "ERR_403_DEVELOPER_OVER_QPS",
            Self::NotFound(_) => "ERR_404_NOT_FOUND",
            Self::Conflict(_)
            | Self::Reused
            | Self::OwnedByFile(_)
            | Self::State(_)
            | Self::Overtaken => "ERR_409_CONFLICT",
            Self::Changed => "ERR_412_PRECONDITION_FAILED",
            Self::WrongMethod(_) => "ERR_405_METHOD_NOT_ALLOWED",
            Self::TooLarge => "ERR_413_REQUEST_TOO_LARGE",
            Self::Invalid(_) | Self::Broken => "ERR_400_BAD_REQUEST",
            Self::Store(_) => "ERR_503_SERVICE_UNAVAILABLE",
        }
    }

    /// Why, for people.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Invalid(_) => "Invalid".to_owned(),
            Self::NotFound(what)
            | Self::Conflict(what)
            | Self::OwnedByFile(what)
            | Self::State(what) => what.clone(),
            Self::BadToken => "Developer Inactive".to_owned(),
            Self::Forbidden(action) => {
                format!("Not Authorized: your roles do not permit {}", action.as_str())
            }
            Self::Reused => "Another request had this Idempotency-Key".to_owned(),
            Self::Overtaken => {
                "What it needs was changed each time that it was worked out; nothing was changed"
                    .to_owned()
            }
            Self::Changed => "The object has changed since it was read".to_owned(),
            Self::WrongMethod("") => "Method not allowed".to_owned(),
            Self::WrongMethod(allowed) => format!("Method not allowed, expected {allowed}"),
            Self::TooLarge => "The body is too large".to_owned(),
            Self::Broken => "The request could not be read".to_owned(),
            Self::Throttled(_) => "Developer Over Qps".to_owned(),
            // What the store says is for operators, and is in the log.
            Self::Store(_) => "The store has failed; nothing was changed".to_owned(),
        }
    }

    fn body(&self, status: StatusCode) -> Json {
        match self {
            Self::Invalid(violations) => {
                let error = |Violation { property, message }: &Violation| json!({ "property": property, "message": message });
                json!({ "errors": violations.iter().map(error).collect::<Vec<_>>() })
            }
            // A string: clients written in Go decode it into one.
            _ => json!({
                "errorCode": status.as_str(),
                "errorMessage": self.message(),
            }),
        }
    }
}

impl Failure {
    /// The refusal as problem details (RFC 9457).
    pub(crate) fn into_problem(self) -> Response {
        let status = match &self {
            Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            other => other.status(),
        };
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "code": self.code(),
            "detail": self.message(),
        });
        if let (Self::Invalid(_), Some(body)) = (&self, body.as_object_mut()) {
            let mut errors = self.body(status);
            body.insert("errors".to_owned(), errors["errors"].take());
        }
        let bad_token = matches!(self, Self::BadToken);
        let mut response = axum::response::IntoResponse::into_response(self);
        *response.status_mut() = status;
        *response.body_mut() = Body::from(body.to_string());
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, problem);
        for foreign in [&SERVER, &ERROR_CODE, &RESPONDER] {
            headers.remove(foreign);
        }
        if bad_token {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            tracing::error!(%error, "the admin API could not use the store");
        }
        let status = self.status();
        let mut response = refusal(status, self.error_code(), &self.body(status));
        let headers = response.headers_mut();
        match &self {
            Self::WrongMethod("") => {}
            Self::WrongMethod(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::Throttled(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            _ => {}
        }
        response
    }
}

/// An answer of the vendor's traffic manager in front of its API.
pub(super) fn refusal(status: StatusCode, code: &'static str, body: &Json) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    headers.insert(SERVER, HeaderValue::from_static("Mashery Proxy"));
    headers.insert(&ERROR_CODE, HeaderValue::from_static(code));
    headers.insert(&RESPONDER, HeaderValue::from_static("tollgate"));
    response
}

impl Reason for Failure {
    fn code(&self) -> &str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NotFound(_) => "not_found",
            Self::BadToken => "bad_token",
            Self::Forbidden(_) => "forbidden",
            Self::Conflict(_) => "conflict",
            Self::Reused => "idempotency_mismatch",
            Self::OwnedByFile(_) => "owned_by_file",
            Self::State(_) => "not_in_this_state",
            Self::Overtaken => "overtaken",
            Self::Changed => "changed",
            Self::WrongMethod(_) => "wrong_method",
            Self::TooLarge => "too_large",
            Self::Broken => "broken",
            Self::Throttled(_) => "throttled",
            Self::Store(_) => "store",
        }
    }
}

impl Failure {
    /// What an operation on keys was refused for, or failed with.
    pub(crate) fn of_operation(not: NotChanged<Refused>) -> Self {
        let refused = match not {
            NotChanged::Store(error) => return Self::Store(error),
            NotChanged::Refused(refused) => refused,
        };
        match refused {
            Refused::Invalid(violations) => {
                let violation = |violation: operations::Violation| {
                    Violation::new(violation.property, violation.message)
                };
                Self::Invalid(violations.into_iter().map(violation).collect())
            }
            Refused::NotFound(kind) => Self::NotFound(format!("there is no such {kind}")),
            Refused::Outdated => Self::Changed,
            Refused::Sealing(error) => error.into(),
            refused @ Refused::OwnedByFile(_) => Self::OwnedByFile(refused.to_string()),
            refused @ (Refused::Life(_) | Refused::Cancelled | Refused::Over(_)) => {
                Self::State(refused.to_string())
            }
        }
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        Self::Store(StoreError::Corrupt(format!("what is sealed cannot be handled: {error}")))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotChanged<Failure>> for Failure {
    fn from(not: NotChanged<Self>) -> Self {
        match not {
            NotChanged::Refused(failure) => failure,
            NotChanged::Store(error) => Self::Store(error),
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Self::TooLarge,
            Unread::Broken => Self::Broken,
        }
    }
}

impl From<Nobody> for Failure {
    fn from(nobody: Nobody) -> Self {
        match nobody {
            Nobody::BadToken => Self::BadToken,
            Nobody::Throttled(seconds) => Self::Throttled(seconds),
            Nobody::Store(error) => Self::Store(error),
        }
    }
}
