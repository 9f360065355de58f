use super::violated;
use crate::support::{Answer, Config, Door, Http2, Origin, Tollgate, wait_for};

const TWO: &str = "qps_limit_exempt = true\nrate_limit_exempt = true\nconcurrency_ceiling = 2";

#[test]
fn so_many_requests_of_a_key_are_open_and_no_more() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/slow" => Answer::ok("slow").wait(&behind).then("ly").chunked(),
        _ => Answer::ok("fast"),
    });
    let gate = Tollgate::start(&Config::new(&origin).plan(TWO).key("acme-2", "other", ""));
    let slow = gate.get("/orders/slow").key("demo");
    let two = Http2::connect(gate.data());
    let (mut first, second) = (slow.start(), two.start(&slow));
    origin.wait_for_requests(2);

    let third = gate.get("/orders").key("demo");
    let refused = third.send().refused(429, "over_concurrency");
    assert_eq!(violated(&refused), ["concurrency"]);
    assert_eq!(refused.header("retry-after"), None);
    gate.get("/orders").key("other").send().admitted();

    door.open();
    assert_eq!(first.read().text(), "slowly");
    assert_eq!(second.read().unwrap().text(), "slowly");
    wait_for("the place to be free", || (third.send().status == 200).then_some(()));
}

#[test]
fn a_client_that_leaves_gives_its_place_back() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/slow" => Answer::status(200).wait(&behind).then("slow"),
        _ => Answer::ok("fast"),
    });
    let gate = Tollgate::start(&Config::new(&origin).plan(TWO));
    let leaving = [(); 2].map(|()| gate.get("/orders/slow").key("demo").start());
    origin.wait_for_requests(2);
    let request = gate.get("/orders").key("demo");
    request.send().refused(429, "over_concurrency");
    drop(leaving);
    wait_for("the place to be free", || (request.send().status == 200).then_some(()));
    door.open();
}

#[test]
fn the_lower_of_plan_and_key_holds_and_a_change_bites_at_once() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/slow" => Answer::status(200).wait(&behind).then("slow"),
        _ => Answer::ok("fast"),
    });
    let config = |of_key: &str| Config::new(&origin).plan(TWO).key("acme-1", "demo", of_key);
    let gate = Tollgate::start(&config("concurrency_ceiling = 1").key("acme-2", "other", ""));
    let (slow, fast) = (gate.get("/orders/slow").key("demo"), gate.get("/orders").key("demo"));
    let mut first = slow.start();
    origin.wait_for_requests(1);
    fast.send().refused(429, "over_concurrency");
    // The other key of the plan has the plan's two for itself.
    let others = [(); 2].map(|()| gate.get("/orders/slow").key("other").start());
    origin.wait_for_requests(3);
    gate.get("/orders").key("other").send().refused(429, "over_concurrency");
    // What is open counts under the new ceiling.
    gate.apply(&config("").key("acme-2", "other", ""));
    fast.send().admitted();
    gate.apply(&config("concurrency_ceiling = 1").key("acme-2", "other", ""));
    fast.send().refused(429, "over_concurrency");
    door.open();
    assert_eq!(first.read().text(), "slow");
    drop(others);
    wait_for("the place to be free", || (fast.send().status == 200).then_some(()));
}
