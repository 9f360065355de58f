use std::time::Instant;

use super::{Burst, gate, violated};
use crate::support::{Config, Connection, Http1, Http2, Origin, Tollgate, wait_for};

#[test]
fn s3_10_a_key_is_held_to_its_calls_per_second() {
    let origin = Origin::start();
    let gate = gate(&origin, "qps_limit_ceiling = 5\nrate_limit_exempt = true");
    let burst = Burst::of(&gate.get("/orders").key("demo"));
    burst.holds(5, 5.0);
    assert_eq!(violated(&burst.refused), ["qps"]);
    let refused = burst.refused.refused(429, "over_qps");
    let problem = refused.problem();
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
}

#[test]
fn s3_10_calls_go_on_at_the_ceiling_after_the_burst() {
    let origin = Origin::start();
    let gate = gate(&origin, "qps_limit_ceiling = 10\nrate_limit_exempt = true");
    let (mut one, mut two) = (Http1::connect(gate.data()), Http2::connect(gate.data()));
    let request = gate.get("/orders").key("demo");
    let (start, mut admitted) = (Instant::now(), 0.0);
    wait_for("25 calls to be admitted", || {
        for status in [one.send(&request).status, two.send(&request).status] {
            admitted += if status == 200 { 1.0 } else { 0.0 };
        }
        assert!(admitted <= 10.0 + 10.0 * start.elapsed().as_secs_f64(), "{admitted}");
        (admitted >= 25.0).then_some(())
    });
}

#[test]
fn a_burst_is_apart_from_its_ceiling() {
    let origin = Origin::start();
    let gate =
        gate(&origin, "qps_limit_ceiling = 1\nqps_limit_burst = 20\nrate_limit_exempt = true");
    Burst::of(&gate.get("/orders").key("demo")).holds(20, 1.0);
}

#[test]
fn keys_of_one_plan_do_not_share_a_ceiling() {
    let origin = Origin::start();
    let config = Config::new(&origin)
        .plan("qps_limit_ceiling = 1\nqps_limit_burst = 3\nrate_limit_exempt = true")
        .key("acme-2", "other", "");
    let gate = Tollgate::start(&config);
    Burst::of(&gate.get("/orders").key("demo")).holds(3, 1.0);
    Burst::of(&gate.get("/orders").key("other")).holds(3, 1.0);
}

#[test]
fn all_keys_together_are_held_to_the_ceiling_of_the_service() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\n\
                   qps_limit_overall = 1\nqps_limit_overall_burst = 4";
    let config = Config::new(&origin).service(service).key("acme-2", "other", "");
    let gate = Tollgate::start(&config);
    let start = Instant::now();
    let one = Burst::of(&gate.get("/orders").key("demo"));
    one.holds(4, 1.0);
    assert_eq!(violated(&one.refused), ["service-qps"]);
    one.refused.refused(429, "service_over_qps");
    let other = Burst::of(&gate.get("/orders").key("other"));
    let most = 4.0 + start.elapsed().as_secs_f64();
    assert!(f64::from(one.admitted + other.admitted) <= most);
    other.refused.refused(429, "service_over_qps");
}

#[test]
fn a_ceiling_of_zero_lets_no_call_through_and_says_not_to_wait() {
    let origin = Origin::start();
    let gate = gate(&origin, "qps_limit_ceiling = 0\nrate_limit_exempt = true");
    let refused = gate.get("/orders").key("demo").send().refused(429, "over_qps");
    assert_eq!(refused.header("retry-after"), None);
    assert!(origin.requests().is_empty());
}

#[test]
fn a_new_ceiling_bites_at_once_and_opens_nothing() {
    let origin = Origin::start();
    let plan = |ceiling: u32| {
        let plan =
            format!("qps_limit_ceiling = {ceiling}\nqps_limit_burst = 3\nrate_limit_exempt = true");
        Config::new(&origin).plan(&plan)
    };
    let gate = Tollgate::start(&plan(1000));
    let request = gate.get("/orders").key("demo");
    request.send().admitted();
    gate.apply(&plan(1));
    Burst::of(&request).holds(3, 1.0);
    let start = Instant::now();
    gate.apply(&plan(2));
    let burst = Burst::of(&request);
    assert!(f64::from(burst.admitted) <= 1.0 + 2.0 * start.elapsed().as_secs_f64());
}
