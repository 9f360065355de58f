//! Where a key stands.

use super::call::Parts;
use crate::{credentials::basic, secrets::encoded};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Header,
    Authorization,
    BasicUser,
    BasicPassword,
    Cookie,
    Query,
    Form,
    PathSegment,
}

impl Place {
    pub(super) const ALL: [Self; 8] = [
        Self::Header,
        Self::Authorization,
        Self::BasicUser,
        Self::BasicPassword,
        Self::Cookie,
        Self::Query,
        Self::Form,
        Self::PathSegment,
    ];

    /// As a service has it. A path has one such segment, so that two keys take a second place.
    pub(super) fn credentials(self) -> &'static str {
        match self {
            Self::Header => "{ header = \"X-Api-Key\" }",
            Self::Authorization => "{ authorization = \"Bearer\" }",
            Self::BasicUser => "{ basic = \"user\" }",
            Self::BasicPassword => "{ basic = \"password\" }",
            Self::Cookie => "{ cookie = \"key\" }",
            Self::Query => "{ query = \"api_key\" }",
            Self::Form => "{ form = \"api_key\" }",
            Self::PathSegment => "{ path_segment = 1 }, { header = \"X-Second-Key\" }",
        }
    }

    /// Puts a key there, between what else there is.
    pub(super) fn put(self, key: &str, to: &mut Parts) {
        match self {
            Self::Header => to.field("X-Api-Key", key),
            Self::Authorization => to.field("Authorization", &format!("Bearer {key}")),
            Self::BasicUser => to.field("Authorization", &basic(&format!("{key}:any"))),
            Self::BasicPassword => to.field("Authorization", &basic(&format!("jo:{key}"))),
            Self::Cookie => to.cookies.insert(1, format!("key={key}")),
            Self::Query => to.query.insert(1, format!("api_key={}", encoded(key))),
            Self::Form => to.form.insert(1, format!("api_key={}", encoded(key))),
            Self::PathSegment if to.segment.is_none() => to.segment = Some(encoded(key)),
            Self::PathSegment => to.field("X-Second-Key", key),
        }
    }
}
