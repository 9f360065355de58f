//! A plan and the overrides of a key into terms.

use std::num::NonZeroU32;

use tollgate_core::{
    Authentication, CertificateFingerprint, Counts, EndpointGrant, EndpointId, Grant, Limit,
    LimitSource, LineTag, MethodCeiling, MethodId, Methods, Qps, Quota, Scope, ServiceId, Terms,
    Watch,
};

use super::Numbers;
use crate::model::{
    self, AuthType, Bought, Enforcement, Key, Name, Network, Notify, Objects, Own, OwnQps, Plan,
    PlanStatus,
};

/// What terms are of: keys that agree in it share them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TermsKey {
    bought: Vec<Bought>,
    qps: Own<OwnQps>,
    quota: Own<u64>,
    concurrency: Option<u32>,
    sources: Vec<Network>,
    enforcement: Enforcement<Option<bool>>,
    client_certificates: Vec<CertificateFingerprint>,
    auth_type: Option<AuthType>,
}

impl TermsKey {
    pub(crate) fn of(key: &Key) -> Self {
        Self {
            bought: key.bought.clone(),
            qps: key.qps,
            quota: key.quota,
            concurrency: key.concurrency_ceiling,
            sources: key.allowed_sources.clone(),
            enforcement: key.enforcement,
            client_certificates: key.client_certificates.clone(),
            auth_type: key.auth_type,
        }
    }
}

pub(super) fn compile(
    objects: &Objects,
    key: &Key,
    plans: &[(&Bought, &Plan)],
    numbers: &mut Numbers,
) -> Terms {
    let mut grants = Vec::new();
    for (bought, plan) in plans {
        let opened = plan.services.iter();
        let opened =
            opened.filter(|(name, _)| bought.service.as_ref().is_none_or(|own| own == *name));
        for (service, opens) in opened {
            grants.push(grant(objects, key, (bought, plan), (service, opens), numbers));
        }
    }
    // Stable, so that of two grants of a service the one that was bought first stays.
    grants.sort_by_key(|grant| grant.service);
    grants.dedup_by_key(|grant| grant.service);
    let enforced = plans.iter().map(|(_, plan)| plan.enforcement.effective(&key.enforcement));
    let ceilings = plans.iter().filter_map(|(_, plan)| plan.effective_concurrency(key));
    let concurrency = match ceilings.min() {
        None => Limit::Exempt,
        Some(0) => Limit::Closed,
        Some(ceiling) => Limit::Ceiling(ceiling),
    };
    Terms {
        grants: grants.into(),
        concurrency,
        // What one plan refuses another does not let pass.
        concurrency_enforced: plans.is_empty()
            || enforced.clone().any(|enforced| enforced.concurrency),
        enforced: plans.is_empty() || enforced.clone().any(|enforced| enforced.terms),
        client_certificates: key.client_certificates.clone().into(),
        authentication: match key.auth_type {
            None => Authentication::AsAsked,
            Some(AuthType::ApiKey) => Authentication::Key,
            Some(AuthType::ApiKeyAndSecret) => Authentication::KeyAndSecret,
        },
    }
}

fn grant(
    objects: &Objects,
    key: &Key,
    (bought, plan): (&Bought, &Plan),
    (service, opens): (&Name, &model::ServiceGrant),
    numbers: &mut Numbers,
) -> Grant {
    let enforced = plan.enforcement.effective(&key.enforcement);
    let id = ServiceId(numbers.services.number(service));
    Grant {
        service: id,
        package: bought.package.as_str().into(),
        plan: bought.plan.as_str().into(),
        active: plan.status == PlanStatus::Active,
        sources: plan.effective_sources(&key.allowed_sources),
        scope: scope(service, opens, enforced.terms, numbers),
        qps: qps(plan.effective_qps(&key.qps)),
        qps_source: qps_source(plan, &key.qps),
        qps_enforced: enforced.qps,
        quota: quota(plan.effective_quota(&key.quota)),
        quota_source: quota_source(plan, &key.quota),
        quota_enforced: enforced.quota,
        tag: match bought.service {
            None => LineTag::KEY,
            Some(_) => Counts::Grant(id).tag(),
        },
        watch: watch(objects, bought, plan.effective_quota(&key.quota)),
    }
}

/// What is told of a grant: whatever anybody is told of its package.
fn watch(objects: &Objects, bought: &Bought, quota: model::Limit<model::Quota>) -> Watch {
    let package = objects.packages.get(bought.package.as_str());
    let notify = package.map_or(Notify::NOTHING, |package| package.notify);
    let Notify { near_quota_threshold, developer, admin } = notify;
    let near_quota = match quota {
        model::Limit::Ceiling(quota) if developer.near_quota || admin.near_quota => {
            (quota.ceiling * u64::from(near_quota_threshold)).div_ceil(100).max(1)
        }
        _ => u64::MAX,
    };
    Watch {
        near_quota,
        over_quota: developer.over_quota || admin.over_quota,
        over_throttle: developer.over_throttle || admin.over_throttle,
    }
}

/// A key's own ceiling is the one in force where it replaces the plan's, and where it lowers it.
fn qps_source(plan: &Plan, own: &Own<OwnQps>) -> LimitSource {
    let lowers = || plan.effective_qps(own) != plan.effective_qps(&Own::Inherit);
    source(matches!(own, Own::Ceiling(_)), plan.qps_limit_key_override_allowed, lowers)
}

fn quota_source(plan: &Plan, own: &Own<u64>) -> LimitSource {
    let lowers = || plan.effective_quota(own) != plan.effective_quota(&Own::Inherit);
    source(matches!(own, Own::Ceiling(_)), plan.rate_limit_key_override_allowed, lowers)
}

fn source(has_own: bool, replaces: bool, lowers: impl Fn() -> bool) -> LimitSource {
    if has_own && (replaces || lowers()) { LimitSource::Key } else { LimitSource::Plan }
}

fn scope(
    service: &Name,
    grant: &model::ServiceGrant,
    enforced: bool,
    numbers: &mut Numbers,
) -> Scope {
    if grant.whole {
        return Scope::Service;
    }
    let mut endpoints: Vec<_> = grant
        .endpoints
        .iter()
        .map(|(name, grant)| EndpointGrant {
            endpoint: EndpointId(numbers.endpoints.number(&(service.clone(), name.clone()))),
            methods: methods(service, name, grant, enforced, numbers),
            undefined: grant.undefined_methods_allowed,
        })
        .collect();
    endpoints.sort_by_key(|grant| grant.endpoint);
    Scope::Endpoints(endpoints.into())
}

fn methods(
    service: &Name,
    endpoint: &Name,
    grant: &model::EndpointGrant,
    enforced: bool,
    numbers: &mut Numbers,
) -> Methods {
    if grant.whole {
        return Methods::All;
    }
    let listed = grant.methods.iter().map(|(name, grant)| {
        let name = (service.clone(), endpoint.clone(), name.clone());
        let method = MethodId(numbers.methods.number(&name));
        MethodCeiling {
            method,
            qps: grant.qps.map_or(Limit::Exempt, |ceiling| qps(model::Limit::Ceiling(ceiling))),
            qps_enforced: enforced && grant.qps_enforce,
            quota: grant.quota.map_or(Limit::Exempt, |limit| quota(model::Limit::Ceiling(limit))),
            quota_enforced: enforced && grant.quota_enforce,
            tag: Counts::Method(method).tag(),
        }
    });
    let mut listed: Vec<_> = listed.collect();
    listed.sort_by_key(|ceiling| ceiling.method);
    Methods::Listed(listed.into())
}

/// A QPS limit of the model as the core enforces it.
pub(super) fn qps(limit: model::Limit<model::Qps>) -> Limit<Qps> {
    match limit {
        model::Limit::Exempt => Limit::Exempt,
        model::Limit::Ceiling(qps) => {
            let parts = NonZeroU32::new(qps.ceiling).zip(NonZeroU32::new(qps.burst));
            parts.map_or(Limit::Closed, |(ceiling, burst)| Limit::Ceiling(Qps::new(ceiling, burst)))
        }
    }
}

fn quota(limit: model::Limit<model::Quota>) -> Limit<Quota> {
    match limit {
        model::Limit::Exempt => Limit::Exempt,
        model::Limit::Ceiling(model::Quota { ceiling: 0, .. }) => Limit::Closed,
        model::Limit::Ceiling(model::Quota { ceiling, period }) => {
            Limit::Ceiling(Quota { ceiling, period })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Period;

    fn plan(overrides: bool) -> Plan {
        Plan {
            name: Name::new("free").unwrap(),
            status: PlanStatus::Active,
            qps: model::Limit::Ceiling(model::Qps { ceiling: 10, burst: 10 }),
            qps_limit_key_override_allowed: overrides,
            quota: model::Limit::Ceiling(100),
            period: Some(Period::Day),
            rate_limit_key_override_allowed: overrides,
            concurrency_ceiling: None,
            allowed_sources: Vec::new(),
            enforcement: Enforcement::default(),
            services: BTreeMap::new(),
        }
    }

    #[test]
    fn a_ceiling_is_the_keys_where_it_replaces_or_lowers_the_plans() {
        use LimitSource as L;
        for (overrides, own, expected) in [
            (true, Own::Inherit, L::Plan),
            (true, Own::Exempt, L::Plan),
            (true, Own::Ceiling(20), L::Key),
            (true, Own::Ceiling(5), L::Key),
            (false, Own::Inherit, L::Plan),
            (false, Own::Exempt, L::Plan),
            (false, Own::Ceiling(200), L::Plan),
            (false, Own::Ceiling(5), L::Key),
        ] {
            let plan = plan(overrides);
            assert_eq!(quota_source(&plan, &own), expected, "{overrides} {own:?}");
            let own = match own {
                Own::Inherit => Own::Inherit,
                Own::Exempt => Own::Exempt,
                Own::Ceiling(ceiling) => {
                    Own::Ceiling(OwnQps { ceiling: ceiling.try_into().unwrap(), burst: None })
                }
            };
            assert_eq!(qps_source(&plan, &own), expected, "{overrides} {own:?}");
        }
    }
}
