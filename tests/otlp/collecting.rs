//! Collectors as they are: away, busy, choosy, over TLS.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::collector::{house, house_at, spans, wait_for_spans};
use crate::support::{
    Answer, Authority, Config, Connection, Finished, Http1, Origin, Tollgate, tollgate,
};

fn counted(gate: &Tollgate, outcome: &str) -> f64 {
    gate.metrics().sum("tollgate_spans_total", &[("outcome", outcome)])
}

fn wait_for_count(gate: &Tollgate, outcome: &str, count: f64) {
    gate.wait_for(outcome, |metrics| {
        metrics.sum("tollgate_spans_total", &[("outcome", outcome)]) >= count
    });
    assert_eq!(counted(gate, outcome), count);
}

#[test]
fn all_that_was_answered_is_exported_before_the_process_ends() {
    let (origin, collector) = (Origin::start(), Origin::start());
    let mut gate = Tollgate::start(&house(Config::new(&origin), &collector, ""));
    let mut client = Http1::connect(gate.data());
    for _ in 0..600 {
        client.send(&gate.get("/orders").key("demo")).admitted();
    }
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
    assert_eq!(spans(&collector).len(), 1200);
    // In messages of at most 512 requests.
    assert!(collector.requests().len() > 1);
}

#[test]
fn a_busy_collector_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let collector = Origin::answering(move |_| match asked.fetch_add(1, Relaxed) {
        0 => Answer::status(503).header("Retry-After", "1").then(""),
        1 => Answer::raw(""),
        _ => Answer::ok(""),
    });
    let origin = Origin::start();
    let gate = Tollgate::start(&house(Config::new(&origin), &collector, ""));
    gate.get("/orders").key("demo").send().admitted();
    wait_for_count(&gate, "exported", 2.0);
    assert_eq!(counted(&gate, "failed"), 0.0);
    let bodies: Vec<_> = collector.requests().iter().map(|sent| sent.body.clone()).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    gate.wait_for_log("the collector answered 503");
}

#[test]
fn a_collector_that_wants_no_spans_is_not_asked_again() {
    let collector = Origin::answering(|_| Answer::status(400).then("no"));
    let origin = Origin::start();
    let gate = Tollgate::start(&house(Config::new(&origin), &collector, ""));
    gate.get("/orders").key("demo").send().admitted();
    wait_for_count(&gate, "failed", 2.0);
    assert_eq!(collector.requests().len(), 1);
    gate.get("/orders").key("demo").send().admitted();
    wait_for_count(&gate, "failed", 4.0);
}

#[test]
fn spans_that_a_collector_has_left_out_are_counted() {
    // partial_success { rejected_spans: 1 }
    let collector = Origin::answering(|_| Answer::ok("\n\u{2}\u{8}\u{1}"));
    let origin = Origin::start();
    let gate = Tollgate::start(&house(Config::new(&origin), &collector, ""));
    gate.get("/orders").key("demo").send().admitted();
    wait_for_count(&gate, "rejected", 1.0);
    wait_for_count(&gate, "exported", 1.0);
}

#[test]
fn a_collector_that_is_away_costs_spans_and_no_requests() {
    let origin = Origin::start();
    // It takes connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let config = house_at(Config::new(&origin), address, "ring = 16\ntimeout = \"100ms\"");
    let mut gate = Tollgate::start(&config.section("process", "workers = 1"));
    let mut client = Http1::connect(gate.data());
    for _ in 0..200 {
        client.send(&gate.get("/orders").key("demo")).admitted();
    }
    let dropped = |gate: &Tollgate| gate.metrics().sum("tollgate_spans_dropped_total", &[]);
    assert!(dropped(&gate) > 0.0 && dropped(&gate) < 400.0, "{}", dropped(&gate));
    gate.wait_for_log("spans are not exported");
    // Nor does it hold up the end.
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
}

/// Runs a gate with these files beside its TOML.
fn start_with(config: &Config, files: &[(&str, &str, u32)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text, mode) in files {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(*mode)).unwrap();
    }
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    folder
}

#[test]
fn a_collector_over_tls_is_known_by_its_authority_and_told_what_it_wants() {
    let authority = Authority::new();
    let certificate = authority.issue(&["localhost"]);
    let collector = Origin::over_tls(certificate.server(None), |_| Answer::ok(""));
    let origin = Origin::start();
    let config = |more: &str| {
        let port = collector.address().port();
        let otlp = format!("endpoint = \"https://localhost:{port}\"\n{more}");
        house(Config::new(&origin), &collector, "").section("tracing.otlp", &otlp)
    };
    let trusted = config("ca_file = \"ca.pem\"\nheaders_file = \"otlp.headers\"");
    let ca = ("ca.pem", &*authority.pem(), 0o644);
    let headers = "Authorization: Bearer a-token\n\nX-Tenant:  orders \n";
    let folder = start_with(&trusted, &[ca, ("otlp.headers", headers, 0o600)]);
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    gate.get("/orders").key("demo").send().admitted();
    wait_for_spans(&collector, 2);
    let message = collector.request();
    assert_eq!(message.header("authorization"), Some("Bearer a-token"));
    assert_eq!(message.header("x-tenant"), Some("orders"));
    // Whom nobody vouches for is told nothing.
    let another = ("ca.pem", &*Authority::new().pem(), 0o644);
    let folder = start_with(&config("ca_file = \"ca.pem\""), &[another]);
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    gate.get("/orders").key("demo").send().admitted();
    gate.wait_for_log("spans are not exported");
    assert_eq!(collector.requests().len(), 1);
}

#[test]
fn files_of_a_collector_that_are_wrong_keep_a_process_from_starting() {
    let origin = Origin::start();
    let collector = Arc::new(Origin::start());
    let config = |more: &str| house(Config::new(&origin), &collector, more);
    let run = |more: &str, files: &[(&str, &str, u32)]| -> Finished {
        let folder = start_with(&config(more), files);
        let document = folder.path().join("tollgate.toml");
        tollgate(&["run", "--config", document.to_str().unwrap()], "")
    };
    let field = "headers_file = \"otlp.headers\"";
    for (files, said) in [
        (&[][..], "tracing.otlp.headers_file"),
        (&[("otlp.headers", "Authorization: Bearer a-token", 0o644)], "tracing.otlp.headers_file"),
        (&[("otlp.headers", "Bearer a-token", 0o600)], "tracing.otlp.headers_file: expected lines"),
    ] {
        let finished = run(field, files);
        assert_ne!(finished.code, Some(0), "{finished:?}");
        assert!(finished.stderr.contains(said), "{finished:?}");
        assert!(!finished.stderr.contains("a-token"), "{finished:?}");
    }
}

#[test]
fn what_cannot_be_exported_is_a_problem_of_the_document() {
    let origin = Origin::start();
    let check = |tracing: &str, otlp: &str| {
        let config = Config::new(&origin).section("tracing", tracing).section("tracing.otlp", otlp);
        let folder = start_with(&config, &[]);
        let document = folder.path().join("tollgate.toml");
        tollgate(&["check", "--config", document.to_str().unwrap()], "")
    };
    for (tracing, otlp, said) in [
        ("enabled = true", "", "tracing.otlp.endpoint"),
        ("enabled = true", "endpoint = \"localhost:4318\"", "is no URL with a host"),
        ("enabled = true", "endpoint = \"http://me:secret@localhost\"", "holds credentials"),
        (
            "",
            "endpoint = \"http://localhost:4318\"",
            "has no effect unless tracing.enabled is true",
        ),
        (
            "enabled = true",
            "endpoint = \"http://localhost:4318\"\nca_file = \"ca.pem\"",
            "tracing.otlp.ca_file: has no effect",
        ),
    ] {
        let finished = check(tracing, otlp);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
        assert!(!finished.stderr.contains("me:secret"), "{finished:?}");
    }
    assert_eq!(check("enabled = true", "endpoint = \"http://localhost:4318\"").code, Some(0));
}
