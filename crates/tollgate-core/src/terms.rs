//! What a key may call, and how often.

use std::sync::Arc;

use crate::{
    CertificateFingerprint, EndpointId, Limit, LimitSource, LineTag, MethodId, Networks, Qps,
    Quota, Refusal, Route, Service, ServiceId, Watch,
};

/// Index of [`Terms`] in a snapshot. It names the pair of a plan and the overrides of a key, so
/// that a changed plan changes one entry however many keys have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TermsId(pub u32);

/// The terms of a key: one grant for each service that it may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// One grant a service, sorted by [`Grant::service`].
    pub grants: Box<[Grant]>,
    /// Requests that a key may have open at a time.
    pub concurrency: Limit<u32>,
    /// How the key authenticates its calls.
    pub authentication: Authentication,
    /// The client certificates that the key works with; none = it is bound to none.
    pub client_certificates: Box<[CertificateFingerprint]>,
    /// Whether calls over [`Terms::concurrency`] are refused.
    pub concurrency_enforced: bool,
    /// Whether calls that the terms do not open are refused. Where they are not, no limit of the
    /// terms is enforced either.
    pub enforced: bool,
}

/// How a key authenticates its calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// As each service asks: with a proof wherever one is asked for.
    #[default]
    AsAsked,
    /// By itself alone. A service that takes no such calls is not open.
    Key,
    /// With a proof. A service that asks for none is not open.
    KeyAndSecret,
}

/// What a plan opens of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The service.
    pub service: ServiceId,
    /// The package, as upstreams see it.
    pub package: Arc<str>,
    /// The plan, as upstreams see it.
    pub plan: Arc<str>,
    /// Whether the plan is active.
    pub active: bool,
    /// Where calls may come from; `None` = from everywhere.
    pub sources: Option<Networks>,
    /// What is open.
    pub scope: Scope,
    /// Queries per second of the key under this plan.
    pub qps: Limit<Qps>,
    /// Whose [`Grant::qps`] is.
    pub qps_source: LimitSource,
    /// Whether calls over [`Grant::qps`] are refused.
    pub qps_enforced: bool,
    /// Quota of the key under this plan.
    pub quota: Limit<Quota>,
    /// Whose [`Grant::quota`] is.
    pub quota_source: LimitSource,
    /// Whether calls over [`Grant::quota`] are refused.
    pub quota_enforced: bool,
    /// The line that counts both.
    pub tag: LineTag,
    /// What is told of it.
    pub watch: Watch,
}

/// What is open of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every endpoint.
    Service,
    /// These, sorted by [`EndpointGrant::endpoint`].
    Endpoints(Box<[EndpointGrant]>),
}

/// What is open of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointGrant {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its open methods.
    pub methods: Methods,
    /// Where methods are listed: calls that match none of the endpoint's are open too.
    pub undefined: bool,
}

/// Which methods of an endpoint are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Every one, and calls that match none where the endpoint allows them.
    All,
    /// These, sorted by [`MethodCeiling::method`].
    Listed(Box<[MethodCeiling]>),
}

/// An open method, with ceilings that are checked in addition to the plan's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodCeiling {
    /// The method.
    pub method: MethodId,
    /// Queries per second of a key on this method.
    pub qps: Limit<Qps>,
    /// Whether calls over [`MethodCeiling::qps`] are refused.
    pub qps_enforced: bool,
    /// Quota of a key on this method.
    pub quota: Limit<Quota>,
    /// Whether calls over [`MethodCeiling::quota`] are refused.
    pub quota_enforced: bool,
    /// The line that counts both.
    pub tag: LineTag,
}

impl Terms {
    /// The grant for a service.
    #[must_use]
    pub fn grant(&self, service: ServiceId) -> Option<&Grant> {
        let at = self.grants.binary_search_by_key(&service, |grant| grant.service).ok()?;
        self.grants.get(at)
    }

    /// Holds the certificate that a caller has presented against those that the key is bound to.
    ///
    /// # Errors
    /// [`Refusal::ProofMissing`] and [`Refusal::ProofInvalid`].
    pub fn check_certificate(
        &self,
        presented: Option<&CertificateFingerprint>,
    ) -> Result<(), Refusal> {
        match presented {
            _ if self.client_certificates.is_empty() => Ok(()),
            None => Err(Refusal::ProofMissing),
            Some(presented) if self.client_certificates.contains(presented) => Ok(()),
            Some(_) => Err(Refusal::ProofInvalid),
        }
    }

    /// Whether there are plans behind the terms and every one is switched off.
    #[must_use]
    pub fn inactive(&self) -> bool {
        !self.grants.is_empty() && self.grants.iter().all(|grant| !grant.active)
    }

    /// The lines that a meter needs under these terms.
    pub fn tags(&self) -> impl Iterator<Item = LineTag> {
        self.grants.iter().flat_map(|grant| {
            let endpoints = match &grant.scope {
                Scope::Service => &[][..],
                Scope::Endpoints(endpoints) => endpoints,
            };
            let methods = endpoints.iter().flat_map(|endpoint| match &endpoint.methods {
                Methods::All => &[][..],
                Methods::Listed(methods) => methods,
            });
            let limited = methods.filter(|method| method.limited());
            std::iter::once(grant.tag).chain(limited.map(|method| method.tag))
        })
    }
}

impl Authentication {
    /// Whether calls of `service` have to prove something beside the key.
    ///
    /// # Errors
    /// [`Refusal::NotEntitled`] where the service takes no calls that are authenticated so.
    pub fn proves(self, service: &Service) -> Result<bool, Refusal> {
        match (self, &service.proof) {
            (Self::Key, Some(_)) if !service.key_alone => Err(Refusal::NotEntitled),
            (Self::KeyAndSecret, None) => Err(Refusal::NotEntitled),
            (Self::Key, _) => Ok(false),
            (Self::AsAsked | Self::KeyAndSecret, proof) => Ok(proof.is_some()),
        }
    }
}

impl Grant {
    /// Whether the grant opens what `route` leads to, and with which ceiling of its own.
    #[must_use]
    pub fn opens(&self, route: &Route) -> Option<Option<&MethodCeiling>> {
        let Scope::Endpoints(endpoints) = &self.scope else { return Some(None) };
        let at = endpoints.binary_search_by_key(&route.endpoint, |grant| grant.endpoint).ok()?;
        let granted = endpoints.get(at)?;
        match &granted.methods {
            Methods::All => Some(None),
            Methods::Listed(methods) => {
                let Some(called) = route.method else { return granted.undefined.then_some(None) };
                let at = methods.binary_search_by_key(&called, |ceiling| ceiling.method).ok()?;
                methods.get(at).map(Some)
            }
        }
    }
}

impl MethodCeiling {
    /// Whether either ceiling is one.
    #[must_use]
    pub fn limited(&self) -> bool {
        self.qps != Limit::Exempt || self.quota != Limit::Exempt
    }
}
