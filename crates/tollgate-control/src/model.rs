//! The domain model: what an operator manages, with the meaning that it has.
//!
//! Plain values, whatever source they come from. Maps are by name, so that a reference is a name
//! and an order never depends on the source.

mod application;
mod auth_type;
mod digest;
mod enforcement;
mod key;
mod limit;
mod member;
mod owner;
mod package;
mod path;
mod plan;
mod service;
mod switches;
mod upstream;

use std::collections::BTreeMap;

use tollgate_core::Schemes;

pub use self::application::{Application, ApplicationStatus};
pub use self::auth_type::AuthType;
pub use self::digest::{DigestLiteral, DigestSchemes, Pepper, Scheme, SchemeSettings};
pub use self::enforcement::Enforcement;
pub use self::key::{Bought, Key, KeyStatus};
pub use self::limit::{Limit, MAX_QPS, Own, OwnQps, Qps, Quota};
pub use self::member::{Member, MemberStatus};
pub use self::owner::Owner;
pub use self::package::{Notified, Notify, NotifyPeriod, Package};
pub use self::path::{Segment, literal_misfit};
pub use self::plan::{EndpointGrant, MethodGrant, Plan, PlanStatus, ServiceGrant};
pub use self::service::{Endpoint, Front, HostPattern, Matched, Method, Service, Unrouted};
pub(crate) use self::switches::NO_API_KEY;
pub use self::switches::{Keyless, Switches};
pub use self::upstream::{Address, Server, ServerTarget, Target, Upstream};
// Where model and core mean the same, it is the same type.
pub use crate::document::kind::Name;
pub use tollgate_core::{
    AllowedOrigins, BasicPart, Brand, Cors, CredentialPlace, ErrorDialect, FixedResponse,
    HostHeader, MAX_KEY_LENGTH, MAX_QUOTA, MAX_TOLERANCE, Maintenance, Network, Networks,
    OriginPattern, Period, Proof, ProofScheme, RateLimitHeaders, ReturnedHeaders, SignatureHash,
    Wrapped,
};

/// What keys are valid for, such as `production` or `sandbox`. A proxy serves one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment(pub Name);

/// All objects of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objects {
    /// What the keys are valid for.
    pub environment: Environment,
    /// What generated keys begin with; `None` = nothing that the proxy would know.
    pub key_brand: Option<Brand>,
    /// How keys become digests.
    pub digests: DigestSchemes,
    /// Where admitted requests go.
    pub upstreams: BTreeMap<Name, Upstream>,
    /// The APIs that are protected.
    pub services: BTreeMap<Name, Service>,
    /// Endpoints of them, or of services that have no others, that no call leads to.
    pub unrouted: Vec<Unrouted>,
    /// What access is sold as.
    pub packages: BTreeMap<Name, Package>,
    /// The people who own applications.
    pub members: BTreeMap<Name, Member>,
    /// The programs that call.
    pub applications: BTreeMap<Name, Application>,
    /// What they call with, by the key's name.
    pub keys: BTreeMap<Name, Key>,
}

impl Objects {
    /// The plan that was bought.
    #[must_use]
    pub fn plan(&self, bought: &Bought) -> Option<&Plan> {
        self.packages.get(&bought.package)?.plans.get(&bought.plan)
    }

    /// Whether services ask for the same of the secrets of keys as those of `other`, of which the
    /// plans are the same.
    pub(crate) fn asks_the_same_secrets(&self, other: &Self) -> bool {
        let plans = self.packages.values().flat_map(|package| package.plans.values());
        let mut opened = plans.flat_map(|plan| plan.services.keys());
        opened.all(|name| {
            let asks = |objects: &Self| objects.services.get(name).map(Service::asks);
            asks(self).unwrap_or_default() == asks(other).unwrap_or_default()
        })
    }

    /// How keys become digests, as it is done; `None` if a pepper cannot be used.
    pub fn schemes(&self) -> Option<Schemes> {
        let DigestSchemes { current, previous } = &self.digests;
        let previous = match previous {
            Some(previous) => Some(previous.compile()?),
            None => None,
        };
        Some(Schemes { current: current.compile()?, previous, brand: self.key_brand.clone() })
    }
}
