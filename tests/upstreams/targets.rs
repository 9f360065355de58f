//! Several servers that are as good as each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::gate;
use crate::support::{
    Answer, Config, Connection, Door, Http1, Metrics, Origin, Tollgate, wait_for,
};

/// What stands in `[upstreams.demo]` for `origins`, with their weights.
fn targets(origins: &[(&Origin, u16)], more: &str) -> String {
    let targets = origins.iter().map(|(origin, weight)| target(origin.address(), *weight));
    format!("targets = [{}]\n{more}", targets.collect::<String>())
}

fn target(address: SocketAddr, weight: u16) -> String {
    format!("{{ url = \"http://{address}\", weight = {weight} }},")
}

fn counts(origins: &[&Origin]) -> Vec<usize> {
    origins.iter().map(|origin| origin.requests().len()).collect()
}

fn events(metrics: &Metrics, event: &str) -> f64 {
    metrics.sum("tollgate_upstream_events_total", &[("upstream", "demo"), ("event", event)])
}

fn ejected(metrics: &Metrics) -> f64 {
    metrics.sum("tollgate_upstream_targets", &[("upstream", "demo"), ("state", "ejected")])
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    Origin::start().address()
}

#[test]
fn turns_follow_the_weights() {
    let (one, two) = (Origin::start(), Origin::start());
    let gate = gate(&one, &targets(&[(&one, 3), (&two, 1)], "host = \"upstream\""));
    let mut client = Http1::connect(gate.data());
    for _ in 0..40 {
        client.send(&gate.get("/orders").key("demo")).admitted();
    }
    assert_eq!(counts(&[&one, &two]), [30, 10]);
    for origin in [&one, &two] {
        let host = origin.address().to_string();
        assert!(origin.requests().iter().all(|request| request.header("host") == Some(&host)));
    }
}

#[test]
fn a_busy_server_gets_less() {
    let door = Door::shut();
    let answer = |door: &Door| {
        let door = door.clone();
        Origin::answering(move |request| match request.target() {
            "/orders/slow" => Answer::status(200).wait(&door).then("late"),
            _ => Answer::ok("ok"),
        })
    };
    let (one, two) = (answer(&door), answer(&door));
    let gate = gate(&one, &targets(&[(&one, 1), (&two, 1)], "balance = \"least_requests\""));
    let mut slow = gate.get("/orders/slow").key("demo").start();
    wait_for("the slow one", || (counts(&[&one, &two]).iter().sum::<usize>() == 1).then_some(()));
    let busy = if counts(&[&one])[0] == 1 { &one } else { &two };
    for _ in 0..20 {
        gate.get("/orders").key("demo").send().admitted();
    }
    assert_eq!((counts(&[busy])[0], counts(&[&one, &two]).iter().sum::<usize>()), (1, 21));
    door.open();
    slow.read().admitted();
}

#[test]
fn a_key_stays_with_its_server_and_moves_only_when_that_leaves() {
    let origins = [Origin::start(), Origin::start(), Origin::start()];
    let keys: Vec<_> = (0..24).map(|number| format!("key-{number}")).collect();
    let config = |some: &[&Origin]| {
        let some: Vec<_> = some.iter().map(|origin| (*origin, 1)).collect();
        let upstream = targets(&some, "balance = \"hash_key\"");
        let config = Config::new(&origins[0]).section("upstreams.demo", &upstream);
        keys.iter().fold(config, |config, key| config.key(key, key, ""))
    };
    let gate = Tollgate::start(&config(&origins.each_ref()));
    let homes = || -> BTreeMap<&String, usize> {
        let homes = keys.iter().map(|key| {
            let before = counts(&origins.each_ref());
            for _ in 0..2 {
                gate.get("/orders").key(key).send().admitted();
            }
            let after = counts(&origins.each_ref());
            let home = (0..3).find(|&number| after[number] == before[number] + 2);
            (key, home.expect("one server for both"))
        });
        homes.collect()
    };
    let before = homes();
    assert!((0..3).all(|number| before.values().any(|home| *home == number)), "{before:?}");
    gate.apply(&config(&[&origins[0], &origins[2]]));
    for (key, home) in homes() {
        assert!(home == before[key] || before[key] == 1, "{key}: {} to {home}", before[key]);
        assert_ne!(home, 1);
    }
}

#[test]
fn a_server_that_is_not_there_costs_no_request_and_is_left_out() {
    let one = Origin::start();
    let targets = format!("targets = [{}{}]", target(one.address(), 1), target(nobody(), 1));
    let gate = gate(&one, &targets);
    for _ in 0..40 {
        gate.request("POST", "/orders").key("demo").body("x").send().admitted();
    }
    let metrics = gate.metrics();
    assert_eq!(one.requests().len(), 40);
    assert_eq!((events(&metrics, "ejection"), events(&metrics, "retry")), (1.0, 5.0));
    assert_eq!((ejected(&metrics), events(&metrics, "panic")), (1.0, 0.0));
}

#[test]
fn a_server_comes_back_once_its_time_is_over() {
    let (one, two) = (Origin::start(), Origin::answering(|_| Answer::raw("no http\r\n\r\n")));
    let more = "ejection_failures = 1\nejection_time = \"200ms\"";
    let gate = gate(&one, &targets(&[(&one, 1), (&two, 1)], more));
    wait_for("an ejection", || {
        gate.get("/orders").key("demo").send();
        (events(&gate.metrics(), "ejection") == 1.0).then_some(())
    });
    let before = two.requests().len();
    wait_for("another try", || {
        gate.get("/orders").key("demo").send();
        (two.requests().len() > before).then_some(())
    });
}

#[test]
fn when_all_would_be_left_out_all_are_tried() {
    let origin = Origin::start();
    let more = "ejection_failures = 1\nmax_ejected = 100\nmax_retries = 0";
    let upstream = format!("targets = [{}{}]\n{more}", target(nobody(), 1), target(nobody(), 2));
    let gate = gate(&origin, &upstream);
    for _ in 0..10 {
        gate.get("/orders").key("demo").send().refused(502, "upstream_unreachable");
    }
    let metrics = gate.metrics();
    assert_eq!(ejected(&metrics), 2.0);
    assert!(events(&metrics, "panic") >= 1.0);
    assert_eq!((events(&metrics, "retry"), events(&metrics, "no_retry")), (0.0, 10.0));
}

#[test]
fn only_what_is_safe_goes_to_another_server() {
    // It takes the request and says nothing.
    let two = Origin::answering(|_| Answer::raw(""));
    let one = Origin::start();
    let gate = gate(&one, &targets(&[(&one, 1), (&two, 1)], "ejection_failures = 0"));
    for _ in 0..10 {
        gate.get("/orders").key("demo").send().admitted();
    }
    assert!(two.requests().len() >= 4, "{}", two.requests().len());
    let (before, posts) = (one.requests().len() + two.requests().len(), 20);
    let sent = (0..posts).map(|_| gate.request("POST", "/orders").key("demo").send().status);
    let failed = sent.filter(|status| *status == 502).count();
    assert!((8..=12).contains(&failed), "{failed}");
    assert_eq!(one.requests().len() + two.requests().len(), before + posts, "none came twice");
}

#[test]
fn a_retry_counts_once() {
    let one = Origin::start();
    let targets = format!("targets = [{}{}]", target(nobody(), 1), target(one.address(), 1));
    let plan = "qps_limit_exempt = true\nrate_limit_ceiling = 10\nrate_limit_period = \"month\"";
    let config = Config::new(&one).section("upstreams.demo", &targets).plan(plan);
    let gate = Tollgate::start(&config);
    for _ in 0..10 {
        gate.get("/orders").key("demo").send().admitted();
    }
    gate.get("/orders").key("demo").send().refused(429, "over_quota");
    assert_eq!(one.requests().len(), 10);
}
