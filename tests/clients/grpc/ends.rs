//! How calls end before their time, on both sides.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tonic::Code;
use tonic::metadata::MetadataValue;

use super::config;
use crate::support::{NumberServer, Numbers, Tollgate, wait_for};

#[test]
fn a_caller_that_gives_up_ends_the_call_at_the_server() {
    let server = NumberServer::start();
    let gate = Tollgate::start(&config(&server));
    let numbers = Numbers::at(gate.data()).key("demo");
    let counted = numbers.count(numbers.request(0.into())).unwrap();
    let mut talk = numbers.talk().unwrap();
    talk.goes_on(1);
    server.wait_for_open(2);
    // It counts without end: only a reset ends it.
    drop(counted);
    server.wait_for_open(1);
    drop(talk);
    server.wait_for_open(0);
    gate.wait_for("no open request", |metrics| metrics.sum("tollgate_streams", &[]) == 0.0);
    assert_eq!(numbers.code(), Code::Ok, "the connection goes on");
}

#[test]
fn a_server_that_gives_up_ends_the_call_of_the_caller() {
    let server = NumberServer::start();
    let gate = Tollgate::start(&config(&server));
    let numbers = Numbers::at(gate.data()).key("demo");
    let mut beside = numbers.talk().unwrap();
    let reset = |count: &'static str| {
        numbers.talk_with(|request| {
            request.metadata_mut().insert("x-reset", MetadataValue::from_static(count));
        })
    };
    let mut talk = reset("1").unwrap();
    talk.goes_on(1);
    talk.say(2);
    assert_ne!(talk.hear().unwrap_err().code(), Code::Ok);
    server.wait_for_open(1);
    beside.goes_on(2);
    assert_eq!(numbers.code(), Code::Ok);
}

#[test]
fn a_call_is_over_at_its_deadline() {
    let server = NumberServer::start();
    let gate = Tollgate::start(&config(&server));
    let numbers = Numbers::at(gate.data()).key("demo");
    let began = Instant::now();
    let mut talk =
        numbers.talk_with(|request| request.set_timeout(Duration::from_secs(1))).unwrap();
    talk.goes_on(1);
    let asked = server.asked();
    assert_eq!(asked[0].get("grpc-timeout").unwrap(), "1000000u", "{asked:?}");
    // Both ends of the library look at it until the answer begins, and no longer.
    let status = talk.hear().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    // The caller could still say something, but nobody hears it.
    server.wait_for_open(0);
}

#[test]
fn a_key_that_is_revoked_ends_its_calls_and_no_other() {
    let server = NumberServer::start();
    let both = config(&server).key("acme-2", "other", "");
    let gate = Tollgate::start(&both);
    let numbers = Numbers::at(gate.data());
    let (dying, other) = (numbers.key("demo"), numbers.key("other"));
    let (mut ended, mut beside) = (dying.talk().unwrap(), other.talk().unwrap());
    ended.goes_on(1);
    beside.goes_on(1);
    gate.apply(&both.key("acme-1", "demo", "status = \"revoked\""));
    assert_ne!(ended.hear().unwrap_err().code(), Code::Ok);
    server.wait_for_open(1);
    beside.goes_on(2);
    assert_eq!(dying.code(), Code::Unauthenticated);
    assert_eq!(other.code(), Code::Ok);
    assert_eq!(gate.metrics().sum("tollgate_streams_cut_total", &[]), 1.0);
}

#[test]
fn the_end_of_the_process_lets_calls_end_and_takes_no_new_ones() {
    let server = NumberServer::start();
    let mut gate = Tollgate::start(&config(&server));
    let numbers = Numbers::at(gate.data()).key("demo");
    let mut talk = numbers.talk().unwrap();
    talk.goes_on(1);
    gate.signal(Signal::TERM);
    wait_for("no new call", || (numbers.code() == Code::Unavailable).then_some(()));
    talk.goes_on(2);
    drop(talk);
    assert_eq!(gate.exit_code(), 0);
}
