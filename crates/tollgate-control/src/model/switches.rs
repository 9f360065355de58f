//! What a service asks of a call beside its key, and what it does to it.

use std::ops::RangeInclusive;

use http::HeaderName;
use tollgate_core::{Cors, Maintenance, OriginPattern};

use super::Name;

/// The key that calls without a key are charged to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyless {
    /// The key of this name.
    Key(Name),
    /// The key whose value is [`NO_API_KEY`], as the Mashery API has it.
    NoApiKey,
}

/// The value of the key that stands for no key (domain.md §1.3).
pub(crate) const NO_API_KEY: &str = "noapikey";

/// The switches of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    /// All of it is closed for now, if it is.
    pub maintenance: Option<Maintenance>,
    /// The key that calls without a key are charged to; `None` = they are refused.
    pub keyless: Option<Keyless>,
    /// Bytes of a key.
    pub key_length: RangeInclusive<u8>,
    /// Where pages that call may come from; none = from everywhere, and from no page.
    pub allowed_referers: Vec<OriginPattern>,
    /// Fields of requests that the upstream does not see.
    pub drop_request_headers: Vec<HeaderName>,
    /// Fields of the upstream's responses that callers do not see.
    pub drop_response_headers: Vec<HeaderName>,
    /// What pages of other origins may do; `None` = what the upstream says.
    pub cors: Option<Cors>,
}
