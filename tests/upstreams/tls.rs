//! Upstreams that are spoken to over TLS.

use std::fs;

use rustls::ServerConfig;
use tempfile::TempDir;

use super::gate_in;
use crate::support::{Answer, Authority, Config, Issued, Origin, Tollgate, wait_for};

const UNREACHED: &str = "tollgate_upstream_unreached_total";
const HANDSHAKES: &str = "tollgate_upstream_tls_handshakes_total";
const RELOADS: &str = "tollgate_upstream_tls_reloads_total";

/// A folder with the certificate of `authority` in `ca.pem`.
fn folder(authority: &Authority) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    folder
}

fn serving(config: ServerConfig) -> Origin {
    Origin::over_tls(config, |_| Answer::ok("secret"))
}

/// What stands in `[upstreams.demo]` for `origin` by the name `localhost`.
fn url(origin: &Origin) -> String {
    format!("url = \"https://localhost:{}\"\nmax_idle_connections = 0", origin.address().port())
}

fn gate(folder: TempDir, origin: &Origin, tls: &str) -> Tollgate {
    let tls = format!("ca_file = \"ca.pem\"\n{tls}");
    gate_in(folder, origin, &[("upstreams.demo", &url(origin)), ("upstreams.demo.tls", &tls)])
}

impl Tollgate {
    fn fails_for(&self, reason: &str) {
        self.get("/orders").key("demo").send().refused(502, "upstream_unreachable");
        let count = self.metrics().sum(UNREACHED, &[("upstream", "demo"), ("reason", reason)]);
        assert_eq!(count, 1.0, "{reason}: {}", self.log());
    }
}

fn localhost(authority: &Authority) -> Issued {
    authority.issue(&["localhost"])
}

#[test]
fn a_server_that_an_authority_vouches_for_is_asked_by_its_name() {
    let authority = Authority::new();
    let origin = serving(localhost(&authority).server(None));
    let gate = gate(folder(&authority), &origin, "");
    for _ in 0..3 {
        assert_eq!(gate.get("/orders").key("demo").send().admitted().text(), "secret");
    }
    assert_eq!(origin.names(), ["localhost"; 3]);
    assert_eq!(origin.shown(), 0);
    // The first session is taken up again by the others, on whichever worker they come.
    let count = |kind| gate.metrics().sum(HANDSHAKES, &[("upstream", "demo"), ("kind", kind)]);
    assert_eq!((count("full"), count("resumed")), (1.0, 2.0));
}

#[test]
fn a_certificate_for_another_name_is_not_taken_unless_it_is_asked_for() {
    let authority = Authority::new();
    let issued = authority.issue(&["api.internal"]);
    let origin = serving(issued.server(None));
    gate(folder(&authority), &origin, "").fails_for("certificate_name");
    let gate = gate(folder(&authority), &origin, "server_name = \"api.internal\"");
    gate.get("/orders").key("demo").send().admitted();
    assert_eq!(origin.names(), ["api.internal"]);
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_taken() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let origin = serving(localhost(&stranger).server(None));
    gate(folder(&authority), &origin, "").fails_for("certificate_untrusted");
    // The system's authorities do not know it either.
    let gate = gate_in(TempDir::new().unwrap(), &origin, &[("upstreams.demo", &url(&origin))]);
    gate.fails_for("certificate_untrusted");
    assert!(origin.requests().is_empty());
}

#[test]
fn a_certificate_that_has_expired_is_not_taken() {
    let authority = Authority::new();
    let origin = serving(authority.issue_expired(&["localhost"]).server(None));
    gate(folder(&authority), &origin, "").fails_for("certificate_time");
}

#[test]
fn a_server_of_an_older_version_or_without_tls_is_not_asked() {
    let authority = Authority::new();
    let origin = serving(localhost(&authority).server_with_tls12_only());
    gate(folder(&authority), &origin, "minimum_version = \"1.3\"").fails_for("alert");
    gate(folder(&authority), &origin, "").get("/orders").key("demo").send().admitted();
    let plain = Origin::answering(|_| Answer::raw("no tls at all\r\n\r\n"));
    gate(folder(&authority), &plain, "")
        .get("/orders")
        .key("demo")
        .send()
        .refused(502, "upstream_unreachable");
    assert!(plain.requests().is_empty());
}

#[test]
fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let origin = serving(localhost(&authority).server(Some(&clients)));
    let folder_with_key = folder(&authority);
    clients.issue(&["gate"]).write(folder_with_key.path(), "gate");
    let files = "certificate_file = \"gate.pem\"\nkey_file = \"gate.key\"";
    gate(folder_with_key, &origin, files).get("/orders").key("demo").send().admitted();
    assert_eq!(origin.shown(), 1);
    let refused = gate(folder(&authority), &origin, "").get("/orders").key("demo").send();
    assert_eq!(refused.status, 502);
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn files_are_read_again_when_they_change_and_stay_when_they_break() {
    let (first, second) = (Authority::new(), Authority::new());
    let origin = serving(localhost(&second).server(None));
    let gate = gate(folder(&first), &origin, "");
    let ca = gate.folder().join("ca.pem");
    let reloads = |result| gate.metrics().sum(RELOADS, &[("result", result)]);
    gate.fails_for("certificate_untrusted");
    fs::write(&ca, second.pem()).unwrap();
    wait_for("the new authority", || (reloads("applied") == 1.0).then_some(()));
    gate.get("/orders").key("demo").send().admitted();
    fs::write(&ca, "nobody").unwrap();
    wait_for("a refusal", || (reloads("refused") > 0.0).then_some(()));
    gate.get("/orders").key("demo").send().admitted();
    // Nor does it hold up what else changes.
    let tls = "ca_file = \"ca.pem\"";
    let config = Config::new(&origin).section("upstreams.demo", &url(&origin));
    let config = config.section("upstreams.demo.tls", tls);
    gate.apply(&config.key("acme-2", "other", ""));
    gate.get("/orders").key("other").send().admitted();
}

#[test]
fn a_change_to_files_that_are_wrong_is_refused() {
    let authority = Authority::new();
    let origin = serving(localhost(&authority).server(None));
    let gate = gate(folder(&authority), &origin, "");
    let config = Config::new(&origin).section("upstreams.demo", &url(&origin));
    gate.refuses(&config.clone().section("upstreams.demo.tls", "ca_file = \"missing.pem\""));
    gate.wait_for_log("upstreams.demo.tls.ca_file: the file cannot be read");
    gate.get("/orders").key("demo").send().admitted();
    fs::write(gate.folder().join("other.pem"), Authority::new().pem()).unwrap();
    gate.apply(&config.section("upstreams.demo.tls", "ca_file = \"other.pem\""));
    gate.fails_for("certificate_untrusted");
}
