//! One process takes the place of another.

mod failing;
mod load;
mod store;

use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{
    Answer, Config, Connection, Door, Finished, Http1, Http2, Origin, Tollgate, tollgate, wait_for,
};

/// With a socket for the next process.
fn replaceable(origin: &Origin) -> Config {
    Config::new(origin).section("process", "workers = 2\ntakeover_socket = \"takeover.sock\"")
}

/// Runs one more on the folder of a gate, which is not to come to serve.
fn run(gate: &Tollgate, more: &[&str]) -> Finished {
    let config = gate.config().to_str().unwrap();
    tollgate(&[&["run", "--config", config], more].concat(), "")
}

const LIMITED: &str = "qps_limit_ceiling = 1\nqps_limit_burst = 3600\n\
                       rate_limit_ceiling = 5\nrate_limit_period = \"month\"";

#[test]
fn quotas_go_on_where_the_process_before_has_stopped() {
    let origin = Origin::start();
    let mut old = Tollgate::start(&replaceable(&origin).plan(LIMITED));
    for _ in 0..3 {
        old.get("/orders").key("demo").send().admitted();
    }
    let mut new = old.taken_over();
    assert_eq!((new.data(), new.ops()), (old.data(), old.ops()));
    assert_eq!(old.exit_code(), 0);
    new.get("/orders").key("demo").send().admitted();
    let newest = new.taken_over();
    assert_eq!(new.exit_code(), 0);
    newest.get("/orders").key("demo").send().admitted();
    newest.get("/orders").key("demo").send().refused(429, "over_quota");
    assert_eq!(origin.requests().len(), 5);
}

#[test]
fn a_burst_that_was_spent_is_spent() {
    let origin = Origin::start();
    let burst = "qps_limit_ceiling = 1\nqps_limit_burst = 100\nrate_limit_exempt = true";
    let service = "path = \"/orders\"\nupstream = \"demo\"\nqps_limit_overall = 1000";
    let mut old = Tollgate::start(&replaceable(&origin).plan(burst).service(service));
    let mut connection = Http1::connect(old.data());
    for _ in 0..100 {
        connection.send(&old.get("/orders").key("demo")).admitted();
    }
    drop(connection);
    let new = old.taken_over();
    // As many more as seconds have gone by, and not a burst.
    let again = (0..50).filter(|_| new.get("/orders").key("demo").send().status == 200).count();
    assert!(again < 20, "{again}");
}

#[test]
fn what_was_counted_of_a_key_that_is_gone_is_there_when_it_comes_back() {
    let origin = Origin::start();
    let other = |config: Config| config.key("acme-2", "other", "");
    let config = replaceable(&origin).plan(LIMITED);
    let mut old = Tollgate::start(&other(config.clone()));
    for _ in 0..4 {
        old.get("/orders").key("other").send().admitted();
    }
    old.apply(&config);
    let new = old.taken_over();
    new.apply(&other(config));
    new.get("/orders").key("other").send().admitted();
    new.get("/orders").key("other").send().refused(429, "over_quota");
}

#[test]
fn methods_and_services_go_on_under_other_numbers() {
    let origin = Origin::start();
    let plan = "qps_limit_exempt = true\nrate_limit_exempt = true";
    let config = |service: &str| {
        replaceable(&origin)
            .plan(plan)
            .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]")
            .section(service, "path = \"/first\"\nupstream = \"demo\"")
            .section(&format!("{service}.endpoints.all.methods.look"), "http_methods = [\"GET\"]")
            .section(
                "packages.basic.plans.free.services.orders.endpoints.all.methods.read",
                "rate_limit_ceiling = 3\nrate_limit_period = \"month\"",
            )
    };
    let mut old = Tollgate::start(&config("services.zebra"));
    for _ in 0..2 {
        old.get("/orders").key("demo").send().admitted();
    }
    // The new process reads this one: its methods are numbered in another order.
    old.apply(&config("services.aardvark"));
    let new = old.taken_over();
    new.get("/orders").key("demo").send().admitted();
    new.get("/orders").key("demo").send().refused(429, "over_quota");
}

#[test]
fn what_is_open_ends_in_peace_and_counts_until_then() {
    let door = Door::shut();
    let shut = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/slow" => Answer::status(200).wait(&shut).then("slow"),
        _ => Answer::ok("fast"),
    });
    let plan = "qps_limit_exempt = true\nrate_limit_exempt = true\nconcurrency_ceiling = 2";
    let mut old = Tollgate::start(&replaceable(&origin).plan(plan));
    let slow = old.get("/orders/slow").key("demo");
    let two = Http2::connect(old.data());
    let (mut running, stream) = (slow.start(), two.start(&slow));
    origin.wait_for_requests(2);
    let new = old.taken_over();
    let request = new.get("/orders").key("demo");
    request.send().refused(429, "over_concurrency");
    door.open();
    assert_eq!(running.read().admitted().text(), "slow");
    assert!(running.ends());
    assert_eq!(stream.read().unwrap().admitted().text(), "slow");
    wait_for("what has ended to make room", || (request.send().status == 200).then_some(()));
    assert_eq!(old.exit_code(), 0);
    request.send().admitted();
}

#[test]
fn the_one_that_is_replaced_still_cuts_what_the_file_takes_away() {
    let door = Door::shut();
    let shut = door.clone();
    let origin = Origin::answering(move |_| Answer::status(200).chunked().wait(&shut).then("slow"));
    let config = replaceable(&origin);
    let mut old = Tollgate::start(&config);
    let mut running = old.get("/orders").key("demo").start();
    origin.wait_for_requests(1);
    let new = old.taken_over();
    new.apply(&config.key("acme-1", "demo", "status = \"suspended\""));
    assert!(!running.rest().contains("slow"));
    assert_eq!(old.exit_code(), 0);
    door.open();
}

#[test]
fn without_being_told_to_it_takes_nothing_over() {
    let origin = Origin::start();
    let gate = Tollgate::start(&replaceable(&origin));
    let data = gate.data().to_string();
    gate.write(&replaceable(&origin).section("listeners.public", &format!("address = \"{data}\"")));
    let finished = run(&gate, &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains(&data), "{finished:?}");
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn with_nobody_to_take_over_from_it_starts() {
    let origin = Origin::start();
    let mut gone = Tollgate::start(&replaceable(&origin));
    gone.signal(Signal::KILL);
    let gate = gone.taken_over();
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn without_a_socket_there_is_nothing_to_take_over_by() {
    let gate = Tollgate::start(&Config::new(&Origin::start()));
    let finished = run(&gate, &["--takeover"]);
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("takeover_socket"), "{finished:?}");
}

#[test]
fn a_unix_socket_goes_over_with_its_file() {
    let origin = Origin::start();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("data.sock");
    let listener = format!("address = \"unix:{}\"", path.display());
    let mut old = Tollgate::start(&replaceable(&origin).section("listeners.local", &listener));
    let call = old.get("/orders").key("demo");
    let connect = || Http1::over(UnixStream::connect(&path).unwrap());
    connect().send(&call).admitted();
    let mut new = old.taken_over();
    assert_eq!(old.exit_code(), 0);
    connect().send(&call).admitted();
    new.signal(Signal::TERM);
    assert_eq!(new.exit_code(), 0);
    assert!(!path.exists());
}
