//! Edits of the objects, drawn at random.

use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::NOON;
use super::naive::{Enforce, INHERIT, Key, KeyNumber, Objects, Opens, Own, Period, Qps};

const KEYS: usize = 5;
const SECRETS: usize = 6;
const STATUSES: &[&str] = &["active", "active", "waiting", "suspended", "revoked"];
const MEMBERS: &[&str] = &["active", "active", "waiting", "disabled"];
const PERIODS: &[Period] = &[Period::Minute, Period::Hour, Period::Day, Period::Month];
const OPENS: &[Opens] =
    &[Opens::Everything, Opens::OnlyB, Opens::Items, Opens::Read, Opens::ReadAndWrite];

/// One thing that an operator changes.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    Add(KeyNumber, Key),
    Remove(KeyNumber),
    Status(KeyNumber, &'static str),
    Secret(KeyNumber, usize),
    OwnQps(KeyNumber, Own<Qps>),
    OwnQuota(KeyNumber, Own<u64>),
    OwnConcurrency(KeyNumber, Option<u32>),
    Place(KeyNumber, usize, usize),
    Dates(KeyNumber, Option<u64>, Option<u64>),
    Inactive(usize, bool),
    PlanQps(usize, Option<Qps>),
    PlanQuota(usize, Option<u64>, Period),
    Overrides(usize, bool),
    PlanConcurrency(usize, Option<u32>),
    Opens(usize, Opens),
    MethodLimits(usize, Option<Qps>, Option<(u64, Period)>),
    Suspend(usize, bool),
    Member(usize, &'static str),
    Overall(usize, Option<Qps>),
    KeyEnforce(KeyNumber, Enforce<Option<bool>>),
    PlanEnforce(usize, Enforce<bool>, (bool, bool)),
    OverallEnforce(usize, bool),
}

impl Edit {
    /// Makes the change; of a key that is not there, none.
    pub(super) fn apply(&self, to: &mut Objects) {
        match self.clone() {
            Self::Add(number, key) => drop(to.keys.entry(number).or_insert(key)),
            Self::Remove(number) => drop(to.keys.remove(&number)),
            Self::Status(number, status) => change(to, number, |key| key.status = status),
            Self::Secret(number, secret) => change(to, number, |key| key.secret = secret),
            Self::OwnQps(number, qps) => change(to, number, |key| key.qps = qps),
            Self::OwnQuota(number, quota) => change(to, number, |key| key.quota = quota),
            Self::OwnConcurrency(number, ceiling) => {
                change(to, number, |key| key.concurrency = ceiling);
            }
            Self::Place(number, application, plan) => change(to, number, |key| {
                key.application = application;
                key.plan = plan;
            }),
            Self::Dates(number, not_before, expires) => change(to, number, |key| {
                key.not_before = not_before;
                key.expires = expires;
            }),
            Self::Inactive(plan, inactive) => to.plans[plan].inactive = inactive,
            Self::PlanQps(plan, qps) => to.plans[plan].qps = qps,
            Self::PlanQuota(plan, quota, period) => {
                to.plans[plan].quota = quota;
                to.plans[plan].period = period;
            }
            Self::Overrides(plan, allowed) => to.plans[plan].overrides = allowed,
            Self::PlanConcurrency(plan, ceiling) => to.plans[plan].concurrency = ceiling,
            Self::Opens(plan, opens) => to.plans[plan].opens = opens,
            Self::MethodLimits(plan, qps, quota) => {
                to.plans[plan].method_qps = qps;
                to.plans[plan].method_quota = quota;
            }
            Self::Suspend(application, suspended) => to.suspended[application] = suspended,
            Self::Member(member, status) => to.members[member] = status,
            Self::Overall(service, qps) => to.overall[service] = qps,
            Self::KeyEnforce(number, enforce) => change(to, number, |key| key.enforce = enforce),
            Self::PlanEnforce(plan, enforce, of_method) => {
                to.plans[plan].enforce = enforce;
                to.plans[plan].method_enforce = of_method;
            }
            Self::OverallEnforce(service, enforce) => to.overall_enforce[service] = enforce,
        }
    }
}

fn change(objects: &mut Objects, number: KeyNumber, change: impl FnOnce(&mut Key)) {
    if let Some(key) = objects.keys.get_mut(&number) {
        change(key);
    }
}

/// Any edit.
pub(super) fn edit() -> impl Strategy<Value = Edit> {
    let number = || 0..KEYS;
    let plan = || 0..3_usize;
    let of_keys = prop_oneof![
        // Mostly with the secret that it had before, so that what it has spent shows.
        4 => (number(), key()).prop_map(|(n, key)| Edit::Add(n, Key { secret: n, ..key })),
        1 => (number(), key(), 0..SECRETS).prop_map(|(n, key, secret)| Edit::Add(n, Key { secret, ..key })),
        4 => number().prop_map(Edit::Remove),
        2 => (number(), select(STATUSES)).prop_map(|(number, status)| Edit::Status(number, status)),
        2 => (number(), 0..SECRETS).prop_map(|(number, secret)| Edit::Secret(number, secret)),
        1 => (number(), own(qps())).prop_map(|(number, own)| Edit::OwnQps(number, own)),
        1 => (number(), own(0..8_u64)).prop_map(|(number, own)| Edit::OwnQuota(number, own)),
        1 => (number(), prop::option::of(0..4_u32)).prop_map(|(n, c)| Edit::OwnConcurrency(n, c)),
        2 => (number(), 0..2_usize, plan()).prop_map(|(n, a, p)| Edit::Place(n, a, p)),
        2 => (number(), enforce(prop::option::of(any::<bool>())))
            .prop_map(|(n, enforce)| Edit::KeyEnforce(n, enforce)),
        1 => (number(), instant(), instant()).prop_map(|(n, from, to)| Edit::Dates(n, from, to)),
    ];
    let of_plans = prop_oneof![
        (plan(), any::<bool>()).prop_map(|(plan, inactive)| Edit::Inactive(plan, inactive)),
        (plan(), prop::option::of(qps())).prop_map(|(plan, qps)| Edit::PlanQps(plan, qps)),
        (plan(), prop::option::of(0..8_u64), period())
            .prop_map(|(p, c, w)| Edit::PlanQuota(p, c, w)),
        (plan(), any::<bool>()).prop_map(|(plan, allowed)| Edit::Overrides(plan, allowed)),
        (plan(), prop::option::of(0..4_u32)).prop_map(|(p, c)| Edit::PlanConcurrency(p, c)),
        (plan(), select(OPENS)).prop_map(|(plan, opens)| Edit::Opens(plan, opens)),
        (plan(), prop::option::of(qps()), prop::option::of((0..5_u64, period())))
            .prop_map(|(plan, qps, quota)| Edit::MethodLimits(plan, qps, quota)),
        (plan(), enforce(any::<bool>()), any::<(bool, bool)>())
            .prop_map(|(plan, enforce, method)| Edit::PlanEnforce(plan, enforce, method)),
    ];
    let of_others = prop_oneof![
        (0..2_usize, any::<bool>()).prop_map(|(app, suspended)| Edit::Suspend(app, suspended)),
        (0..2_usize, select(MEMBERS)).prop_map(|(member, status)| Edit::Member(member, status)),
        (0..2_usize, prop::option::of(qps())).prop_map(|(s, qps)| Edit::Overall(s, qps)),
        (0..2_usize, any::<bool>()).prop_map(|(s, enforce)| Edit::OverallEnforce(s, enforce)),
    ];
    prop_oneof![4 => of_keys, 3 => of_plans, 1 => of_others]
}

fn key() -> impl Strategy<Value = Key> {
    (0..2_usize, 0..3_usize).prop_map(|(application, plan)| Key {
        secret: 0,
        application,
        plan,
        status: "active",
        qps: Own::Inherit,
        quota: Own::Inherit,
        concurrency: None,
        enforce: INHERIT,
        not_before: None,
        expires: None,
    })
}

fn qps() -> impl Strategy<Value = Qps> {
    (0..5_u32, 1..6_u32).prop_map(|(ceiling, burst)| Qps { ceiling, burst })
}

fn own<T: Clone + std::fmt::Debug>(
    ceiling: impl Strategy<Value = T>,
) -> impl Strategy<Value = Own<T>> {
    prop_oneof![
        1 => Just(()).prop_map(|()| Own::Inherit),
        1 => Just(()).prop_map(|()| Own::Exempt),
        3 => ceiling.prop_map(Own::Ceiling),
    ]
}

fn enforce<T: Clone + std::fmt::Debug>(
    of: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Enforce<T>> {
    (of.clone(), of.clone(), of.clone(), of).prop_map(|(terms, qps, quota, concurrency)| Enforce {
        terms,
        qps,
        quota,
        concurrency,
    })
}

fn period() -> impl Strategy<Value = Period> {
    select(PERIODS)
}

fn instant() -> impl Strategy<Value = Option<u64>> {
    prop::option::of((0..100_000_u64).prop_map(|after| NOON - 10_000 + after))
}
