//! Plans: what a key opens, and how much of it.

use std::collections::BTreeMap;

use super::{Enforcement, Key, Limit, Name, Network, Networks, Own, OwnQps, Period, Qps, Quota};

/// A plan of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What keys call it.
    pub name: Name,
    /// Keys of an inactive plan are refused.
    pub status: PlanStatus,
    /// Queries per second of each key.
    pub qps: Limit<Qps>,
    /// A key's own QPS limit replaces the plan's.
    pub qps_limit_key_override_allowed: bool,
    /// Calls per period of each key.
    pub quota: Limit<u64>,
    /// What the quota and quotas of keys count over. Always there beside a ceiling; without one it
    /// is what keys' own ceilings count over.
    pub period: Option<Period>,
    /// A key's own quota replaces the plan's.
    pub rate_limit_key_override_allowed: bool,
    /// Calls at once of each key; `None` = no ceiling.
    pub concurrency_ceiling: Option<u32>,
    /// Where calls may come from; none = from everywhere.
    pub allowed_sources: Vec<Network>,
    /// What is refused, and what is only counted.
    pub enforcement: Enforcement<bool>,
    /// The services it opens; at least one.
    pub services: BTreeMap<Name, ServiceGrant>,
}

/// Where a plan is in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanStatus {
    /// Its keys work.
    Active,
    /// All its keys are refused.
    Inactive,
}

/// What a plan opens of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceGrant {
    /// Every endpoint, and no more is said of any.
    pub whole: bool,
    /// Otherwise these endpoints.
    pub endpoints: BTreeMap<Name, EndpointGrant>,
}

/// What a plan opens of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointGrant {
    /// Every method, and calls that match none where the endpoint allows them; no more is said of any.
    pub whole: bool,
    /// Otherwise these methods.
    pub methods: BTreeMap<Name, MethodGrant>,
    /// Calls that match no method are open beside these.
    pub undefined_methods_allowed: bool,
}

/// Limits on a method, which hold in addition to the plan's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodGrant {
    /// Queries per second of each key.
    pub qps: Option<Qps>,
    /// Calls over [`MethodGrant::qps`] are refused, where the terms of the key are enforced.
    pub qps_enforce: bool,
    /// Calls per period of each key.
    pub quota: Option<Quota>,
    /// Calls over [`MethodGrant::quota`] are refused, where the terms of the key are enforced.
    pub quota_enforce: bool,
}

impl Plan {
    /// The QPS limit that holds for a key with this limit of its own (requirements, decision 1):
    /// absent inherits; where the plan allows overrides the key's own replaces the plan's, and
    /// exempt beats a ceiling; where it does not, the lower of the two holds, in ceiling and burst.
    /// A key's own ceiling without a burst has a burst as high as itself.
    pub fn effective_qps(&self, own: &Own<OwnQps>) -> Limit<Qps> {
        let own = match own {
            Own::Inherit => return self.qps,
            Own::Exempt => Limit::Exempt,
            Own::Ceiling(own) => Limit::Ceiling(own.resolve()),
        };
        match (self.qps_limit_key_override_allowed, own, self.qps) {
            (true, own, _) => own,
            (false, Limit::Ceiling(own), Limit::Ceiling(plan)) => Limit::Ceiling(Qps {
                ceiling: own.ceiling.min(plan.ceiling),
                burst: own.burst.min(plan.burst),
            }),
            (false, own, Limit::Exempt) => own,
            (false, Limit::Exempt, plan) => plan,
        }
    }

    /// The quota that holds for a key with this limit of its own, by the same rule.
    ///
    /// A plan without a period gives a key's own ceiling the longest one, which lets through the
    /// fewest calls; such a key is refused where it is written down.
    pub fn effective_quota(&self, own: &Own<u64>) -> Limit<Quota> {
        let period = self.period.unwrap_or(Period::Month);
        let quota = |ceiling| Quota { ceiling, period };
        let own = match own {
            Own::Inherit => return self.quota.map(quota),
            Own::Exempt => Limit::Exempt,
            Own::Ceiling(own) => Limit::Ceiling(*own),
        };
        let effective = match (self.rate_limit_key_override_allowed, own, self.quota) {
            (true, own, _) => own,
            (false, Limit::Ceiling(own), Limit::Ceiling(plan)) => Limit::Ceiling(own.min(plan)),
            (false, own, Limit::Exempt) => own,
            (false, Limit::Exempt, plan) => plan,
        };
        effective.map(quota)
    }

    /// How many calls at once a key may have: the lower of the plan's ceiling and its own, as no
    /// plan allows to override this one. `None` = no ceiling.
    pub fn effective_concurrency(&self, key: &Key) -> Option<u32> {
        match (self.concurrency_ceiling, key.concurrency_ceiling) {
            (Some(plan), Some(own)) => Some(plan.min(own)),
            (plan, own) => own.or(plan),
        }
    }

    /// Where calls of a key may come from: a key's own networks narrow the plan's, and never widen
    /// them. `None` = from everywhere.
    pub fn effective_sources(&self, own: &[Network]) -> Option<Networks> {
        let listed = |networks: &[Network]| (!networks.is_empty()).then(|| Networks::of(networks));
        match (listed(&self.allowed_sources), listed(own)) {
            (Some(plan), Some(own)) => Some(plan.and(&own)),
            (plan, own) => own.or(plan),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(qps: Limit<Qps>, quota: Limit<u64>, overrides: bool) -> Plan {
        Plan {
            name: Name::new("free").unwrap(),
            status: PlanStatus::Active,
            qps,
            qps_limit_key_override_allowed: overrides,
            quota,
            period: Some(Period::Day),
            rate_limit_key_override_allowed: overrides,
            concurrency_ceiling: None,
            allowed_sources: Vec::new(),
            enforcement: Enforcement::default(),
            services: BTreeMap::new(),
        }
    }

    fn qps(ceiling: u32, burst: u32) -> Limit<Qps> {
        Limit::Ceiling(Qps { ceiling, burst })
    }

    fn own(ceiling: u32, burst: Option<u32>) -> Own<OwnQps> {
        Own::Ceiling(OwnQps { ceiling, burst })
    }

    #[test]
    fn the_effective_qps_limit() {
        let ten = qps(10, 50);
        let exempt = Limit::Exempt;
        // Plan, overrides allowed, the key's own: what holds.
        let table = [
            (ten, true, Own::Inherit, ten),
            (ten, true, Own::Exempt, exempt),
            (ten, true, own(20, None), qps(20, 20)),
            (ten, true, own(20, Some(5)), qps(20, 5)),
            (ten, true, own(0, None), qps(0, 0)),
            (ten, false, Own::Inherit, ten),
            (ten, false, Own::Exempt, ten),
            (ten, false, own(20, None), qps(10, 20)),
            (ten, false, own(20, Some(99)), qps(10, 50)),
            (ten, false, own(5, None), qps(5, 5)),
            (ten, false, own(5, Some(99)), qps(5, 50)),
            (ten, false, own(0, None), qps(0, 0)),
            (exempt, true, Own::Inherit, exempt),
            (exempt, true, own(5, None), qps(5, 5)),
            (exempt, false, Own::Inherit, exempt),
            (exempt, false, Own::Exempt, exempt),
            (exempt, false, own(5, Some(7)), qps(5, 7)),
        ];
        for (limit, overrides, own, expected) in table {
            let plan = plan(limit, Limit::Exempt, overrides);
            let effective = plan.effective_qps(&own);
            assert_eq!(effective, expected, "{limit:?} {overrides} {own:?}");
        }
    }

    #[test]
    fn the_effective_quota() {
        let thousand = Limit::Ceiling(1000);
        let exempt = Limit::Exempt;
        let table = [
            (thousand, true, Own::Inherit, thousand),
            (thousand, true, Own::Exempt, exempt),
            (thousand, true, Own::Ceiling(2000), Limit::Ceiling(2000)),
            (thousand, true, Own::Ceiling(0), Limit::Ceiling(0)),
            (thousand, false, Own::Inherit, thousand),
            (thousand, false, Own::Exempt, thousand),
            (thousand, false, Own::Ceiling(2000), thousand),
            (thousand, false, Own::Ceiling(10), Limit::Ceiling(10)),
            (exempt, true, Own::Ceiling(10), Limit::Ceiling(10)),
            (exempt, false, Own::Inherit, exempt),
            (exempt, false, Own::Ceiling(10), Limit::Ceiling(10)),
        ];
        for (limit, overrides, own, expected) in table {
            let plan = plan(Limit::Exempt, limit, overrides);
            let expected = expected.map(|ceiling| Quota { ceiling, period: Period::Day });
            let effective = plan.effective_quota(&own);
            assert_eq!(effective, expected, "{limit:?} {overrides} {own:?}");
        }
    }

    #[test]
    fn a_quota_without_a_period_counts_over_the_longest() {
        let plan = Plan { period: None, ..plan(Limit::Exempt, Limit::Exempt, true) };
        let expected = Limit::Ceiling(Quota { ceiling: 5, period: Period::Month });
        assert_eq!(plan.effective_quota(&Own::Ceiling(5)), expected);
    }
}
