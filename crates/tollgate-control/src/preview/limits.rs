//! Limits that a change moves.

use tollgate_core::{
    Grant, Limit, MethodCeiling, MethodId, Methods, Period, Qps, Quota, Routes, Scope, Terms,
};

/// A limit that is another one after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LimitDifference {
    /// `qps`, `quota` or `concurrency`.
    pub(crate) limit: &'static str,
    /// The services that it is of; none = of all calls of the key.
    pub(crate) services: Vec<String>,
    /// The method that it is of, if it is one's own.
    pub(crate) method: Option<String>,
    pub(crate) before: LimitSeen,
    pub(crate) after: LimitSeen,
}

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitSeen {
    /// `None` = there is none.
    pub(crate) ceiling: Option<u64>,
    /// What a quota is counted over.
    pub(crate) period: Option<Period>,
    /// Whether calls over it are refused.
    pub(crate) enforced: bool,
}

/// What is different between the limits of two terms, of the services that both open.
pub(super) fn differences(before: &Terms, after: &Terms, routes: &Routes) -> Vec<LimitDifference> {
    let mut found: Vec<LimitDifference> = Vec::new();
    let mut add = |limit, service: Option<String>, method, [before, after]: [LimitSeen; 2]| {
        if before == after {
            return;
        }
        let new = LimitDifference { limit, services: Vec::new(), method, before, after };
        let same = |known: &&mut LimitDifference| {
            let services = Vec::new();
            LimitDifference { services, ..(**known).clone() } == new
        };
        match found.iter_mut().find(same) {
            Some(known) => known.services.extend(service),
            None => found.push(LimitDifference { services: service.into_iter().collect(), ..new }),
        }
    };
    let concurrency =
        [before, after].map(|terms| open(terms.concurrency, terms.concurrency_enforced));
    add("concurrency", None, None, concurrency);
    for grant in &after.grants {
        let Some(was) = before.grant(grant.service) else { continue };
        let service = || {
            let mut services = routes.services();
            services.find(|known| known.id == grant.service).map(|known| known.name.to_string())
        };
        let both = [was, grant];
        add("qps", service(), None, both.map(|grant| qps(grant.qps, grant.qps_enforced)));
        add("quota", service(), None, both.map(|grant| quota(grant.quota, grant.quota_enforced)));
        for own in methods(grant) {
            let name = routes.method_name(own.method).map(str::to_owned);
            let before = methods(was).find(|known| known.method == own.method);
            let before = before.unwrap_or(unlimited(own.method));
            let both = [before, own];
            let of_qps = both.map(|own| qps(own.qps, own.qps_enforced));
            add("qps", service(), name.clone(), of_qps);
            add("quota", service(), name, both.map(|own| quota(own.quota, own.quota_enforced)));
        }
    }
    found
}

fn methods(grant: &Grant) -> impl Iterator<Item = MethodCeiling> {
    let endpoints = match &grant.scope {
        Scope::Service => &[][..],
        Scope::Endpoints(endpoints) => endpoints,
    };
    let listed = endpoints.iter().flat_map(|endpoint| match &endpoint.methods {
        Methods::All => &[][..],
        Methods::Listed(methods) => methods,
    });
    listed.copied()
}

fn unlimited(method: MethodId) -> MethodCeiling {
    MethodCeiling {
        method,
        qps: Limit::Exempt,
        qps_enforced: true,
        quota: Limit::Exempt,
        quota_enforced: true,
        tag: tollgate_core::LineTag::KEY,
    }
}

fn qps(limit: Limit<Qps>, enforced: bool) -> LimitSeen {
    seen(limit, enforced, |qps| (qps.ceiling().get().into(), None))
}

fn quota(limit: Limit<Quota>, enforced: bool) -> LimitSeen {
    seen(limit, enforced, |quota| (quota.ceiling, Some(quota.period)))
}

fn open(limit: Limit<u32>, enforced: bool) -> LimitSeen {
    seen(limit, enforced, |ceiling| (ceiling.into(), None))
}

fn seen<T>(limit: Limit<T>, enforced: bool, of: impl Fn(T) -> (u64, Option<Period>)) -> LimitSeen {
    match limit {
        // What is not there is not enforced either way.
        Limit::Exempt => LimitSeen { ceiling: None, period: None, enforced: true },
        Limit::Closed => LimitSeen { ceiling: Some(0), period: None, enforced },
        Limit::Ceiling(limit) => {
            let (ceiling, period) = of(limit);
            LimitSeen { ceiling: Some(ceiling), period, enforced }
        }
    }
}
