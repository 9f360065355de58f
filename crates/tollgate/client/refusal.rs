//! What a control plane says when it does not do something: problem details (RFC 9457), the errors
//! of the v3 API, or those of RFC 6749.

use std::fmt;

use hyper::http::header::RETRY_AFTER;
use hyper::http::{HeaderMap, StatusCode};
use serde_json::Value as Json;

/// A refusal.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// What kind of refusal it is.
    pub(crate) kind: Kind,
    /// The properties that are wrong, with what is wrong with them.
    pub(crate) errors: Vec<(String, String)>,
    /// What was said of it as a whole.
    pub(crate) message: String,
}

/// What to make of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The token is not good.
    BadToken,
    /// The roles do not permit it.
    NotPermitted,
    /// There is no such thing.
    Missing,
    /// Something else stands against it.
    Conflict,
    /// What was sent is wrong.
    Invalid,
    /// It could not be done now.
    Failed,
}

impl Refusal {
    /// Reads an answer that is none of success.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Json = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Json::as_str);
        let code = headers.get("x-mashery-error-code").and_then(|code| code.to_str().ok());
        let kind = match (status.as_u16(), code.unwrap_or_default()) {
            (401, _) | (403, "ERR_403_DEVELOPER_INACTIVE") => Kind::BadToken,
            (403, "ERR_403_DEVELOPER_OVER_QPS") | (408 | 429 | 500.., _) => Kind::Failed,
            (403, _) => Kind::NotPermitted,
            (404, _) => Kind::Missing,
            (409 | 412, _) => Kind::Conflict,
            _ => Kind::Invalid,
        };
        let said = text("detail").or_else(|| text("errorMessage"));
        let said = said.or_else(|| text("error_description")).or_else(|| text("title"));
        let unsaid = || format!("the control plane answered with {status}");
        let mut message = said.map_or_else(unsaid, str::to_owned);
        let wait = headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
        if let Some(wait) = wait.filter(|wait| wait.bytes().all(|byte| byte.is_ascii_digit())) {
            message += &format!("; try again in {wait} s");
        }
        let error = |error: &Json| {
            let text = |name: &str| error.get(name).and_then(Json::as_str).map(str::to_owned);
            Some((text("property").unwrap_or_default(), text("message")?))
        };
        let errors = body.get("errors").and_then(Json::as_array);
        let errors = errors.into_iter().flatten().filter_map(error).collect();
        Self { kind, errors, message }
    }

    /// Whether only the state of what was to be changed speaks against it.
    pub(crate) fn is_of_state(&self) -> bool {
        !self.errors.is_empty() && self.errors.iter().all(|(property, _)| property == "status")
    }
}

impl fmt::Display for Refusal {
    /// One line for each reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Kind::BadToken {
            return f.write_str("the token is not good, or not any more: `tollgate login`");
        }
        if self.errors.is_empty() {
            return f.write_str(&self.message);
        }
        for (at, (property, message)) in self.errors.iter().enumerate() {
            let between = if at == 0 { "" } else { "\n" };
            match property.as_str() {
                "" => write!(f, "{between}{message}")?,
                property => write!(f, "{between}{property}: {message}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, code: &'static str, body: &str) -> (Kind, String) {
        let mut headers = HeaderMap::new();
        if !code.is_empty() {
            headers.insert("x-mashery-error-code", code.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        let refusal = Refusal::read(status, &headers, body.as_bytes());
        (refusal.kind, refusal.to_string())
    }

    #[test]
    fn every_dialect_becomes_a_line_for_each_reason() {
        let two = r#"{"errors": [{"property": "plan", "message": "is none"},
                                 {"property": "status", "message": "too late"}]}"#;
        for (status, code, body, kind, told) in [
            (400, "", two, Kind::Invalid, "plan: is none\nstatus: too late"),
            (
                409,
                "",
                r#"{"errorMessage": "it stands in a file"}"#,
                Kind::Conflict,
                "it stands in a file",
            ),
            (409, "", r#"{"detail": "it is revoked"}"#, Kind::Conflict, "it is revoked"),
            (403, "ERR_403_NOT_AUTHORIZED", r#"{"errorMessage": "no"}"#, Kind::NotPermitted, "no"),
            (403, "", r#"{"detail": "no"}"#, Kind::NotPermitted, "no"),
            (
                400,
                "",
                r#"{"error": "invalid_grant", "error_description": "wrong"}"#,
                Kind::Invalid,
                "wrong",
            ),
            (404, "", "", Kind::Missing, "the control plane answered with 404 Not Found"),
            (502, "", "<html>", Kind::Failed, "the control plane answered with 502 Bad Gateway"),
            (
                403,
                "ERR_403_DEVELOPER_OVER_QPS",
                "",
                Kind::Failed,
                "the control plane answered with 403 Forbidden",
            ),
        ] {
            assert_eq!(read(status, code, body), (kind, told.to_owned()), "{status} {body}");
        }
        assert_eq!(read(403, "ERR_403_DEVELOPER_INACTIVE", "").0, Kind::BadToken);
        assert_eq!(read(401, "", "").0, Kind::BadToken);
    }
}
