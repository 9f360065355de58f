use super::{Burst, gate, parameter, remaining};
use crate::support::{Config, Origin, Tollgate};

const BOTH: &str = "qps_limit_ceiling = 10\nrate_limit_ceiling = 1000\nrate_limit_period = \"day\"";

#[test]
fn an_admitted_call_is_told_its_limits() {
    let origin = Origin::start();
    let gate = gate(&origin, BOTH);
    let admitted = gate.get("/orders").key("demo").send().admitted();
    let policy = admitted.header("ratelimit-policy").unwrap();
    assert_eq!(policy, "\"qps\";q=10;w=1, \"quota\";q=1000;w=86400");
    assert_eq!(remaining(&admitted, "qps"), 9);
    assert_eq!(remaining(&admitted, "quota"), 999);
    let limits = admitted.header("ratelimit").unwrap();
    assert_eq!(parameter(limits, "qps", "t"), 1);
    assert!((1..=86_400).contains(&parameter(limits, "quota", "t")));
}

#[test]
fn a_refused_call_is_told_its_limits() {
    let origin = Origin::start();
    let gate = gate(&origin, BOTH);
    let refused = Burst::of(&gate.get("/orders").key("demo")).refused.refused(429, "over_qps");
    assert_eq!(remaining(&refused, "qps"), 0);
    assert!(refused.header("ratelimit-policy").unwrap().contains("\"qps\";q=10;w=1"));
}

#[test]
fn an_exempt_limit_is_not_told() {
    let origin = Origin::start();
    let gate = gate(&origin, "qps_limit_ceiling = 10\nrate_limit_exempt = true");
    let admitted = gate.get("/orders").key("demo").send().admitted();
    assert_eq!(admitted.header("ratelimit-policy"), Some("\"qps\";q=10;w=1"));
    let unlimited = Tollgate::start(&Config::new(&origin));
    let admitted = unlimited.get("/orders").key("demo").send().admitted();
    assert!(!admitted.fields.has("ratelimit") && !admitted.fields.has("ratelimit-policy"));
}

#[test]
fn a_service_may_keep_its_limits_to_itself() {
    let origin = Origin::start();
    let silent = "path = \"/orders\"\nupstream = \"demo\"\nrate_limit_headers = \"none\"";
    let gate = Tollgate::start(&Config::new(&origin).plan(BOTH).service(silent));
    let admitted = gate.get("/orders").key("demo").send().admitted();
    assert!(!admitted.fields.has("ratelimit") && !admitted.fields.has("ratelimit-policy"));
}
