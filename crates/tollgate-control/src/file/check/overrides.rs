//! A key's own limits against those of its plan: each has to have an effect.

use crate::document::Section;
use crate::model::{Key, Limit, Own, Plan};

/// Reports every limit of the key's own that the plan makes void.
pub(in crate::file) fn check(section: &Section, key: &Key, plan: &Plan) {
    check_qps(section, key, plan);
    check_quota(section, key, plan);
    if let (Some(own), Some(plan)) = (key.concurrency_ceiling, plan.concurrency_ceiling)
        && own > plan
    {
        let message = format_args!("has no effect above the plan's, expected {plan} or less");
        section.problem("concurrency_ceiling", message);
    }
    if plan.effective_sources(&key.allowed_sources).is_some_and(|sources| sources.is_empty()) {
        let message = "has no address in common with the plan's, so the key would never work";
        section.problem("allowed_sources", message);
    }
}

fn check_qps(section: &Section, key: &Key, plan: &Plan) {
    if plan.qps_limit_key_override_allowed {
        return;
    }
    match (key.qps, plan.qps) {
        (Own::Exempt, _) => exempt(section, "qps_limit_exempt", "qps_limit_key_override_allowed"),
        (Own::Ceiling(own), Limit::Ceiling(plan)) if own.ceiling > plan.ceiling => {
            let ceiling = u64::from(plan.ceiling);
            above(section, "qps_limit_ceiling", "qps_limit_key_override_allowed", ceiling);
        }
        _ => {}
    }
}

fn check_quota(section: &Section, key: &Key, plan: &Plan) {
    if let Own::Ceiling(_) = key.quota
        && plan.quota == Limit::Exempt
        && plan.period.is_none()
    {
        let message = "has nothing to count over, expected rate_limit_period in the plan";
        section.problem("rate_limit_ceiling", message);
        return;
    }
    if plan.rate_limit_key_override_allowed {
        return;
    }
    match (key.quota, plan.quota) {
        (Own::Exempt, _) => exempt(section, "rate_limit_exempt", "rate_limit_key_override_allowed"),
        (Own::Ceiling(own), Limit::Ceiling(plan)) if own > plan => {
            above(section, "rate_limit_ceiling", "rate_limit_key_override_allowed", plan);
        }
        _ => {}
    }
}

fn exempt(section: &Section, field: &str, permission: &str) {
    let message = format_args!("has no effect, as the plan does not say {permission} = true");
    section.problem(field, message);
}

fn above(section: &Section, field: &str, permission: &str, plan: u64) {
    let message = format_args!(
        "has no effect above the plan's, expected {plan} or less, or {permission} = true there"
    );
    section.problem(field, message);
}
