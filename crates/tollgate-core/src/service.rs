//! Services, as far as a request's road needs them.

use http::HeaderName;

use crate::{Limit, MeterId, Proof, ProofScheme, Qps, Switches};

/// Index of a service, as plans open it and metrics count it, stable over revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub u32);

/// Index of a way in which a service, or a part of it, is called. It stays with what it stands for
/// as long as that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrontId(pub u32);

/// Index of an endpoint among those of all services, stable over revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub u32);

/// Index of a method among those of all endpoints, stable over revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodId(pub u32);

/// An API that is protected, or a part of one that is called in a way of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its own index, by which routes lead to it.
    pub front: FrontId,
    /// The index of the service whose part it is. All parts share it, the name, [`Service::qps`]
    /// and [`Service::meter`].
    pub id: ServiceId,
    /// Its name.
    pub name: Box<str>,
    /// The upstream, as an index into [`Routes::upstream`](crate::Routes::upstream).
    pub upstream: u32,
    /// What stands in place of the service's path towards the upstream; `None` = the path itself.
    pub upstream_path: Option<Box<str>>,
    /// How long the service's own path is, in bytes without a final slash.
    pub path_length: usize,
    /// Whether calls have to come over TLS.
    pub tls_required: bool,
    /// Where a key may stand, in the order of precedence.
    pub credentials: Box<[CredentialPlace]>,
    /// What callers have to prove beside their key; `None` = nothing.
    pub proof: Option<Box<Proof>>,
    /// Beside [`Service::proof`]: keys that authenticate their calls alone need none.
    pub key_alone: bool,
    /// How many bytes a form may have in which a key or a proof may stand; `None` = neither stands in
    /// forms.
    pub form_body_limit: Option<u64>,
    /// QPS over all keys, counted on the meter beside it.
    pub qps: Limit<Qps>,
    /// Whether calls over [`Service::qps`] are refused.
    pub qps_enforced: bool,
    /// Where [`Service::qps`] counts.
    pub meter: MeterId,
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
}

impl Service {
    /// Whether its callers prove their keys with signatures that are accepted once.
    #[must_use]
    pub fn spends_signatures(&self) -> bool {
        let scheme = self.proof.as_ref().map(|proof| &proof.scheme);
        matches!(scheme, Some(ProofScheme::HmacSha256 { .. }))
    }

    /// Whether keys or proofs are looked for in the header field of this name.
    #[must_use]
    pub fn reads(&self, name: &HeaderName) -> bool {
        self.read_fields().any(|field| field == name)
    }

    /// The header fields in which keys or proofs are looked for, beside `Authorization` and `Cookie`.
    pub fn read_fields(&self) -> impl Iterator<Item = &HeaderName> {
        let proofs = self.proof.iter().flat_map(|proof| &proof.places);
        self.credentials.iter().chain(proofs).filter_map(|place| match place {
            CredentialPlace::Header(field) => Some(field),
            _ => None,
        })
    }
}

/// A place where a key may stand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CredentialPlace {
    /// A header field of this name.
    Header(HeaderName),
    /// `Authorization` with this scheme, compared without case.
    Authorization(Box<str>),
    /// `Authorization` with the scheme Basic (RFC 7617): the key is one part of it, the other means
    /// nothing.
    Basic(BasicPart),
    /// A cookie of this name (RFC 6265).
    Cookie(Box<str>),
    /// A parameter of the query, compared after percent-decoding.
    Query(Box<str>),
    /// A parameter of a body of the type `application/x-www-form-urlencoded`, compared after
    /// percent-decoding.
    Form(Box<str>),
    /// The segment of the path with this number, counted from 0. It is taken out before the path
    /// is matched.
    PathSegment(usize),
}

/// A part of a Basic credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BasicPart {
    /// What stands before the first colon.
    User,
    /// What stands behind it.
    Password,
}

/// Fields by which a Mashery traffic manager introduces itself to admitted callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReturnedHeaders {
    /// `X-Mashery-Message-ID`: the id of the request.
    pub message_id: bool,
    /// `X-Mashery-Responder`: who answers, if the process has a name.
    pub responder: bool,
}

/// How refusals are worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorDialect {
    /// Problem details, RFC 9457.
    Problem,
    /// As a Mashery traffic manager words them.
    Mashery,
}

/// Which fields tell a caller about its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitHeaders {
    /// `RateLimit` and `RateLimit-Policy`, draft-ietf-httpapi-ratelimit-headers-11.
    Draft11,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` in seconds, of the limit that is nearest.
    XRateLimit,
    /// `X-Plan-QPS-Allotted` and the like, as a Mashery traffic manager has them.
    Mashery,
    /// None.
    None,
}
