//! Requests that are open when their key dies.

use jiff::Timestamp;

use super::suspended;
use crate::support::{Answer, Config, Door, Http2, Origin, Tollgate};

/// Holds back the end of every body.
fn slow_origin(door: &Door) -> Origin {
    let door = door.clone();
    Origin::answering(move |_| Answer::ok("begun").wait(&door).then(", ended").chunked())
}

#[test]
fn an_open_request_of_a_key_that_dies_is_cut() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let gate = Tollgate::start(&Config::new(&origin));
    let request = gate.get("/orders").key("demo");
    let two = Http2::connect(gate.data());
    let (mut one, stream) = (request.start(), two.start(&request));
    one.reads_until("begun");
    origin.wait_for_requests(2);
    gate.apply(&suspended(&origin));
    assert!(!one.rest().contains("0\r\n\r\n"), "the body does not look whole");
    assert!(stream.read().is_err(), "nor does that of the stream");
    assert!(two.is_open(), "other streams of the connection go on");
    gate.wait_for("the streams to be counted", |metrics| {
        metrics.sum("tollgate_streams_cut_total", &[]) == 2.0
    });
    door.open();
}

#[test]
fn a_stream_that_nobody_reads_is_reset_and_others_of_its_connection_go_on() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/large" => Answer::ok(&"x".repeat(16 << 20)),
        _ => Answer::ok("begun").wait(&behind).then(", ended").chunked(),
    });
    let both = |config: Config| config.key("acme-2", "other", "");
    let gate = Tollgate::start(&both(Config::new(&origin)));
    let two = Http2::connect(gate.data());
    let mut stalled = two.pieces(&gate.get("/orders/large").key("demo"));
    let beside = two.start(&gate.get("/orders").key("other"));
    origin.wait_for_requests(2);
    gate.apply(&both(suspended(&origin)));
    gate.wait_for("the stream to be let go", |metrics| metrics.sum("tollgate_streams", &[]) == 1.0);
    assert!(stalled.breaks_off());
    door.open();
    assert_eq!(beside.read().unwrap().admitted().text(), "begun, ended");
    assert!(two.is_open());
}

#[test]
fn an_open_request_of_a_key_that_expires_is_cut_by_the_gates_own_clock() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let expires = Timestamp::from_second(Timestamp::now().as_second() + 3600).unwrap();
    let expires = format!("expires = {expires}");
    let config = Config::new(&origin).key("acme-2", "ending", &expires);
    let gate = Tollgate::start_by_clock(&config);
    let (ending, other) = (gate.get("/orders").key("ending"), gate.get("/orders").key("demo"));
    let two = Http2::connect(gate.data());
    let (mut one, stream) = (ending.start(), two.start(&ending));
    let (mut running, beside) = (other.start(), two.start(&other));
    one.reads_until("begun");
    running.reads_until("begun");
    origin.wait_for_requests(4);
    gate.move_clock(3600);
    assert!(!one.rest().contains("0\r\n\r\n"), "the body does not look whole");
    assert!(stream.read().is_err(), "nor does that of the stream");
    assert_eq!(gate.metrics().sum("tollgate_streams_cut_total", &[]), 2.0);
    door.open();
    running.reads_until(", ended\r\n0\r\n\r\n");
    assert_eq!(beside.read().unwrap().admitted().text(), "begun, ended");
}

#[test]
fn a_request_that_waits_for_the_upstream_is_answered_when_its_key_dies() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |_| Answer::status(200).wait(&behind).then("late"));
    let gate = Tollgate::start(&Config::new(&origin));
    let mut waiting = gate.get("/orders").key("demo").start();
    origin.wait_for_requests(1);
    gate.apply(&suspended(&origin));
    waiting.read().refused(401, "key_rejected");
    door.open();
}

#[test]
fn an_open_request_may_finish_where_the_operator_says_so() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let finishing = "workers = 2\non_key_dead = \"finish\"";
    let gate = Tollgate::start(&Config::new(&origin).section("process", finishing));
    let mut running = gate.get("/orders").key("demo").start();
    running.reads_until("begun");
    gate.apply(&suspended(&origin).section("process", finishing));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    door.open();
    running.reads_until(", ended\r\n0\r\n\r\n");
}

#[test]
fn requests_of_other_keys_run_on() {
    let door = Door::shut();
    let origin = slow_origin(&door);
    let both = |config: Config| config.key("acme-2", "other", "");
    let gate = Tollgate::start(&both(Config::new(&origin)));
    let mut running = gate.get("/orders").key("other").start();
    running.reads_until("begun");
    gate.apply(&both(suspended(&origin)));
    door.open();
    running.reads_until(", ended\r\n0\r\n\r\n");
}
