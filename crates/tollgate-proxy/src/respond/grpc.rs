//! Calls of gRPC (gRPC's `PROTOCOL-HTTP2.md`): when they have to be over, and refusals as they read
//! them, whatever the dialect of their service.

use std::fmt::Write;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tollgate_core::{GrpcStatus, Now, Refusal};

use super::Reason;
use crate::body::Content;
use crate::worker::nanoseconds;

const CONTENT_TYPE_PREFIX: &[u8] = b"application/grpc";
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// A call of gRPC.
#[derive(Debug)]
pub(crate) struct Grpc {
    /// The request's, which is also that of the answer.
    content_type: HeaderValue,
    /// When it has to be over, in nanoseconds of the monotonic clock; [`u64::MAX`] = no matter when.
    deadline: Result<u64, MalformedTimeout>,
}

/// A `grpc-timeout` that says nothing.
#[derive(Clone, Copy, Debug)]
struct MalformedTimeout;

impl Grpc {
    /// The call that a request is; `None` if it is none of gRPC.
    pub(crate) fn of(headers: &HeaderMap, now: Now) -> Option<Box<Self>> {
        let content_type = headers.get(CONTENT_TYPE)?;
        let begin = content_type.as_bytes().get(..CONTENT_TYPE_PREFIX.len())?;
        if !begin.eq_ignore_ascii_case(CONTENT_TYPE_PREFIX) {
            return None;
        }
        let mut timeouts = headers.get_all(TIMEOUT).iter();
        let deadline = match (timeouts.next(), timeouts.next()) {
            (None, _) => Ok(u64::MAX),
            (Some(timeout), None) => timeout_of(timeout.as_bytes())
                .map(|timeout| now.monotonic.saturating_add(nanoseconds(timeout)))
                .ok_or(MalformedTimeout),
            (Some(_), Some(_)) => Err(MalformedTimeout),
        };
        Some(Box::new(Self { content_type: content_type.clone(), deadline }))
    }

    /// When the call has to be over, in nanoseconds of the monotonic clock.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] if what it says of that is malformed.
    pub(crate) fn deadline(&self) -> Result<u64, Refusal> {
        self.deadline.map_err(|MalformedTimeout| Refusal::BadRequest)
    }

    /// The answer, as gRPC reads it if it is a refusal: the trailers alone, of a response that is
    /// HTTP's 200.
    pub(crate) fn word(&self, response: Response<Content>) -> Response<Content> {
        let Some(reason) = response.body().reason() else { return response };
        let (mut head, _) = response.into_parts();
        head.status = StatusCode::OK;
        let headers = &mut head.headers;
        headers.remove(WWW_AUTHENTICATE);
        headers.remove(ALLOW);
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.insert(STATUS, reason.refusal.grpc_status().number().into());
        if let Ok(message) = HeaderValue::try_from(message(reason)) {
            headers.insert(MESSAGE, message);
        }
        Response::from_parts(head, Content::Refused(None, reason))
    }
}

/// The trailers of a response that did not end before the caller's deadline.
pub(crate) fn deadline_exceeded() -> HeaderMap {
    let status = (STATUS, GrpcStatus::DeadlineExceeded.number().into());
    let words = HeaderValue::from_static("The response did not end before the deadline");
    HeaderMap::from_iter([status, (MESSAGE, words)])
}

/// At most eight digits and a unit.
pub(crate) fn timeout_of(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 60 * 60),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// The code, for programs, and the sentence; percent-encoded, as `grpc-message` is.
fn message(reason: Reason) -> String {
    let mut message = String::with_capacity(80);
    let words = [reason.code(), ": ", reason.title()];
    for byte in words.iter().flat_map(|words| words.bytes()) {
        match byte {
            b' '..=b'~' if byte != b'%' => message.push(byte.into()),
            // A String takes all that is written to it.
            _ => {
                let _ = write!(message, "%{byte:02X}");
            }
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_at_most_eight_digits_and_a_unit() {
        let timeout = |value: &str| timeout_of(value.as_bytes());
        for (value, milliseconds) in [
            ("99999999H", 359_999_996_400_000),
            ("2M", 120_000),
            ("3S", 3000),
            ("5m", 5),
            ("0n", 0),
        ] {
            assert_eq!(timeout(value), Some(Duration::from_millis(milliseconds)), "{value}");
        }
        assert_eq!(timeout("7u"), Some(Duration::from_micros(7)));
        for wrong in ["", "S", "1", "100000000n", "1s", "-1S", "+1S", "1.5S", " 1S", "1S "] {
            assert_eq!(timeout(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn messages_are_plain_ascii() {
        for refusal in Refusal::all() {
            let message = message(Reason { refusal, hidden: false });
            assert!(message.is_ascii() && message.starts_with(refusal.code()), "{message}");
        }
    }
}
