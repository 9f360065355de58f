use serde_json::json;

use super::{replaceable, run};
use crate::support::{Claimant, Config, Connection, Http1, Origin, Tollgate};

const LIMITED: &str =
    "qps_limit_exempt = true\nrate_limit_ceiling = 4\nrate_limit_period = \"month\"";

/// Holds a gate to serve as if nothing had happened, with the counters that it had.
fn goes_on(gate: &Tollgate, config: &Config) {
    gate.wait_for_log("this process goes on serving");
    let mut connection = Http1::connect(gate.data());
    let request = gate.get("/orders").key("demo");
    let response = connection.send(&request).admitted();
    assert_eq!(response.header("connection"), None);
    connection.send(&request).admitted();
    gate.apply(&config.clone().key("acme-2", "other", ""));
    gate.get("/orders").key("other").send().admitted();
}

#[test]
fn the_old_process_goes_on_wherever_the_new_one_dies() {
    let words = [json!("Prepared"), json!("Ready")];
    for died_after in 0..=words.len() {
        let origin = Origin::start();
        let config = replaceable(&origin).plan(LIMITED);
        let mut gate = Tollgate::start(&config);
        gate.get("/orders").key("demo").send().admitted();
        let mut claimant = Claimant::of(&gate).claim(1, "production");
        let offer = claimant.take();
        assert_eq!(offer["Offer"]["sockets"].as_array().unwrap().len(), 3, "{offer}");
        for word in &words[..died_after] {
            claimant.say(word);
            let answer = claimant.hear();
            assert!(answer == "Quiet" || answer["Meters"].is_object(), "{answer}");
        }
        drop(claimant);
        goes_on(&gate, &config);
        let new = gate.taken_over();
        new.get("/orders").key("demo").send().admitted();
        new.get("/orders").key("demo").send().refused(429, "over_quota");
    }
}

#[test]
fn the_old_process_goes_on_if_the_new_one_falls_silent() {
    let origin = Origin::start();
    let process = "workers = 2\ntakeover_socket = \"takeover.sock\"\ntakeover_timeout = \"1s\"";
    let config = replaceable(&origin).section("process", process).plan(LIMITED);
    let gate = Tollgate::start(&config);
    let mut claimant = Claimant::of(&gate).claim(1, "production");
    claimant.take();
    claimant.say(&json!("Prepared"));
    assert_eq!(claimant.hear(), "Quiet");
    gate.wait_for_log("was silent for 1s");
    goes_on(&gate, &config);
}

#[test]
fn a_connection_that_waits_while_it_fails_is_served() {
    let origin = Origin::start();
    let gate = Tollgate::start(&replaceable(&origin));
    let mut claimant = Claimant::of(&gate).claim(1, "production");
    claimant.take();
    for word in [json!("Prepared"), json!("Ready")] {
        claimant.say(&word);
        claimant.hear();
    }
    // Nobody accepts at this moment.
    let mut waiting = gate.get("/orders").key("demo").start();
    drop(claimant);
    waiting.read().admitted();
}

#[test]
fn another_protocol_and_another_environment_are_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&replaceable(&origin));
    for (protocol, environment, why) in
        [(2, "production", "cannot take over"), (1, "sandbox", "are not one")]
    {
        let answer = Claimant::of(&gate).claim(protocol, environment).hear();
        assert!(answer["Refuse"].as_str().unwrap().contains(why), "{answer}");
    }
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn one_that_cannot_serve_says_why_and_changes_nothing() {
    let origin = Origin::start();
    let gate = Tollgate::start(&replaceable(&origin));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let more = replaceable(&origin).section("listeners.more", &format!("address = \"{address}\""));
    gate.write(&more);
    let finished = run(&gate, &["--takeover"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains(&address), "{finished:?}");
    gate.wait_for_log("this process goes on serving");
    gate.get("/orders").key("demo").send().admitted();
}
