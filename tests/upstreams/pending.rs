//! Requests that wait until an upstream has room for them.

use crate::support::{Answer, Config, Door, Http1, Origin, Tollgate, wait_for};

/// An upstream that answers what is called `slow` once its door is open.
fn slow(door: &Door) -> Origin {
    let door = door.clone();
    Origin::answering(move |request| match request.target().contains("slow") {
        true => Answer::status(200).wait(&door).then("late"),
        false => Answer::ok("ok"),
    })
}

/// One worker and one connection, and how requests wait for it.
fn config(origin: &Origin, more: &str) -> Config {
    let upstream = format!("url = \"http://{}\"\nmax_connections = 1\n{more}", origin.address());
    Config::new(origin).section("process", "workers = 1").section("upstreams.demo", &upstream)
}

fn pending(gate: &Tollgate) -> f64 {
    gate.metrics().sum("tollgate_upstream_pending", &[("upstream", "demo")])
}

fn event(gate: &Tollgate, event: &str) -> f64 {
    let labels = [("upstream", "demo"), ("event", event)];
    gate.metrics().sum("tollgate_upstream_events_total", &labels)
}

/// Begins a request and waits until so many wait.
fn begin(gate: &Tollgate, target: &str, waiting: usize) -> Http1 {
    let connection = gate.get(target).key("demo").start();
    wait_for("a request in the queue", || (pending(gate) == waiting as f64).then_some(()));
    connection
}

#[test]
fn who_comes_first_is_served_first_over_no_more_connections_than_there_may_be() {
    let door = Door::shut();
    let origin = slow(&door);
    let gate = Tollgate::start(&config(&origin, "pending_timeout = \"20s\""));
    let mut first = gate.get("/orders/slow/0").key("demo").start();
    origin.wait_for_connection();
    let mut others: Vec<_> =
        (1..=5).map(|number| begin(&gate, &format!("/orders/{number}"), number)).collect();
    // One of them leaves.
    drop(others.remove(2));
    wait_for("one to leave", || (pending(&gate) == 4.0).then_some(()));
    door.open();
    first.read().admitted();
    others.iter_mut().for_each(|other| drop(other.read().admitted()));
    let served = ["/orders/slow/0", "/orders/1", "/orders/2", "/orders/4", "/orders/5"];
    assert_eq!(origin.targets(), served);
    assert_eq!((origin.connections(), pending(&gate)), (1, 0.0));
}

#[test]
fn who_waits_in_vain_or_finds_no_place_is_refused() {
    let door = Door::shut();
    let origin = slow(&door);
    let more = "max_pending = 1\npending_timeout = \"3s\"";
    let gate = Tollgate::start(&config(&origin, more));
    let mut first = gate.get("/orders/slow").key("demo").start();
    origin.wait_for_connection();
    let mut second = begin(&gate, "/orders/2", 1);
    gate.get("/orders/3").key("demo").send().refused(503, "upstream_overloaded");
    second.read().refused(503, "upstream_overloaded");
    assert_eq!((event(&gate, "queue_full"), event(&gate, "waited_in_vain")), (1.0, 1.0));
    assert_eq!(gate.metrics().refusals("upstream_overloaded"), 2.0);
    door.open();
    first.read().admitted();
    gate.get("/orders/4").key("demo").send().admitted();
    assert_eq!(origin.targets(), ["/orders/slow", "/orders/4"]);
}

#[test]
fn a_key_that_dies_takes_its_waiting_requests_out_of_the_queue() {
    let door = Door::shut();
    let origin = slow(&door);
    let config = config(&origin, "pending_timeout = \"20s\"").key("acme-2", "other", "");
    let gate = Tollgate::start(&config);
    let mut first = gate.get("/orders/slow").key("other").start();
    origin.wait_for_connection();
    let mut dead = begin(&gate, "/orders/dead", 1);
    let mut alive = gate.get("/orders/alive").key("other").start();
    wait_for("both", || (pending(&gate) == 2.0).then_some(()));
    gate.apply(&config.clone().key("acme-1", "demo", "status = \"revoked\""));
    dead.read().refused(401, "key_rejected");
    assert_eq!(pending(&gate), 1.0);
    door.open();
    first.read().admitted();
    alive.read().admitted();
    assert_eq!(origin.targets(), ["/orders/slow", "/orders/alive"]);
}

#[test]
fn a_full_upstream_keeps_nothing_from_another_and_a_full_target_nothing_from_the_upstream() {
    let door = Door::shut();
    let (busy, free, other) = (slow(&door), Origin::start(), Origin::start());
    let targets = format!(
        "targets = [{{ url = \"http://{}\" }}, {{ url = \"http://{}\" }}]\nmax_connections = 1",
        busy.address(),
        free.address()
    );
    let elsewhere = format!("url = \"http://{}\"", other.address());
    let config = Config::new(&busy)
        .section("process", "workers = 1")
        .section("upstreams.demo", &targets)
        .section("upstreams.other", &elsewhere)
        .section("services.other", "path = \"/other\"\nupstream = \"other\"")
        .section("services.other.endpoints.all", "")
        .section("packages.basic.plans.free.services.other", "");
    let gate = Tollgate::start(&config);
    let mut first = gate.get("/orders/slow").key("demo").start();
    busy.wait_for_connection();
    for _ in 0..10 {
        gate.get("/orders").key("demo").send().admitted();
        gate.get("/other").key("demo").send().admitted();
    }
    assert_eq!((free.requests().len(), other.requests().len()), (10, 10));
    door.open();
    first.read().admitted();
}

#[test]
fn each_worker_has_its_share_and_one_at_least() {
    let door = Door::shut();
    let origin = slow(&door);
    let upstream = format!(
        "url = \"http://{}\"\nmax_connections = 5\npending_timeout = \"20s\"",
        origin.address()
    );
    let config = Config::new(&origin).section("upstreams.demo", &upstream);
    let gate = Tollgate::start(&config);
    let mut clients: Vec<_> =
        (0..40).map(|_| gate.get("/orders/slow").key("demo").start()).collect();
    wait_for("all", || (pending(&gate) + origin.connections() as f64 == 40.0).then_some(()));
    assert!(origin.connections() <= 5, "{}", origin.connections());
    door.open();
    clients.iter_mut().for_each(|client| drop(client.read().admitted()));
    assert!(origin.connections() <= 5, "{}", origin.connections());
}
