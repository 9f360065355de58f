use super::{gate, holds_quota, remaining, violated};
use crate::support::{Answer, Config, Connection, Http1, Origin, Tollgate, wait_for};

const FIVE: &str = "rate_limit_ceiling = 5\nrate_limit_period = \"month\"\nqps_limit_exempt = true";

#[test]
fn s3_8_a_quota_counts_the_calls_of_its_key() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin).plan(FIVE).key("acme-2", "other", ""));
    holds_quota(&gate.get("/orders").key("demo"), 5);
    holds_quota(&gate.get("/orders").key("other"), 5);
    assert_eq!(origin.requests().len(), 10);
}

#[test]
fn s3_8_a_quota_of_a_key_goes_up_to_the_maximum_of_the_plan() {
    let origin = Origin::start();
    let config = Config::new(&origin).plan(FIVE).key("acme-1", "demo", "rate_limit_ceiling = 3");
    holds_quota(&Tollgate::start(&config).get("/orders").key("demo"), 3);
}

#[test]
fn over_quota_names_the_policy_and_when_to_come_again() {
    let origin = Origin::start();
    let gate = gate(&origin, FIVE);
    let request = gate.get("/orders").key("demo");
    for _ in 0..5 {
        request.send().admitted();
    }
    let refused = request.send().refused(429, "over_quota");
    assert_eq!(violated(&refused), ["quota"]);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31 * 86_400).contains(&wait), "{wait}");
}

#[test]
fn an_admitted_call_counts_whatever_the_upstream_answers() {
    let origin = Origin::answering(|_| Answer::status(500));
    let gate = gate(&origin, FIVE);
    let request = gate.get("/orders").key("demo");
    for _ in 0..5 {
        assert_eq!(request.send().status, 500);
    }
    request.send().refused(429, "over_quota");
}

#[test]
fn a_refused_call_spends_nothing() {
    let origin = Origin::start();
    let plan = "qps_limit_ceiling = 5\nqps_limit_burst = 1\nrate_limit_ceiling = 5\nrate_limit_period = \"month\"";
    let gate = gate(&origin, plan);
    let mut connection = Http1::connect(gate.data());
    connection.send(&gate.get("/orders")).refused(401, "key_missing");
    connection.send(&gate.get("/nowhere").key("demo")).refused(404, "route_not_found");
    let request = gate.get("/orders").key("demo");
    for left in (0..5).rev() {
        let admitted = wait_for("a call to be admitted", || {
            let response = connection.send(&request);
            if response.status == 200 {
                return Some(response);
            }
            response.refused(429, "over_qps");
            None
        });
        assert_eq!(remaining(&admitted, "quota"), left);
    }
    let refused = wait_for("the quota to be all", || {
        Some(connection.send(&request)).filter(|response| violated(response) == ["quota"])
    });
    refused.refused(429, "over_quota");
}
