//! The pure heart of Tollgate: what a snapshot holds, what a meter counts, and what is decided
//! about one request.
//!
//! Nothing here performs I/O, knows a runtime or reads a clock: time is passed in as [`Now`], so
//! that every rule can be tested at any instant. A request's part of the road is [`Decider::decide`]; a key
//! change's part is [`SnapshotWriter::publish`].

mod certificate;
mod clock;
mod decision;
mod digest;
#[cfg(test)]
mod fixture;
mod handoff;
mod key_form;
mod key_id;
mod limits;
mod meters;
mod network;
mod owner;
mod path;
mod persistent;
mod proof;
mod record;
mod refusal;
mod routes;
mod service;
mod snapshot;
mod strangers;
mod switches;
mod table;
mod terms;
mod upstream;

pub use certificate::CertificateFingerprint;
pub use clock::{Clock, Now};
pub use decision::{
    Bearer, Call, CallKey, Caller, Decider, Decision, Digests, ExplainedKey, Explanation,
    GrantUsage, LimitState, Permit, Readings, Refused, Shadow, Usage, standing,
};
pub use digest::{Digest, Pepper, Scheme, Schemes};
pub use handoff::{
    Dead, Mailbox, Moves, Notice, SnapshotCache, SnapshotReader, SnapshotWriter, handoff,
};
pub use key_form::{Brand, GeneratedKey, weakness};
pub use key_id::{KeyId, KeyIdForm};
pub use limits::{Limit, LimitSource, MAX_QUOTA, Period, Qps, Quota, Reading, ReadingKind};
pub use meters::{
    Ask, Counts, KeyEvent, Line, LineState, LineTag, MeterEvent, MeterId, MeterNeeds, Meters,
    Unkept, Watch,
};
pub use network::{Network, Networks};
pub use owner::{Owner, OwnerId};
pub use path::{AmbiguousPath, normalize_path, stands_plain};
pub use persistent::Chunked;
pub use proof::{
    KeySecret, MAX_TOLERANCE, Presented, Proof, ProofFailure, ProofScheme, SignatureHash,
    Signatures, Wrapped,
};
pub use record::{Record, Status};
pub use refusal::{GrpcStatus, MasheryError, Refusal};
pub use routes::{
    HostPattern, KeyedPath, ListedKey, ListedRoute, Route, RouteError, Routes, RoutesBuilder,
    Segment,
};
pub use service::{
    BasicPart, CredentialPlace, EndpointId, ErrorDialect, FrontId, MethodId, RateLimitHeaders,
    ReturnedHeaders, Service, ServiceId,
};
pub use snapshot::{Batch, Change, Revision, Root};
pub use strangers::{Guesser, Source, StrangerBudget, StrangerCounts, Strangers, Swept};
pub use switches::{
    AllowedOrigins, Cors, MAX_KEY_LENGTH, Maintenance, OriginPattern, Switches, WebOrigin,
};
pub use table::{Keyed, Table};
pub use terms::{
    Authentication, EndpointGrant, Grant, MethodCeiling, Methods, Scope, Terms, TermsId,
};
pub use upstream::{
    Balance, CertificateFiles, ClientTls, Ejection, FixedResponse, HealthCheck, HostHeader,
    MinimumVersion, Pending, Retries, Server, ServerAddress, ServerTarget, ServerTls, StatusRange,
    Target, ToldField, ToldFields, Upstream, UpstreamHttp, UpstreamTimeouts,
};
