//! What a reader of the requirements would keep on paper: objects, and what each key has spent.
//! It shares no code with what it is held against.

mod counters;
mod toml;

pub(super) use counters::{Counters, Verdict};

use std::collections::BTreeMap;

/// A key is known by its number; number 0 has a name that is too long for a record.
pub(super) type KeyNumber = usize;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Objects {
    pub(super) keys: BTreeMap<KeyNumber, Key>,
    pub(super) plans: [Plan; 3],
    /// Application n belongs to member n.
    pub(super) suspended: [bool; 2],
    pub(super) members: [&'static str; 2],
    /// QPS over all keys, of services `a` and `b`.
    pub(super) overall: [Option<Qps>; 2],
    pub(super) overall_enforce: [bool; 2],
}

/// What is enforced of terms; of a key `None` = as its plan says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Enforce<T> {
    pub(super) terms: T,
    pub(super) qps: T,
    pub(super) quota: T,
    pub(super) concurrency: T,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    /// Which of the secrets it is.
    pub(super) secret: usize,
    pub(super) application: usize,
    pub(super) plan: usize,
    pub(super) status: &'static str,
    pub(super) qps: Own<Qps>,
    pub(super) quota: Own<u64>,
    pub(super) concurrency: Option<u32>,
    pub(super) enforce: Enforce<Option<bool>>,
    pub(super) not_before: Option<u64>,
    pub(super) expires: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) inactive: bool,
    /// `None` = exempt, of both.
    pub(super) qps: Option<Qps>,
    pub(super) quota: Option<u64>,
    pub(super) period: Period,
    pub(super) overrides: bool,
    pub(super) concurrency: Option<u32>,
    pub(super) enforce: Enforce<bool>,
    pub(super) opens: Opens,
    /// Of method `read`, where the plan names it.
    pub(super) method_qps: Option<Qps>,
    pub(super) method_quota: Option<(u64, Period)>,
    /// Of these two.
    pub(super) method_enforce: (bool, bool),
}

/// What a plan opens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Opens {
    Everything,
    OnlyB,
    /// Of service `a` the endpoint `items`.
    Items,
    /// Of that the method `read`.
    Read,
    ReadAndWrite,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Qps {
    pub(super) ceiling: u32,
    pub(super) burst: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Own<T> {
    Inherit,
    Exempt,
    Ceiling(T),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Period {
    Minute,
    Hour,
    Day,
    Month,
}

/// What can be called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Call {
    /// Method `read` of endpoint `items` of service `a`.
    Read,
    Write,
    /// No method of `items`, which the endpoint allows.
    Undefined,
    /// Endpoint `other` of service `a`.
    Other,
    /// Service `b`.
    B,
}

impl Call {
    pub(super) const ALL: [Self; 5] =
        [Self::Read, Self::Write, Self::Undefined, Self::Other, Self::B];
}

/// A key that says nothing of itself.
pub(super) const INHERIT: Enforce<Option<bool>> =
    Enforce { terms: None, qps: None, quota: None, concurrency: None };

pub(super) fn secret(number: usize) -> String {
    format!("secret-{number}")
}

impl Default for Objects {
    fn default() -> Self {
        let plan = Plan {
            inactive: false,
            qps: None,
            quota: Some(5),
            period: Period::Hour,
            overrides: true,
            concurrency: None,
            enforce: Enforce { terms: true, qps: true, quota: true, concurrency: true },
            opens: Opens::Everything,
            method_qps: None,
            method_quota: None,
            method_enforce: (true, true),
        };
        let key = Key {
            secret: 0,
            application: 0,
            plan: 0,
            status: "active",
            qps: Own::Inherit,
            quota: Own::Inherit,
            concurrency: None,
            enforce: INHERIT,
            not_before: None,
            expires: None,
        };
        Self {
            keys: (0..3).map(|n| (n, Key { secret: n, plan: n, ..key.clone() })).collect(),
            plans: [
                plan.clone(),
                Plan {
                    opens: Opens::ReadAndWrite,
                    method_quota: Some((2, Period::Day)),
                    ..plan.clone()
                },
                Plan { opens: Opens::Read, method_qps: Some(Qps { ceiling: 1, burst: 2 }), ..plan },
            ],
            suspended: [false; 2],
            members: ["active"; 2],
            overall: [None; 2],
            overall_enforce: [true; 2],
        }
    }
}
