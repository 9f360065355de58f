//! `[packages.*.plans.*.services.*]` and what stands below

use std::collections::BTreeMap;

use super::check::reference;
use super::{enforcement, limits, named};
use crate::document::Section;
use crate::document::kind::Name;
use crate::model::{
    Endpoint, EndpointGrant, Limit, MethodGrant, Plan, Quota, Service, ServiceGrant,
};

pub(super) fn service(
    name: &Name,
    section: &mut Section,
    services: &BTreeMap<Name, Service>,
    plan: &Plan,
) -> ServiceGrant {
    let service = reference::find_named(section, "no service", name, services);
    let opened =
        named(section, "endpoints", |name, section| endpoint(&name, section, service, plan));
    ServiceGrant { whole: opened.is_empty(), endpoints: opened }
}

/// Reads what a plan opens of an endpoint; `service` is `None` when there is no such service.
fn endpoint(
    name: &Name,
    section: &mut Section,
    service: Option<&Service>,
    plan: &Plan,
) -> EndpointGrant {
    let endpoint = service.and_then(|service| {
        let none = format_args!("service {} has no endpoint", service.name);
        // All endpoints of a service of a file are called in one way.
        let endpoints = service.fronts.first().map(|front| &front.endpoints)?;
        reference::find_named(section, none, name, endpoints)
    });
    let opened = named(section, "methods", |name, section| method(&name, section, endpoint, plan));
    let whole = opened.is_empty();
    EndpointGrant { whole, methods: opened, undefined_methods_allowed: false }
}

fn method(
    name: &Name,
    section: &mut Section,
    endpoint: Option<&Endpoint>,
    plan: &Plan,
) -> MethodGrant {
    if let Some(endpoint) = endpoint {
        let none = format_args!("endpoint {} has no method", endpoint.name);
        reference::find_named(section, none, name, &endpoint.methods);
    }
    let qps = limits::qps(section, "qps_limit_ceiling", "qps_limit_burst");
    if section.has("qps_limit_burst") && !section.has("qps_limit_ceiling") {
        section.problem("qps_limit_burst", "has no effect without qps_limit_ceiling");
    }
    if let (Some(own), Limit::Ceiling(plan)) = (qps, plan.qps)
        && own.ceiling > plan.ceiling
    {
        above(section, "qps_limit_ceiling", u64::from(plan.ceiling));
    }
    let quota = quota(section, plan);
    if let (Some(own), Limit::Ceiling(ceiling)) = (quota, plan.quota)
        && Some(own.period) == plan.period
        && own.ceiling > ceiling
    {
        above(section, "rate_limit_ceiling", ceiling);
    }
    MethodGrant {
        qps: qps.map(|qps| qps.resolve()),
        qps_enforce: enforcement::of(section, "qps_limit_enforce", "qps_limit_ceiling"),
        quota,
        quota_enforce: enforcement::of(section, "rate_limit_enforce", "rate_limit_ceiling"),
    }
}

fn quota(section: &mut Section, plan: &Plan) -> Option<Quota> {
    let ceiling = limits::quota(section);
    let period = limits::period(section);
    match (section.has("rate_limit_ceiling"), section.has("rate_limit_period")) {
        (false, true) => {
            section.problem("rate_limit_period", "has no effect without rate_limit_ceiling");
        }
        (true, false) if plan.period.is_none() => {
            section.missing(
                "rate_limit_period",
                "\"minute\", \"hour\", \"day\" or \"month\", as the plan has no period",
            );
        }
        _ => {}
    }
    let period = period.or(plan.period);
    ceiling.zip(period).map(|(ceiling, period)| Quota { ceiling, period })
}

fn above(section: &Section, field: &str, plan: u64) {
    let message = format_args!("has no effect above the plan's {field}, expected {plan} or less");
    section.problem(field, message);
}
