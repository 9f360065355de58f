//! What a Mashery traffic manager answers where we refuse. The table of refusals names one of
//! these for each reason; several reasons share one, as they do there.

use http::StatusCode;

/// An answer of the Mashery dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MasheryError {
    /// A plain number: 596 is no constant of [`StatusCode`].
    status: u16,
    /// `X-Mashery-Error-Code`.
    pub id: &'static str,
    /// `X-Error-Detail-Header`; `None` = no such field.
    pub detail: Option<&'static str>,
    /// The body.
    pub body: &'static str,
}

impl MasheryError {
    /// The HTTP status, 403 where others say 401 or 429.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::FORBIDDEN)
    }

    const fn of(
        status: u16,
        id: &'static str,
        detail: Option<&'static str>,
        body: &'static str,
    ) -> Self {
        Self { status, id, detail, body }
    }
}

#[rustfmt::skip]
impl MasheryError {
    pub(super) const BAD_REQUEST: Self = Self::of(400, "ERR_400_BAD_REQUEST", None, "<h1>400 Bad Request</h1>");
    pub(super) const NOT_AUTHORIZED: Self = Self::of(403, "ERR_403_NOT_AUTHORIZED", Some("Not Authorized"), "<h1>Not Authorized</h1>");
    pub(super) const INACTIVE: Self = Self::of(403, "ERR_403_DEVELOPER_INACTIVE", Some("Account Inactive"), "<h1>Developer Inactive</h1>");
    pub(super) const UNKNOWN_REFERER: Self = Self::of(403, "ERR_403_DEVELOPER_UNKNOWN_REFERER", Some("Invalid Referer"), "<h1>Developer Unknown Referer</h1>");
    pub(super) const OVER_QPS: Self = Self::of(403, "ERR_403_DEVELOPER_OVER_QPS", Some("Account Over Queries Per Second Limit"), "<h1>Developer Over Qps</h1>");
    pub(super) const OVER_RATE: Self = Self::of(403, "ERR_403_DEVELOPER_OVER_RATE", Some("Account Over Rate Limit"), "<h1>Developer Over Rate</h1>");
    pub(super) const SERVICE_OVER_QPS: Self = Self::of(403, "ERR_403_SERVICE_OVER_QPS", Some("Rate Limit Exceeded"), "<h1>Service Over Qps</h1>");
    pub(super) const REQUIRES_SSL: Self = Self::of(403, "ERR_403_SERVICE_REQUIRES_SSL", Some("Service Requires SSL"), "<h1>Service Requires SSL</h1>");
    pub(super) const URI_TOO_LONG: Self = Self::of(414, "ERR_414_REQUEST_URI_TOO_LONG", None, "<h1>414 Request URI Too Long</h1>");
    pub(super) const BAD_GATEWAY: Self = Self::of(502, "ERR_502_BAD_GATEWAY", None, "<h1>502 Bad Gateway</h1>");
    pub(super) const UNAVAILABLE: Self = Self::of(503, "ERR_503_SERVICE_UNAVAILABLE", Some("Scheduled Maintenance"), "<h1>503 Service Unavailable</h1>");
    pub(super) const TIMEOUT: Self = Self::of(504, "ERR_504_GATEWAY_TIMEOUT", None, "<h1>504 Gateway Timeout</h1>");
    pub(super) const NOT_FOUND: Self = Self::of(596, "ERR_596_SERVICE_NOT_FOUND", Some("Service Not Found"), "<h1>596 Service Not Found</h1>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;

    #[test]
    fn the_status_is_the_one_in_the_id() {
        for error in Refusal::all().map(Refusal::mashery) {
            let number = error.id.split('_').nth(1).unwrap();
            assert_eq!(error.status().as_str(), number, "{}", error.id);
        }
    }

    #[test]
    fn bodies_are_as_long_as_they_were_seen() {
        assert_eq!(MasheryError::INACTIVE.body.len(), 27);
        assert_eq!(MasheryError::OVER_RATE.body.len(), 28);
        assert_eq!(MasheryError::NOT_FOUND.body.len(), 30);
    }

    #[test]
    fn what_is_hidden_looks_like_an_inactive_developer() {
        for refusal in Refusal::all().filter(|refusal| refusal.hidden()) {
            assert_eq!(refusal.mashery(), &MasheryError::INACTIVE, "{}", refusal.code());
        }
    }
}
