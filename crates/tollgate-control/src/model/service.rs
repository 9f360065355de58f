//! Services, endpoints and methods: what there is to call.

use std::collections::BTreeMap;

use tollgate_core::{CredentialPlace, ErrorDialect, Maintenance, Proof, RateLimitHeaders};

use super::{Name, Owner, Qps, Segment, Switches};

/// An API that is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What plans call it.
    pub name: Name,
    /// Who may change it.
    pub owner: Owner,
    /// For people.
    pub description: String,
    /// The hosts it answers for; none = every host.
    pub hosts: Vec<HostPattern>,
    /// Literal segments in front of every endpoint's path; none = `/`.
    pub path: Vec<Segment>,
    /// Where its requests go.
    pub upstream: Name,
    /// What stands in place of [`Service::path`] towards the upstream, begins with a slash and ends
    /// in none unless it is `/`; `None` = the path goes on as it came.
    pub upstream_path: Option<String>,
    /// Queries per second over all keys; `None` = no ceiling.
    pub qps_limit_overall: Option<Qps>,
    /// Calls over [`Service::qps_limit_overall`] are refused.
    pub qps_limit_overall_enforce: bool,
    /// Calls have to come over TLS.
    pub tls_required: bool,
    /// Where a key may stand, in the order of precedence; at least one place.
    pub credentials: Vec<CredentialPlace>,
    /// What callers have to prove beside their key; `None` = nothing.
    pub proof: Option<Proof>,
    /// How many bytes a form may have in which a key may stand.
    pub form_body_limit: u64,
    /// How refusals are worded.
    pub error_dialect: ErrorDialect,
    /// Which fields tell a caller about its limits.
    pub rate_limit_headers: RateLimitHeaders,
    /// Tell callers unknown, suspended, revoked and expired keys apart.
    pub disclose_key_state: bool,
    /// What else it asks of a call.
    pub switches: Switches,
    /// What it is made of; at least one endpoint.
    pub endpoints: BTreeMap<Name, Endpoint>,
}

impl Service {
    /// Whether a key or a proof may stand in a form.
    pub fn reads_forms(&self) -> bool {
        let proofs = self.proof.iter().flat_map(|proof| &proof.places);
        let mut places = self.credentials.iter().chain(proofs);
        places.any(|place| matches!(place, CredentialPlace::Form(_)))
    }

    /// The number of the segment in which its paths hold keys, if they do; at least the number of
    /// segments of [`Service::path`].
    pub fn key_segment(&self) -> Option<usize> {
        self.credentials.iter().find_map(|place| match place {
            CredentialPlace::PathSegment(number) => Some(*number),
            _ => None,
        })
    }
}

/// A part of a service that a plan can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What plans call it.
    pub name: Name,
    /// Below the service's path.
    pub path: Vec<Segment>,
    /// Calls that match none of the methods are calls of the endpoint.
    pub undefined_methods_allowed: bool,
    /// Closed for now, if it is.
    pub maintenance: Option<Maintenance>,
    /// None = every HTTP method.
    pub methods: BTreeMap<Name, Method>,
}

/// A part of an endpoint that a plan can open and limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// What plans call it.
    pub name: Name,
    /// At least one, no duplicates.
    pub http_methods: Vec<http::Method>,
    /// Below the endpoint's path; none = the endpoint's own.
    pub path: Vec<Segment>,
}

/// A host that a service answers for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// This one, in lower case, without a port.
    Name(Box<str>),
    /// Every host below this one: `*.example.com` holds `example.com`.
    Below(Box<str>),
}
