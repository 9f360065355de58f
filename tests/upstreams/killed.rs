//! Upstreams that are killed and come back while calls go on.

use tempfile::TempDir;

use super::gate_in;
use crate::support::{Load, Nginx, Origin, Tollgate, wait_for};

/// Clients that call at once.
const CLIENTS: usize = 6;

fn nginx() -> Nginx {
    Nginx::start(TempDir::new().unwrap(), "listen 127.0.0.1:PORT; location / { return 200 well; }")
}

fn gate(servers: &[Nginx], check: Option<&str>) -> Tollgate {
    let targets: String = servers.iter().map(Nginx::target).collect();
    let upstream = format!("targets = [{targets}]\nejection_time = \"200ms\"");
    let mut sections = vec![("upstreams.demo", &*upstream)];
    sections.extend(check.map(|check| ("upstreams.demo.health_check", check)));
    gate_in(TempDir::new().unwrap(), &Origin::start(), &sections)
}

fn targets(gate: &Tollgate, state: &str) -> f64 {
    gate.metrics().sum("tollgate_upstream_targets", &[("upstream", "demo"), ("state", state)])
}

#[test]
fn the_only_server_that_is_killed_is_an_error_until_it_is_back_and_none_after() {
    let mut servers = [nginx()];
    let gate = gate(&servers, None);
    let load = Load::of(CLIENTS, &gate.get("/orders").key("demo"));
    load.goes_on(200);
    servers[0].kill();
    load.goes_on(200);
    servers[0].revive();
    // Whatever was under way when it was not there.
    load.goes_on(2 * CLIENTS);
    let errors = gate.metrics().sum("tollgate_refusals_total", &[]);
    load.goes_on(200);
    assert_eq!(gate.metrics().sum("tollgate_refusals_total", &[]), errors);
    let answers = load.end();
    assert!(answers.keys().all(|status| [200, 502].contains(status)), "{answers:?}");
    assert!(answers[&502] >= 100, "{answers:?}");
}

#[test]
fn one_of_three_that_is_killed_costs_no_call_that_may_be_repeated() {
    let mut servers = [nginx(), nginx(), nginx()];
    let gate = gate(&servers, None);
    let load = Load::of(CLIENTS, &gate.get("/orders").key("demo"));
    load.goes_on(200);
    servers[1].kill();
    wait_for("an ejection", || (targets(&gate, "ejected") == 1.0).then_some(()));
    load.goes_on(200);
    servers[1].revive();
    wait_for("all", || (targets(&gate, "used") == 3.0).then_some(()));
    load.goes_on(200);
    let answers = load.end();
    assert_eq!(answers.into_keys().collect::<Vec<_>>(), [200]);
}

#[test]
fn a_call_that_cannot_be_repeated_fails_only_if_it_was_under_way() {
    let mut servers = [nginx(), nginx(), nginx()];
    let gate = gate(&servers, None);
    let load = Load::of(CLIENTS, &gate.request("POST", "/orders").key("demo"));
    load.goes_on(200);
    servers[1].kill();
    wait_for("an ejection", || (targets(&gate, "ejected") == 1.0).then_some(()));
    load.goes_on(200);
    let answers = load.end();
    let failed = answers.get(&502).copied().unwrap_or_default();
    assert!(failed <= CLIENTS && answers.len() <= 2, "{answers:?}");
}

#[test]
fn checks_find_out_who_was_killed_and_who_is_back_and_no_call_fails() {
    let check = "path = \"/healthz\"\ninterval = \"100ms\"\nunhealthy_after = 2";
    let mut servers = [nginx(), nginx(), nginx()];
    let gate = gate(&servers, Some(check));
    let load = Load::of(CLIENTS, &gate.get("/orders").key("demo"));
    load.goes_on(200);
    for server in servers.iter_mut().take(2) {
        server.kill();
        wait_for("it to be left out", || (targets(&gate, "unhealthy") == 1.0).then_some(()));
        load.goes_on(200);
        server.revive();
        wait_for("all", || (targets(&gate, "used") == 3.0).then_some(()));
        load.goes_on(200);
    }
    let answers = load.end();
    assert_eq!(answers.into_keys().collect::<Vec<_>>(), [200]);
}
