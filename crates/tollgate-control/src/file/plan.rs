//! `[packages.*.plans.*]`

use std::collections::BTreeMap;

use super::{enforcement, grant, limits, sources};
use crate::document::Section;
use crate::document::kind::{Choice, Name, Switch};
use crate::model::{Plan, PlanStatus, Service};

const STATUS: Choice<PlanStatus> = Choice::of(&[
    ("active", PlanStatus::Active),
    ("inactive", PlanStatus::Inactive),
])
.knowing(&[("enabled", "active"), ("disabled", "inactive"), ("suspended", "inactive")]);

pub(super) fn read(name: Name, section: &mut Section, services: &BTreeMap<Name, Service>) -> Plan {
    let qps = limits::plan_qps(section);
    let (quota, period) = limits::plan_quota(section);
    let mut plan = Plan {
        name,
        status: section.or("status", STATUS, PlanStatus::Active),
        qps,
        qps_limit_key_override_allowed: section.or("qps_limit_key_override_allowed", Switch, false),
        quota,
        period,
        rate_limit_key_override_allowed: section.or(
            "rate_limit_key_override_allowed",
            Switch,
            false,
        ),
        concurrency_ceiling: limits::concurrency(section),
        allowed_sources: sources::read(section),
        enforcement: enforcement::of_plan(section),
        services: BTreeMap::new(),
    };
    let opened = super::named(section, "services", |name, section| {
        grant::service(&name, section, services, &plan)
    });
    if opened.is_empty() && !section.has("services") {
        section
            .missing("services", "at least one table such as services.orders for the plan to open");
    }
    plan.services = opened;
    plan
}
