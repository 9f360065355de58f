//! Targets that are asked whether they work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tempfile::TempDir;

use super::gate_in;
use crate::support::{Answer, Authority, Config, Message, Origin, Tollgate, wait_for};

const CHECK: &str = "path = \"/healthz?full=1\"\ninterval = \"100ms\"\nunhealthy_after = 2";

/// A server that can be made to say that it does not work, and what it is asked for by checks.
fn answering(well: &Arc<AtomicBool>) -> impl Fn(&Message) -> Answer + Send + Sync + use<> {
    let well = Arc::clone(well);
    move |request| match request.target().starts_with("/healthz") && !well.load(SeqCst) {
        true => Answer::status(503),
        false => Answer::ok("ok"),
    }
}

fn well() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

fn targets(gate: &Tollgate, state: &str) -> f64 {
    gate.metrics().sum("tollgate_upstream_targets", &[("upstream", "demo"), ("state", state)])
}

fn checks(gate: &Tollgate, outcome: &str) -> f64 {
    let labels = [("upstream", "demo"), ("outcome", outcome)];
    gate.metrics().sum("tollgate_upstream_checks_total", &labels)
}

fn calls(origin: &Origin) -> usize {
    origin.targets().iter().filter(|target| !target.starts_with("/healthz")).count()
}

/// A gate in front of these servers, which are checked.
fn gate(origins: &[&Origin], check: &str) -> Tollgate {
    let targets: String = origins
        .iter()
        .map(|origin| format!("{{ url = \"http://{}\" }},", origin.address()))
        .collect();
    let sections = [
        ("upstreams.demo", &*format!("targets = [{targets}]")),
        ("upstreams.demo.health_check", check),
    ];
    gate_in(TempDir::new().unwrap(), origins[0], &sections)
}

#[test]
fn a_target_that_says_that_it_does_not_work_gets_nothing_until_it_says_that_it_does() {
    let states = [well(), well(), well()];
    let origins = states.each_ref().map(|state| Origin::answering(answering(state)));
    let gate = gate(&origins.each_ref(), CHECK);
    wait_for("checks", || (checks(&gate, "passed") >= 3.0).then_some(()));
    states[1].store(false, SeqCst);
    states[2].store(false, SeqCst);
    wait_for("two to be left out", || (targets(&gate, "unhealthy") == 2.0).then_some(()));
    gate.wait_for_log("a target fails its checks and is left out");
    assert_eq!(targets(&gate, "used"), 1.0);
    let before = origins.each_ref().map(calls);
    for _ in 0..20 {
        gate.get("/orders").key("demo").send().admitted();
    }
    let after = origins.each_ref().map(calls);
    assert_eq!(after, [before[0] + 20, before[1], before[2]]);
    assert!(checks(&gate, "status") >= 4.0);
    states[1].store(true, SeqCst);
    wait_for("one to be back", || (targets(&gate, "used") == 2.0).then_some(()));
    gate.wait_for_log("a target passes its checks and is used again");
    wait_for("a call", || {
        gate.get("/orders").key("demo").send().admitted();
        (calls(&origins[1]) > before[1]).then_some(())
    });
}

#[test]
fn when_none_works_all_are_tried() {
    let sick = Arc::new(AtomicBool::new(false));
    let origins = [Origin::answering(answering(&sick)), Origin::answering(answering(&sick))];
    let gate = gate(&origins.each_ref(), CHECK);
    // The first check decides.
    wait_for("both to be left out", || (targets(&gate, "unhealthy") == 2.0).then_some(()));
    for _ in 0..10 {
        gate.get("/orders").key("demo").send().admitted();
    }
    let panics = gate
        .metrics()
        .sum("tollgate_upstream_events_total", &[("upstream", "demo"), ("event", "panic")]);
    assert_eq!(panics, 10.0);
}

#[test]
fn checks_that_are_not_wanted_any_more_leave_nobody_out() {
    let sick = Arc::new(AtomicBool::new(false));
    let (one, two) = (Origin::start(), Origin::answering(answering(&sick)));
    let upstream = format!(
        "targets = [{{ url = \"http://{}\" }}, {{ url = \"http://{}\" }}]",
        one.address(),
        two.address()
    );
    let config = Config::new(&one).section("upstreams.demo", &upstream);
    let checked = config.clone().section("upstreams.demo.health_check", CHECK);
    let gate = Tollgate::start(&checked);
    wait_for("one to be left out", || (targets(&gate, "unhealthy") == 1.0).then_some(()));
    gate.apply(&config);
    wait_for("both", || {
        gate.get("/orders").key("demo").send().admitted();
        (targets(&gate, "used") == 2.0).then_some(())
    });
}

#[test]
fn a_check_goes_the_way_of_requests_and_knows_no_key() {
    let more = "path = \"/healthz?full=1\"\ninterval = \"100ms\"\ntimeout = \"20s\"\n\
         statuses = [\"200\", \"418-419\"]";
    let hosted = format!("{more}\nhost = \"health.internal:81\"");
    let passed = |gate: &Tollgate| {
        gate.get("/orders").key("demo").send().admitted();
        wait_for("checks", || (checks(gate, "passed") >= 3.0).then_some(()));
        assert_eq!(targets(gate, "used"), 1.0);
    };
    let seen = |origin: &Origin, host: &str| {
        let requests = origin.requests();
        let checks: Vec<_> =
            requests.iter().filter(|request| request.target() == "/healthz?full=1").collect();
        assert!(checks.len() >= 3);
        for check in checks {
            assert_eq!((check.method(), check.header("host")), ("GET", Some(host)));
            assert_eq!(check.header("user-agent"), Some("tollgate-health-check"));
            let names: Vec<_> = check.fields.iter().map(|(name, _)| name.to_lowercase()).collect();
            assert!(!names.iter().any(|name| name.starts_with("x-")), "{names:?}");
        }
    };
    let answer = |request: &Message| match request.target() {
        "/healthz?full=1" => Answer::status(418),
        _ => Answer::ok("ok"),
    };

    let plain = Origin::answering(answer);
    passed(&gate(&[&plain], &hosted));
    seen(&plain, "health.internal:81");

    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("api.sock");
    let unix = Origin::behind(&socket, answer);
    let url = format!("url = \"unix:{}\"", socket.display());
    let sections = [("upstreams.demo", &*url), ("upstreams.demo.health_check", more)];
    passed(&gate_in(folder, &unix, &sections));
    seen(&unix, "localhost");

    let authority = Authority::new();
    let tls = Origin::over_tls(authority.issue(&["localhost"]).server(None), answer);
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let host = format!("localhost:{}", tls.address().port());
    let url = format!("url = \"https://{host}\"");
    let sections = [
        ("upstreams.demo", &*url),
        ("upstreams.demo.tls", "ca_file = \"ca.pem\""),
        ("upstreams.demo.health_check", more),
    ];
    passed(&gate_in(folder, &tls, &sections));
    seen(&tls, &host);
}
