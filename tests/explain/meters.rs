//! Limits, as they stand in a process and as they stand before its first request.

use serde_json::json;

use super::{house, running};
use crate::support::{Answer, Door, Origin, Tollgate};

#[test]
fn meters_are_those_of_the_process_and_explaining_moves_none() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/slow" => Answer::ok("slow").wait(&behind).then("ly").chunked(),
        _ => Answer::ok("fast"),
    });
    let plan = "qps_limit_ceiling = 1\nqps_limit_burst = 1000\nrate_limit_ceiling = 5\n\
                rate_limit_period = \"month\"\nconcurrency_ceiling = 3";
    let gate = Tollgate::start(&house(&origin).plan(plan));
    let slow = gate.get("/orders/slow").key("demo").start();
    origin.wait_for_requests(1);
    (0..2).for_each(|_| drop(gate.get("/orders").key("demo").send().admitted()));
    let used = |said: &serde_json::Value| {
        let limits = said["limits"].as_array().unwrap().iter();
        let of = |limit: &str| limits.clone().find(|each| each["limit"] == limit).unwrap().clone();
        let of = |limit: &str| (of(limit)["used"].clone(), of(limit)["remaining"].clone());
        (of("qps"), of("quota"), of("concurrency"))
    };
    let of = |used: u32, remaining: u32| (json!(used), json!(remaining));
    for _ in 0..10 {
        let said = running(&gate, "GET", "/orders", "demo");
        assert_eq!(said["verdict"]["admitted"], true, "{said}");
        let (qps, quota, concurrency) = used(&said);
        assert_eq!((quota, concurrency), (of(3, 2), of(1, 2)), "{said}");
        assert!(qps.0.as_u64().unwrap() <= 3, "{said}");
    }
    // The file has no meters.
    let afresh = super::document(&super::ask(&gate, &["--json"], "GET", "/orders", "demo"));
    assert_eq!(used(&afresh), (of(0, 1000), of(0, 5), of(0, 3)));
    assert_eq!(afresh["against"], "file");

    (0..2).for_each(|_| drop(gate.get("/orders").key("demo").send().admitted()));
    let said = running(&gate, "GET", "/orders", "demo");
    assert_eq!(said["verdict"]["code"], "over_quota");
    let refused = gate.get("/orders").key("demo").send().refused(429, "over_quota");
    let after = said["verdict"]["retry_after"].as_u64().unwrap();
    let real: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(after.abs_diff(real) <= 30, "{after} {real}");
    door.open();
    drop(slow);
}

#[test]
fn an_explanation_follows_a_change_and_its_revision() {
    let origin = Origin::start();
    let config = house(&origin);
    let gate = Tollgate::start(&config);
    assert_eq!(running(&gate, "GET", "/orders", "demo")["verdict"]["admitted"], true);
    gate.apply(&config.key("acme-1", "demo", "status = \"suspended\""));
    let said = running(&gate, "GET", "/orders", "demo");
    assert_eq!(said["verdict"]["code"], "key_suspended");
    assert_eq!(said["revision"]["number"], 2);
}
