//! Upstreams whose names lead elsewhere while the gate runs.

use std::net::SocketAddr;

use crate::support::{Answer, Config, Door, Origin, Tollgate, wait_for};

const NAME: &str = "api.internal";

/// Two servers behind one port, of which the second can be held up.
struct Pair {
    one: Origin,
    two: Origin,
    door: Door,
}

impl Pair {
    fn start() -> Self {
        let (one, door) = (Origin::start(), Door::shut());
        let behind = door.clone();
        let two =
            Origin::at(SocketAddr::from(([127, 0, 0, 2], one.address().port())), move |request| {
                match request.target().contains("slow") {
                    true => Answer::status(200).wait(&behind).then("late"),
                    false => Answer::ok("ok"),
                }
            });
        Self { one, two, door }
    }

    /// A gate that knows them by name.
    fn gate(&self, more: &str) -> Tollgate {
        let port = self.one.address().port();
        let upstream = format!("url = \"http://{NAME}:{port}\"\nresolve_every = \"1s\"\n{more}");
        start(&self.one, &upstream)
    }

    fn counts(&self) -> [usize; 2] {
        [self.one.requests().len(), self.two.requests().len()]
    }
}

/// A gate of one worker, which goes over to other servers as a whole.
fn start(origin: &Origin, upstream: &str) -> Tollgate {
    let config = Config::new(origin).section("upstreams.demo", upstream);
    Tollgate::start_by_clock(&config.section("process", "workers = 1"))
}

fn targets(gate: &Tollgate, state: &str) -> f64 {
    gate.metrics().sum("tollgate_upstream_targets", &[("upstream", "demo"), ("state", state)])
}

fn look_ups(gate: &Tollgate, outcome: &str) -> f64 {
    let labels = [("upstream", "demo"), ("outcome", outcome)];
    gate.metrics().sum("tollgate_upstream_lookups_total", &labels)
}

#[test]
fn a_name_is_as_many_targets_as_it_has_addresses_and_may_lead_nowhere_at_first() {
    let pair = Pair::start();
    let gate = pair.gate("");
    gate.get("/orders").key("demo").send().refused(502, "upstream_unreachable");
    assert_eq!((targets(&gate, "unresolved"), targets(&gate, "used")), (1.0, 0.0));
    gate.wait_for_log("a name cannot be looked up");
    gate.names_lead(&[(NAME, &["127.0.0.2", "127.0.0.1"])]);
    wait_for("both", || (targets(&gate, "used") == 2.0).then_some(()));
    wait_for("an answer", || (gate.get("/orders").key("demo").send().status == 200).then_some(()));
    let before = pair.counts();
    for _ in 0..20 {
        gate.get("/orders").key("demo").send().admitted();
    }
    let after = pair.counts();
    assert_eq!([after[0] - before[0], after[1] - before[1]], [10, 10]);
    assert_eq!(targets(&gate, "unresolved"), 0.0);
}

#[test]
fn an_address_that_is_gone_gets_nothing_more_and_finishes_what_it_has() {
    let pair = Pair::start();
    let gate = pair.gate("");
    gate.names_lead(&[(NAME, &["127.0.0.1", "127.0.0.2"])]);
    wait_for("both", || (targets(&gate, "used") == 2.0).then_some(()));
    // Until the second one has a request.
    let mut slow = Vec::new();
    wait_for("a request at the second", || {
        slow.push(gate.get("/orders/slow").key("demo").start());
        (pair.two.connections() > 0).then_some(())
    });
    let held_up = || pair.two.targets().iter().filter(|target| target.contains("slow")).count();
    // And idle connections.
    wait_for("another connection", || {
        gate.get("/orders").key("demo").send().admitted();
        (pair.two.requests().len() > held_up()).then_some(())
    });
    gate.names_lead(&[(NAME, &["127.0.0.1"])]);
    wait_for("one", || (targets(&gate, "used") == 1.0).then_some(()));
    wait_for("the end of idle connections", || {
        (pair.two.open_connections() == held_up()).then_some(())
    });
    let before = pair.counts();
    for _ in 0..20 {
        gate.get("/orders").key("demo").send().admitted();
    }
    let after = pair.counts();
    assert_eq!([after[0] - before[0], after[1] - before[1]], [20, 0]);
    pair.door.open();
    slow.iter_mut().for_each(|client| drop(client.read().admitted()));
    wait_for("the end of the last", || (pair.two.open_connections() == 0).then_some(()));
}

#[test]
fn a_lookup_that_fails_leaves_the_last_addresses_in_use_and_says_so() {
    let pair = Pair::start();
    let gate = pair.gate("");
    gate.names_lead(&[(NAME, &["127.0.0.1"])]);
    wait_for("one", || (targets(&gate, "used") == 1.0).then_some(()));
    assert!(look_ups(&gate, "changed") >= 1.0);
    let before = look_ups(&gate, "failed");
    gate.names_lead(&[]);
    wait_for("a failed lookup", || (look_ups(&gate, "failed") > before).then_some(()));
    gate.wait_for_log("what it led to before stays in use");
    for _ in 0..10 {
        gate.get("/orders").key("demo").send().admitted();
    }
    assert_eq!(targets(&gate, "used"), 1.0);
}

#[test]
fn an_address_that_nobody_listens_at_costs_no_request_whatever_the_budget() {
    let one = Origin::start();
    let port = one.address().port();
    let upstream = format!(
        "url = \"http://{NAME}:{port}\"\nresolve_every = \"1s\"\nmax_retries = 0\n\
         ejection_failures = 0"
    );
    let gate = start(&one, &upstream);
    gate.names_lead(&[(NAME, &["127.0.0.1", "127.0.0.3"])]);
    wait_for("both", || (targets(&gate, "used") == 2.0).then_some(()));
    wait_for("an answer", || (gate.get("/orders").key("demo").send().status == 200).then_some(()));
    let before = one.requests().len();
    for _ in 0..10 {
        gate.request("POST", "/orders").key("demo").body("x").send().admitted();
    }
    assert_eq!(one.requests().len() - before, 10);
}
