//! Plans out of documents, by the names that the v3 API has for their fields (domain.md §1.3).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::name;
use crate::directory::{number, period, switch, text};
use crate::model::{
    EndpointGrant, Enforcement, Limit, MethodGrant, Name, Period, Plan, PlanStatus, Qps, Quota,
    ServiceGrant,
};
use crate::store::Document;

/// A plan as its document says. A limit of which it says nothing lets nothing through: no plan is
/// unlimited by omission (design decision 7).
pub(super) fn of_document(document: &Document) -> Plan {
    let body = &document.body;
    let qps = |ceiling| Qps { ceiling, burst: ceiling };
    let own_period = text(body, "rateLimitPeriod").and_then(period);
    Plan {
        name: name(&document.id),
        status: match text(body, "status") {
            Some("inactive") => PlanStatus::Inactive,
            _ => PlanStatus::Active,
        },
        qps: match switch(body, "qpsLimitExempt") {
            true => Limit::Exempt,
            false => Limit::Ceiling(qps(number(body, "qpsLimitCeiling").unwrap_or(0))),
        },
        qps_limit_key_override_allowed: switch(body, "qpsLimitKeyOverrideAllowed"),
        quota: match switch(body, "rateLimitExempt") {
            true => Limit::Exempt,
            false => Limit::Ceiling(number(body, "rateLimitCeiling").unwrap_or(0)),
        },
        period: own_period,
        rate_limit_key_override_allowed: switch(body, "rateLimitKeyOverrideAllowed"),
        concurrency_ceiling: number(body, "concurrencyCeiling"),
        allowed_sources: Vec::new(),
        enforcement: Enforcement::default(),
        services: listed(body, "services", |service| ServiceGrant {
            whole: !lists(service, "endpoints"),
            endpoints: listed(service, "endpoints", |body| endpoint(body, own_period)),
        }),
    }
}

fn endpoint(body: &Map<String, Json>, of_plan: Option<Period>) -> EndpointGrant {
    let undefined = body.get("undefinedMethodsAllowed").and_then(Json::as_bool);
    EndpointGrant {
        whole: !lists(body, "methods") && undefined != Some(false),
        methods: listed(body, "methods", |body| method(body, of_plan)),
        undefined_methods_allowed: undefined == Some(true),
    }
}

/// Whether something is opened part by part, also where no part is left.
fn lists(body: &Map<String, Json>, field: &str) -> bool {
    body.get(field).is_some_and(|listed| !listed.is_null())
}

/// Limits of a method. A quota without a period counts over the plan's, or over the longest, which lets
/// through the fewest calls.
fn method(body: &Map<String, Json>, of_plan: Option<Period>) -> MethodGrant {
    let period = text(body, "rateLimitPeriod").and_then(period).or(of_plan);
    let period = period.unwrap_or(Period::Month);
    MethodGrant {
        qps: ceiling(body, "qpsLimitCeiling").map(|ceiling| Qps { ceiling, burst: ceiling }),
        qps_enforce: true,
        quota: ceiling(body, "rateLimitCeiling").map(|ceiling| Quota { ceiling, period }),
        quota_enforce: true,
    }
}

/// A ceiling, if there is one. What is there and cannot be read lets nothing through.
fn ceiling<T: TryFrom<u64> + Default>(body: &Map<String, Json>, field: &str) -> Option<T> {
    let given = body.get(field).filter(|given| !given.is_null());
    given.map(|_| number(body, field).unwrap_or_default())
}

/// The objects in a list, by their ids.
fn listed<T>(
    body: &Map<String, Json>,
    field: &str,
    read: impl Fn(&Map<String, Json>) -> T,
) -> BTreeMap<Name, T> {
    let list = body.get(field).and_then(Json::as_array).into_iter().flatten();
    let objects = list.filter_map(Json::as_object);
    objects.filter_map(|object| Some((name(text(object, "id")?), read(object)))).collect()
}
