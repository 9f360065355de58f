//! What a service asks of a call beside its key, and what it does to it. Nothing by default.

mod cors;
mod origin;

use std::ops::RangeInclusive;
use std::sync::Arc;

use http::HeaderName;

use crate::{Digest, EndpointId};

pub use cors::{AllowedOrigins, Cors};
pub use origin::{OriginPattern, WebOrigin};

/// The longest key (domain.md §1.2).
pub const MAX_KEY_LENGTH: u8 = u8::MAX;

/// The switches of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    /// The endpoints that are closed for now, sorted.
    pub maintenance: Box<[(EndpointId, Maintenance)]>,
    /// Where pages that call may come from; none = from everywhere, and from no page.
    pub allowed_referers: Box<[OriginPattern]>,
    /// What pages of other origins may do; `None` = what the upstream says.
    pub cors: Option<Box<Cors>>,
    /// Fields of requests that the upstream does not see.
    pub drop_request_headers: Box<[HeaderName]>,
    /// Fields of the upstream's responses that callers do not see.
    pub drop_response_headers: Option<Arc<[HeaderName]>>,
    /// Bytes of a key, within 1 to [`MAX_KEY_LENGTH`].
    pub key_length: RangeInclusive<u8>,
    /// The digest of the key that calls without a key are charged to.
    pub keyless: Option<Digest>,
}

/// How an endpoint is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Seconds until a caller may try again, if that is known apart from [`Maintenance::until`].
    pub retry_after: Option<u32>,
    /// The first second since 1970 in which it is closed.
    pub from: u64,
    /// The first second since 1970 in which it is open again; [`Maintenance::UNKNOWN`] = not yet.
    pub until: u64,
}

impl Maintenance {
    /// An [`until`](Self::until) that is not known.
    pub const UNKNOWN: u64 = u64::MAX;

    /// Seconds from `unix` on until a caller may try again, if that is known.
    #[must_use]
    pub fn retry_after(&self, unix: u64) -> Option<u64> {
        let ends = (self.until != Self::UNKNOWN).then(|| self.until.saturating_sub(unix).max(1));
        self.retry_after.map(u64::from).or(ends)
    }
}

/// From now on, for nobody knows how long.
impl Default for Maintenance {
    fn default() -> Self {
        Self { retry_after: None, from: 0, until: Self::UNKNOWN }
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            maintenance: Box::default(),
            allowed_referers: Box::default(),
            cors: None,
            drop_request_headers: Box::default(),
            drop_response_headers: None,
            key_length: 1..=MAX_KEY_LENGTH,
            keyless: None,
        }
    }
}

impl Switches {
    /// How `endpoint` is closed at the second `unix` since 1970, if it is.
    #[must_use]
    pub fn maintenance(&self, endpoint: EndpointId, unix: u64) -> Option<Maintenance> {
        let at = self.maintenance.binary_search_by_key(&endpoint, |(closed, _)| *closed).ok()?;
        let (_, maintenance) = self.maintenance.get(at)?;
        (maintenance.from..maintenance.until).contains(&unix).then_some(*maintenance)
    }

    /// Whether a key may be so long.
    #[must_use]
    pub fn fits(&self, key: &[u8]) -> bool {
        u8::try_from(key.len()).is_ok_and(|length| self.key_length.contains(&length))
    }
}
