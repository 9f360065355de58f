//! What pages of other origins may do (Fetch standard, §3.3).

use super::{OriginPattern, WebOrigin};

/// The CORS policy of a service. Lists are as they stand in a field; empty = no such field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Whose pages.
    pub origins: AllowedOrigins,
    /// Whether a page may call with cookies and the like.
    pub credentials: bool,
    /// `Access-Control-Allow-Methods`
    pub methods: Box<str>,
    /// `Access-Control-Allow-Headers`
    pub headers: Box<str>,
    /// `Access-Control-Expose-Headers`
    pub exposed_headers: Box<str>,
    /// Seconds for which a browser may keep the answer to a preflight.
    pub max_age: u32,
}

/// Origins whose pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Every one. Never together with [`Cors::credentials`].
    Every,
    /// These.
    Listed {
        /// Named ones.
        patterns: Box<[OriginPattern]>,
        /// Also those that a browser does not tell and calls `null`.
        null: bool,
    },
}

impl AllowedOrigins {
    /// Whether pages of `origin`, as an `Origin` field holds it, may call.
    #[must_use]
    pub fn hold(&self, origin: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Listed { null, .. } if origin == "null" => *null,
            Self::Listed { patterns, .. } => WebOrigin::parse(origin)
                .is_some_and(|origin| patterns.iter().any(|pattern| pattern.matches(origin))),
        }
    }
}
