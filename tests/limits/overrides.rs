use super::{Burst, holds_quota};
use crate::support::{Config, Http1, Origin, Tollgate};

fn gate(origin: &Origin, plan: &str, key: &str) -> Tollgate {
    Tollgate::start(&Config::new(origin).plan(plan).key("acme-1", "demo", key))
}

/// Twice what any ceiling here admits, and a bit.
fn is_unlimited(gate: &Tollgate) {
    let mut connection = Http1::connect(gate.data());
    for _ in 0..50 {
        gate.get("/orders").key("demo").over(&mut connection).admitted();
    }
}

const ALLOWED: &str =
    "qps_limit_key_override_allowed = true\nrate_limit_key_override_allowed = true\n";
const QUOTA: &str =
    "rate_limit_ceiling = 5\nrate_limit_period = \"month\"\nqps_limit_exempt = true\n";
const QPS: &str = "qps_limit_ceiling = 1\nqps_limit_burst = 5\nrate_limit_exempt = true\n";

#[test]
fn s3_9_exempt_takes_the_quota_off_a_key() {
    let origin = Origin::start();
    is_unlimited(&gate(&origin, &format!("{QUOTA}{ALLOWED}"), "rate_limit_exempt = true"));
}

#[test]
fn s3_9_exempt_takes_the_calls_per_second_off_a_key() {
    let origin = Origin::start();
    is_unlimited(&gate(&origin, &format!("{QPS}{ALLOWED}"), "qps_limit_exempt = true"));
}

#[test]
fn s3_9_exempt_of_one_limit_leaves_the_other() {
    let origin = Origin::start();
    let plan = "qps_limit_ceiling = 1\nqps_limit_burst = 5\nrate_limit_ceiling = 3\n\
                rate_limit_period = \"month\"\nqps_limit_key_override_allowed = true";
    let gate = gate(&origin, plan, "qps_limit_exempt = true");
    holds_quota(&gate.get("/orders").key("demo"), 3);
}

#[test]
fn an_exempt_plan_limits_nothing() {
    let origin = Origin::start();
    is_unlimited(&Tollgate::start(&Config::new(&origin)));
}

#[test]
fn a_ceiling_of_the_key_replaces_that_of_the_plan_where_it_allows_it() {
    let origin = Origin::start();
    let higher = gate(&origin, &format!("{QUOTA}{ALLOWED}"), "rate_limit_ceiling = 8");
    holds_quota(&higher.get("/orders").key("demo"), 8);
    let key = "qps_limit_ceiling = 1\nqps_limit_burst = 9";
    let higher = gate(&origin, &format!("{QPS}{ALLOWED}"), key);
    Burst::of(&higher.get("/orders").key("demo")).holds(9, 1.0);
}

#[test]
fn the_lower_ceiling_holds_where_the_plan_allows_no_override() {
    let origin = Origin::start();
    let lower = gate(&origin, QUOTA, "rate_limit_ceiling = 2");
    holds_quota(&lower.get("/orders").key("demo"), 2);
}

#[test]
fn a_quota_of_zero_lets_no_call_through() {
    let origin = Origin::start();
    let gate = gate(&origin, QUOTA, "rate_limit_ceiling = 0");
    let refused = gate.get("/orders").key("demo").send().refused(429, "over_quota");
    assert_eq!(refused.header("retry-after"), None);
    assert!(origin.requests().is_empty());
}
