use std::process::{Command, Stdio};

use crate::support::{Authority, Config, Finished, Origin, Tollgate, finish};

const NAMES: [&str; 1] = ["localhost"];

/// Runs curl: its exit code, and of each answer the body, then status and version in a line of their own.
fn curl(gate: &Tollgate, arguments: &[&str]) -> Finished {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--max-time", "20", "--write-out"])
        .arg("\n%{http_code} %{http_version}\n")
        .arg("--cacert")
        .arg(gate.folder().join("authority.pem"))
        .args(arguments)
        .stdin(Stdio::null());
    finish(&mut command, "")
}

fn plain(gate: &Tollgate) -> String {
    format!("http://{}/orders", gate.listener("public"))
}

fn secure(gate: &Tollgate) -> String {
    format!("https://localhost:{}/orders", gate.listener("secure").port())
}

#[test]
fn curl_speaks_every_version_to_the_gate() {
    let origin = Origin::start();
    let gate = super::gate(Config::new(&origin), &Authority::new(), &NAMES);
    let (plain, secure) = (plain(&gate), secure(&gate));
    for (option, url, version) in [
        ("--http1.0", &plain, "1"),
        ("--http1.1", &plain, "1.1"),
        ("--http2-prior-knowledge", &plain, "2"),
        ("--http1.1", &secure, "1.1"),
        ("--http2", &secure, "2"),
        ("--tlsv1.3", &secure, "2"),
    ] {
        let answer = curl(&gate, &[option, "-H", "X-Api-Key: demo", url]);
        assert_eq!(answer.stdout, format!("ok\n200 {version}\n"), "{option} {url}: {answer:?}");
        let refused = curl(&gate, &[option, "-H", "X-Api-Key: other", url]);
        assert!(refused.stdout.contains("key_rejected"), "{option} {url}: {refused:?}");
    }
    assert_eq!(origin.requests().len(), 6);
}

#[test]
fn curl_asks_for_an_upgrade_to_http2_in_the_clear_and_gets_its_answer_in_http1() {
    let origin = Origin::start();
    let gate = super::gate(Config::new(&origin), &Authority::new(), &NAMES);
    let answer = curl(&gate, &["--http2", "-H", "X-Api-Key: demo", &plain(&gate)]);
    assert_eq!(answer.stdout, "ok\n200 1.1\n", "{answer:?}");
    assert!(!origin.request().fields.has("http2-settings"));
}

#[test]
fn curl_sends_a_body_once_it_is_asked_to() {
    let origin = Origin::start();
    let gate = super::gate(Config::new(&origin), &Authority::new(), &NAMES);
    let body = gate.folder().join("body");
    std::fs::write(&body, "x".repeat(2 << 20)).unwrap();
    let data = format!("@{}", body.display());
    for (option, url) in [("--http1.1", plain(&gate)), ("--http2", secure(&gate))] {
        let send = ["--verbose", option, "--data-binary", &data, "-H", "Expect: 100-continue"];
        let sent = curl(&gate, &[&send[..], &["-H", "X-Api-Key: demo", &url]].concat());
        assert!(sent.stdout.starts_with("ok\n200"), "{option}: {sent:?}");
        let requests = origin.requests();
        assert_eq!(requests.last().unwrap().body.len(), 2 << 20, "{option}");
    }
    // A key that is refused costs no body.
    let refused = ["--data-binary", &data, "-H", "Expect: 100-continue", "-H", "X-Api-Key: other"];
    let url = plain(&gate);
    let refused = curl(&gate, &[&refused[..], &[url.as_str()]].concat());
    assert!(refused.stdout.contains("\n401 "), "{refused:?}");
    assert_eq!(origin.requests().len(), 2);
    let sent = curl(&gate, &["-T", body.to_str().unwrap(), "-H", "X-Api-Key: demo", &plain(&gate)]);
    assert!(sent.stdout.starts_with("ok\n200"), "{sent:?}");
}

#[test]
fn curl_uses_a_connection_again() {
    let origin = Origin::start();
    let gate = super::gate(Config::new(&origin), &Authority::new(), &NAMES);
    for url in [plain(&gate), secure(&gate)] {
        let connects = ["--write-out", "%{num_connects}\n", "-H", "X-Api-Key: demo", &url, &url];
        let answers = curl(&gate, &connects);
        assert_eq!(answers.stdout, "ok1\nok0\n", "{url}: {answers:?}");
        let head = curl(&gate, &["--head", "-H", "X-Api-Key: demo", &url]);
        assert!(head.stdout.contains("\n200 "), "{head:?}");
    }
}
