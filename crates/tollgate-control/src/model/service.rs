//! Services, endpoints and methods: what there is to call.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_core::{
    CredentialPlace, ErrorDialect, Maintenance, Proof, ProofScheme, RateLimitHeaders,
    ReturnedHeaders,
};

use super::{AuthType, Name, Owner, Qps, Segment, Switches};

/// An API that is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What plans call it.
    pub name: Name,
    /// Who may change it.
    pub owner: Owner,
    /// For people.
    pub description: String,
    /// Queries per second over all keys; `None` = no ceiling.
    pub qps_limit_overall: Option<Qps>,
    /// Calls over [`Service::qps_limit_overall`] are refused.
    pub qps_limit_overall_enforce: bool,
    /// The ways in which its endpoints are called: one for all of them in a file, one for each in
    /// the store. An endpoint is called in one way.
    pub fronts: Vec<Front>,
}

/// How endpoints are called, and where their calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// The endpoint that it is for, where each endpoint has its own.
    pub part: Option<Name>,
    /// The hosts it answers for; none = every host.
    pub hosts: Vec<HostPattern>,
    /// Literal segments in front of every endpoint's path; none = `/`.
    pub path: Vec<Segment>,
    /// Where its requests go.
    pub upstream: Name,
    /// What stands in place of [`Front::path`] towards the upstream, begins with a slash and ends
    /// in none unless it is `/`; `None` = the path goes on as it came.
    pub upstream_path: Option<String>,
    /// Calls have to come over TLS.
    pub tls_required: bool,
    /// Where a key may stand, in the order of precedence; at least one place.
    pub credentials: Vec<CredentialPlace>,
    /// What callers have to prove beside their key; `None` = nothing.
    pub proof: Option<Proof>,
    /// Beside [`Front::proof`]: keys of the type `api_key` call without one.
    pub key_alone: bool,
    /// How many bytes a form may have in which a key may stand.
    pub form_body_limit: u64,
    /// How refusals are worded.
    pub error_dialect: ErrorDialect,
    /// Which fields of a Mashery traffic manager admitted callers see.
    pub returned_headers: ReturnedHeaders,
    /// Which fields tell a caller about its limits.
    pub rate_limit_headers: RateLimitHeaders,
    /// Tell callers unknown, suspended, revoked and expired keys apart.
    pub disclose_key_state: bool,
    /// What else it asks of a call.
    pub switches: Switches,
    /// What is called in this way; at least one endpoint.
    pub endpoints: BTreeMap<Name, Endpoint>,
}

impl Service {
    /// Its endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.fronts.iter().flat_map(|front| front.endpoints.values())
    }

    /// An endpoint of it.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.fronts.iter().find_map(|front| front.endpoints.get(name))
    }

    /// What is asked of the secrets of keys: them themselves, and signatures by them.
    pub(crate) fn asks(&self) -> (bool, bool) {
        let proofs = self.fronts.iter().filter_map(|front| front.proof.as_ref());
        let (secrets, signatures): (Vec<_>, Vec<_>) =
            proofs.partition(|proof| proof.scheme == ProofScheme::Secret);
        (!secrets.is_empty(), !signatures.is_empty())
    }

    /// How its calls are authenticated, of all its endpoints.
    pub fn auth_types(&self) -> BTreeSet<AuthType> {
        self.fronts.iter().flat_map(Front::auth_types).collect()
    }
}

impl Front {
    /// How its calls are authenticated; at least one.
    pub fn auth_types(&self) -> impl Iterator<Item = AuthType> {
        AuthType::taken(self.proof.is_some(), self.key_alone)
    }

    /// Whether a key or a proof may stand in a form.
    pub fn reads_forms(&self) -> bool {
        let proofs = self.proof.iter().flat_map(|proof| &proof.places);
        let mut places = self.credentials.iter().chain(proofs);
        places.any(|place| matches!(place, CredentialPlace::Form(_)))
    }

    /// The number of the segment in which its paths hold keys, if they do; at least the number of
    /// segments of [`Front::path`].
    pub fn key_segment(&self) -> Option<usize> {
        self.credentials.iter().find_map(|place| match place {
            CredentialPlace::PathSegment(number) => Some(*number),
            _ => None,
        })
    }
}

/// An endpoint that is there, and that no call leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unrouted {
    /// The service.
    pub service: Name,
    /// The endpoint.
    pub endpoint: Name,
    /// Why.
    pub why: String,
}

/// A part of a service that a plan can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What plans call it.
    pub name: Name,
    /// Below the path of its front.
    pub path: Vec<Segment>,
    /// The HTTP methods that it takes, those of its methods included; none = every one.
    pub http_methods: Vec<http::Method>,
    /// Calls that match none of the methods are calls of the endpoint.
    pub undefined_methods_allowed: bool,
    /// It has methods by which no call is known. A call that matches none of [`Endpoint::methods`]
    /// can be of them, and is open only to whom the whole endpoint is.
    pub has_unknown_methods: bool,
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

/// Calls that lead to one endpoint, or to a method of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched<'a> {
    /// The method; `None` = the endpoint, for what matches no method.
    pub method: Option<&'a Method>,
    /// Below the path of the front.
    pub path: Vec<Segment>,
    /// The HTTP methods; none = those that nothing else of the endpoint takes on this path.
    pub http_methods: Vec<http::Method>,
}

impl Endpoint {
    /// All calls that lead here, the endpoint's own first.
    pub fn matched(&self) -> Vec<Matched<'_>> {
        let mut matched = Vec::new();
        if self.methods.is_empty() || self.undefined_methods_allowed {
            // What the methods on the endpoint's own path take is theirs.
            let own = self.methods.values().filter(|method| method.path.is_empty());
            let taken: BTreeSet<_> =
                own.flat_map(|method| &method.http_methods).map(http::Method::as_str).collect();
            let free = self.http_methods.iter().filter(|verb| !taken.contains(verb.as_str()));
            let http_methods: Vec<_> = free.cloned().collect();
            if self.http_methods.is_empty() || !http_methods.is_empty() {
                matched.push(Matched { method: None, path: self.path.clone(), http_methods });
            }
        }
        for method in self.methods.values() {
            let takes = |verb: &&http::Method| {
                self.http_methods.is_empty() || self.http_methods.contains(verb)
            };
            let http_methods: Vec<_> = method.http_methods.iter().filter(takes).cloned().collect();
            if !http_methods.is_empty() {
                let path = self.path.iter().chain(&method.path).cloned().collect();
                matched.push(Matched { method: Some(method), path, http_methods });
            }
        }
        matched
    }
}

/// A host that a service answers for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// This one, in lower case, without a port.
    Name(Box<str>),
    /// Every host below this one: `*.example.com` holds `example.com`.
    Below(Box<str>),
}
