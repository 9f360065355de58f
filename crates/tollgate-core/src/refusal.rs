//! Why a request was not let through: one enum, one table.

mod grpc;
mod mashery;

use http::StatusCode;

pub use grpc::GrpcStatus;
pub use mashery::MasheryError;

/// The reason of a refusal. Its [code](Refusal::code) is the same in problem details, metric
/// label, log and `explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the table below says what each one means")]
pub enum Refusal {
    RouteNotFound,
    TlsRequired,
    Maintenance,
    MethodNotAllowed,
    BadRequest,
    KeyMissing,
    KeyMalformed,
    KeyAmbiguous,
    KeyUnknown,
    KeyPending,
    KeyNotYetValid,
    KeySuspended,
    KeyRevoked,
    KeyExpired,
    OwnerInactive,
    PlanInactive,
    ProofMissing,
    ProofInvalid,
    RefererNotAllowed,
    SourceNotAllowed,
    NotEntitled,
    ServiceOverQps,
    OverQps,
    OverQuota,
    OverConcurrency,
    SourceThrottled,
    BodyTooLarge,
    TargetTooLong,
    HeadersTooLarge,
    RequestTimeout,
    DeadlineExceeded,
    NoSnapshot,
    /// The lease has ended under which the snapshot is decided from.
    SnapshotStale,
    Draining,
    UpstreamUnreachable,
    UpstreamBadResponse,
    UpstreamTimeout,
    UpstreamOverloaded,
}

struct Row {
    refusal: Refusal,
    code: &'static str,
    status: StatusCode,
    /// Looks like `key_rejected` to a stranger (design decision 5).
    hidden: bool,
    mashery: MasheryError,
    title: &'static str,
}

const fn row(
    refusal: Refusal,
    code: &'static str,
    status: StatusCode,
    mashery: MasheryError,
    title: &'static str,
) -> Row {
    Row { refusal, code, status, hidden: false, mashery, title }
}

const fn hidden(refusal: Refusal, code: &'static str, title: &'static str) -> Row {
    let (status, mashery) = (StatusCode::UNAUTHORIZED, MasheryError::INACTIVE);
    Row { refusal, code, status, hidden: true, mashery, title }
}

use MasheryError as M;
use Refusal as R;
use StatusCode as S;

/// In the order of the enum, which a test holds it to.
#[rustfmt::skip]
static TABLE: [Row; Refusal::COUNT] = [
    row(R::RouteNotFound, "route_not_found", S::NOT_FOUND, M::NOT_FOUND, "No service matches this host and path"),
    row(R::TlsRequired, "tls_required", S::FORBIDDEN, M::REQUIRES_SSL, "The service takes calls over TLS only"),
    row(R::Maintenance, "maintenance", S::SERVICE_UNAVAILABLE, M::UNAVAILABLE, "The endpoint is closed for maintenance"),
    row(R::MethodNotAllowed, "method_not_allowed", S::METHOD_NOT_ALLOWED, M::NOT_AUTHORIZED, "The endpoint does not know this method"),
    row(R::BadRequest, "bad_request", S::BAD_REQUEST, M::BAD_REQUEST, "The request is malformed"),
    row(R::KeyMissing, "key_missing", S::UNAUTHORIZED, M::INACTIVE, "The request carries no key"),
    row(R::KeyMalformed, "key_malformed", S::UNAUTHORIZED, M::INACTIVE, "What the request carries cannot be a key"),
    row(R::KeyAmbiguous, "key_ambiguous", S::BAD_REQUEST, M::BAD_REQUEST, "The request carries two different keys"),
    hidden(R::KeyUnknown, "key_unknown", "The key is not known"),
    hidden(R::KeyPending, "key_pending", "The key is waiting to be activated"),
    hidden(R::KeyNotYetValid, "key_not_yet_valid", "The key is not valid yet"),
    hidden(R::KeySuspended, "key_suspended", "The key is suspended"),
    hidden(R::KeyRevoked, "key_revoked", "The key is revoked"),
    hidden(R::KeyExpired, "key_expired", "The key has expired"),
    hidden(R::OwnerInactive, "owner_inactive", "The owner of the key is not active"),
    hidden(R::PlanInactive, "plan_inactive", "The plan of the key is not active"),
    row(R::ProofMissing, "proof_missing", S::UNAUTHORIZED, M::NOT_AUTHORIZED, "The request does not prove that its key is the caller's"),
    row(R::ProofInvalid, "proof_invalid", S::UNAUTHORIZED, M::NOT_AUTHORIZED, "What the request proves its key with is not valid"),
    row(R::RefererNotAllowed, "referer_not_allowed", S::FORBIDDEN, M::UNKNOWN_REFERER, "The service does not take calls from this page"),
    row(R::SourceNotAllowed, "source_not_allowed", S::FORBIDDEN, M::NOT_AUTHORIZED, "The key does not work from this address"),
    row(R::NotEntitled, "not_entitled", S::FORBIDDEN, M::NOT_AUTHORIZED, "The plan of the key does not open this endpoint or method"),
    row(R::ServiceOverQps, "service_over_qps", S::TOO_MANY_REQUESTS, M::SERVICE_OVER_QPS, "The service is over its queries per second"),
    row(R::OverQps, "over_qps", S::TOO_MANY_REQUESTS, M::OVER_QPS, "The key is over its queries per second"),
    row(R::OverQuota, "over_quota", S::TOO_MANY_REQUESTS, M::OVER_RATE, "The key has used up its quota"),
    row(R::OverConcurrency, "over_concurrency", S::TOO_MANY_REQUESTS, M::OVER_QPS, "The key has too many requests open"),
    row(R::SourceThrottled, "source_throttled", S::TOO_MANY_REQUESTS, M::INACTIVE, "Too many keys from this address were refused"),
    row(R::BodyTooLarge, "body_too_large", S::PAYLOAD_TOO_LARGE, M::BAD_REQUEST, "The body is too large"),
    row(R::TargetTooLong, "target_too_long", S::URI_TOO_LONG, M::URI_TOO_LONG, "The request target is too long"),
    row(R::HeadersTooLarge, "headers_too_large", S::REQUEST_HEADER_FIELDS_TOO_LARGE, M::BAD_REQUEST, "The header is too large"),
    row(R::RequestTimeout, "request_timeout", S::REQUEST_TIMEOUT, M::BAD_REQUEST, "The request did not arrive in time"),
    row(R::DeadlineExceeded, "deadline_exceeded", S::GATEWAY_TIMEOUT, M::TIMEOUT, "The caller's deadline has passed"),
    row(R::NoSnapshot, "no_snapshot", S::SERVICE_UNAVAILABLE, M::UNAVAILABLE, "The proxy has no keys to decide from yet"),
    row(R::SnapshotStale, "snapshot_stale", S::SERVICE_UNAVAILABLE, M::UNAVAILABLE, "The proxy has not heard of changes of keys for too long"),
    row(R::Draining, "draining", S::SERVICE_UNAVAILABLE, M::UNAVAILABLE, "The proxy is shutting down"),
    row(R::UpstreamUnreachable, "upstream_unreachable", S::BAD_GATEWAY, M::BAD_GATEWAY, "The upstream cannot be reached"),
    row(R::UpstreamBadResponse, "upstream_bad_response", S::BAD_GATEWAY, M::BAD_GATEWAY, "The upstream's response is malformed"),
    row(R::UpstreamTimeout, "upstream_timeout", S::GATEWAY_TIMEOUT, M::TIMEOUT, "The upstream did not answer in time"),
    row(R::UpstreamOverloaded, "upstream_overloaded", S::SERVICE_UNAVAILABLE, M::UNAVAILABLE, "The upstream has no room for another request"),
];

impl Refusal {
    /// How many reasons there are.
    pub const COUNT: usize = Self::UpstreamOverloaded as usize + 1;

    /// What a stranger is told in place of a hidden code.
    pub const HIDDEN_CODE: &str = "key_rejected";

    /// The title that goes with [`Refusal::HIDDEN_CODE`].
    pub const HIDDEN_TITLE: &str = "The key is not accepted";

    /// Every reason, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.refusal)
    }

    /// The position in the table, below [`Refusal::COUNT`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The stable name of the reason.
    #[must_use]
    pub fn code(self) -> &'static str {
        TABLE[self.index()].code
    }

    /// The HTTP status that answers with it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        TABLE[self.index()].status
    }

    /// Whether a stranger sees [`Refusal::HIDDEN_CODE`] instead, so that no answer tells an unknown
    /// key from a revoked one.
    #[must_use]
    pub fn hidden(self) -> bool {
        TABLE[self.index()].hidden
    }

    /// Whether the request brought a credential that failed. A request without any did not: it
    /// guesses nothing, and a client may ask first how it is to authenticate.
    #[must_use]
    pub fn failed_credential(self) -> bool {
        self.hidden() || self == Self::KeyMalformed
    }

    /// What answers in the Mashery dialect.
    #[must_use]
    pub fn mashery(self) -> &'static MasheryError {
        &TABLE[self.index()].mashery
    }

    /// One sentence for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        TABLE[self.index()].title
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (index, refusal) in Refusal::all().enumerate() {
            assert_eq!(refusal.index(), index, "{}", refusal.code());
        }
    }

    #[test]
    fn what_is_hidden_looks_alike() {
        let mut statuses: Vec<_> =
            Refusal::all().filter(|refusal| refusal.hidden()).map(Refusal::status).collect();
        statuses.dedup();
        assert_eq!(statuses, [StatusCode::UNAUTHORIZED]);
    }
}
