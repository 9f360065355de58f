//! What keys may call, and how often.

use std::net::Ipv4Addr;

use tollgate_core::{
    Authentication, Grant, Limit, LimitSource, LineTag, Network, Networks, Period, Qps, Quota,
    Scope, ServiceId, Terms, TermsId, Watch,
};

use super::Kind;
use super::services::{PLAIN, PROVEN, SPENT};

/// Plans of the keys that can be used.
const PLANS: u32 = 4;

/// Calls at once that no run comes to.
const BURST: u32 = 1_000_000_000;

/// The terms of a key.
pub(super) fn of(kind: Kind, number: u32) -> TermsId {
    TermsId(match kind {
        Kind::PlanInactive => PLANS,
        Kind::Bound => PLANS + 1,
        Kind::OverQps => PLANS + 2,
        Kind::OverQuota => PLANS + 3,
        Kind::OverConcurrency => PLANS + 4,
        _ => number / 7 % PLANS,
    })
}

/// All terms that many keys have.
pub(super) fn shared() -> Vec<(TermsId, Terms)> {
    let mut all: Vec<_> = (0..PLANS).map(|plan| limited(1_000 << plan, 1_000_000_000)).collect();
    let mut inactive = limited(1_000, 1_000_000_000);
    inactive.grants.iter_mut().for_each(|grant| grant.active = false);
    let mut bound = limited(1_000, 1_000_000_000);
    let elsewhere = Network::around(Ipv4Addr::new(192, 0, 2, 0).into(), 24).expect("a network");
    bound.grants.iter_mut().for_each(|g| g.sources = Some(Networks::of(&[elsewhere])));
    let mut one_at_once = limited(1_000, 1_000_000_000);
    one_at_once.grants.iter_mut().for_each(|grant| grant.qps = qps(1, 1));
    let mut one_open = limited(1_000, 1_000_000_000);
    one_open.concurrency = Limit::Ceiling(1);
    all.extend([inactive, bound, one_at_once, limited(1_000, 1), one_open]);
    (0..).map(TermsId).zip(all).collect()
}

/// Terms of so many calls a second, the burst of which is never used up, and so many a day.
pub(crate) fn limited(per_second: u32, per_day: u64) -> Terms {
    let grants = [PLAIN, PROVEN, SPENT].map(|route| Grant {
        service: ServiceId(route.front.0),
        package: "basic".into(),
        plan: "free".into(),
        active: true,
        sources: None,
        scope: Scope::Service,
        qps: qps(per_second, BURST),
        qps_source: LimitSource::Plan,
        qps_enforced: true,
        quota: Limit::Ceiling(Quota { ceiling: per_day, period: Period::Day }),
        quota_source: LimitSource::Plan,
        quota_enforced: true,
        tag: LineTag::KEY,
        watch: Watch::NOTHING,
    });
    Terms {
        grants: grants.into(),
        concurrency: Limit::Exempt,
        concurrency_enforced: true,
        enforced: true,
        client_certificates: Box::default(),
        authentication: Authentication::AsAsked,
    }
}

fn qps(ceiling: u32, burst: u32) -> Limit<Qps> {
    let not_0 = |number: u32| number.try_into().expect("not 0");
    Limit::Ceiling(Qps::new(not_0(ceiling), not_0(burst)))
}
