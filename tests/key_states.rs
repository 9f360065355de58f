//! When a key works, as far as a file can say it.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, tz::TimeZone};

use crate::support::{Config, Origin, Tollgate, wait_for};

fn with_state(origin: &Origin, state: &str) -> Config {
    Config::new(origin).key("acme-1", "demo", state)
}

fn instant(later: Duration) -> Timestamp {
    let instant = Timestamp::try_from(SystemTime::now() + later).unwrap();
    Timestamp::from_second(instant.as_second()).unwrap()
}

#[test]
fn s0_6_a_waiting_key_is_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&with_state(&origin, "status = \"waiting\""));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("key_pending"), 1.0);
    assert!(origin.requests().is_empty());
}

#[test]
fn s0_7_a_waiting_key_that_is_enabled_works() {
    let origin = Origin::start();
    let gate = Tollgate::start(&with_state(&origin, "status = \"waiting\""));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    gate.apply(&with_state(&origin, "status = \"active\""));
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn s2_6_a_key_without_a_date_does_not_expire() {
    let origin = Origin::start();
    let gate = Tollgate::start(&with_state(&origin, ""));
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn s2_6_a_key_stops_working_at_its_instant() {
    let origin = Origin::start();
    let expires = instant(Duration::from_secs(3));
    let gate = Tollgate::start(&with_state(&origin, &format!("expires = {expires}")));
    let request = gate.get("/orders").key("demo");
    let refused = wait_for("the end of the key", || {
        let sent = Timestamp::now();
        let response = request.send();
        match response.status {
            200 => assert!(sent < expires, "admitted at {sent}, expired at {expires}"),
            _ => assert!(Timestamp::now() >= expires, "refused before {expires}"),
        }
        (response.status != 200).then_some(response)
    });
    refused.refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("key_expired"), 1.0);
}

#[test]
fn s2_6_a_date_lasts_through_the_end_of_its_day() {
    let origin = Origin::start();
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let gate = Tollgate::start(&with_state(&origin, &format!("expires = {today}")));
    let response = gate.get("/orders").key("demo").send();
    if Timestamp::now().to_zoned(TimeZone::UTC).date() == today {
        response.admitted();
    }
    let yesterday = today.yesterday().unwrap();
    gate.apply(&with_state(&origin, &format!("expires = {yesterday}")));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
}

#[test]
fn a_key_begins_to_work_at_its_instant() {
    let origin = Origin::start();
    let begins = instant(Duration::from_secs(3));
    let gate = Tollgate::start(&with_state(&origin, &format!("not_before = {begins}")));
    let request = gate.get("/orders").key("demo");
    wait_for("the key to begin", || {
        let sent = Timestamp::now();
        let response = request.send();
        match response.status {
            200 => assert!(Timestamp::now() >= begins, "admitted before {begins}"),
            _ => assert!(sent < begins, "refused at {sent}, began at {begins}"),
        }
        (response.status == 200).then_some(())
    });
}

#[test]
fn s2_9_a_deleted_key_is_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.get("/orders").key("demo").send().admitted();
    gate.apply(&Config::new(&origin).without("keys.acme-1"));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("key_unknown"), 1.0);
    assert_eq!(gate.metrics().sum("tollgate_snapshot_keys", &[]), 0.0);
}

#[test]
fn s4_12_calls_with_a_suspended_key_return_an_error() {
    let origin = Origin::start();
    let gate = Tollgate::start(&with_state(&origin, "status = \"active\""));
    gate.get("/orders").key("demo").send().admitted();
    gate.apply(&with_state(&origin, "status = \"suspended\""));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("key_suspended"), 1.0);
}

#[test]
fn s4_15_calls_with_a_suspended_key_that_is_activated_again_succeed() {
    let origin = Origin::start();
    let gate = Tollgate::start(&with_state(&origin, "status = \"suspended\""));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    gate.apply(&with_state(&origin, "status = \"active\""));
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn a_revoked_key_is_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.apply(&with_state(&origin, "status = \"revoked\""));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("key_revoked"), 1.0);
}
