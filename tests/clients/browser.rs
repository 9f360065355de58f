//! A page in Chromium that calls an API of another origin, over TLS and HTTP/2.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::PublicKeyData;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::{Answer, Authority, Config, Message, Origin, Tollgate};

/// It takes its time to start.
const PATIENCE: Duration = Duration::from_secs(180);

const PAGE: &str = include_str!("page.html");

struct Chromium {
    child: Child,
    _profile: TempDir,
}

impl Chromium {
    /// Opens `url`, and trusts the key of the gate's certificate and nothing else.
    fn open(gate: &Tollgate, url: &str) -> Self {
        let profile = TempDir::new().unwrap();
        let child = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-extensions"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--ignore-certificate-errors-spki-list={}", key_of(gate)))
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium (tests/install chromium:chromium)");
        Self { child, _profile: profile }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The digest of the public key of the gate's certificate.
fn key_of(gate: &Tollgate) -> String {
    let key = std::fs::read_to_string(gate.folder().join("main.key")).unwrap();
    let key = rcgen::KeyPair::from_pem(&key).unwrap();
    BASE64_STANDARD.encode(Sha256::digest(key.subject_public_key_info()))
}

fn answer(request: &Message) -> Answer {
    let path = request.target().split('?').next().unwrap();
    match path {
        "/page" => Answer::ok(PAGE).header("Content-Type", "text/html"),
        "/orders/events" => Answer::ok("data: one\n\n")
            .header("Content-Type", "text/event-stream")
            .chunked()
            .then("data: two\n\n")
            .then("data: three\n\n"),
        _ => Answer::ok("ok").header("X-Shown", "shown"),
    }
}

fn house(origin: &Origin, pages: &str) -> Config {
    let open =
        |path: &str| format!("path = \"{path}\"\nupstream = \"demo\"\nkeyless_key = \"acme-1\"");
    Config::new(origin)
        .service(
            "path = \"/orders\"\nupstream = \"demo\"\nhosts = [\"api.localhost\"]\n\
             credentials = [{ header = \"X-Api-Key\" }, { query = \"api_key\" }]",
        )
        .section(
            "services.orders.cors",
            &format!(
                "allowed_origins = [\"{pages}\"]\nallowed_methods = [\"PUT\"]\n\
                 allowed_headers = [\"X-Api-Key\"]\nexposed_headers = [\"X-Shown\"]"
            ),
        )
        .section("services.page", &open("/page"))
        .section("services.page.endpoints.all", "")
        .section("services.report", &open("/report"))
        .section("services.report.endpoints.all", "")
        .section("packages.basic.plans.free.services.page", "")
        .section("packages.basic.plans.free.services.report", "")
}

/// What the page has found out.
fn report(origin: &Origin) -> Value {
    let began = Instant::now();
    loop {
        let requests = origin.requests();
        if let Some(report) = requests.iter().find(|request| request.target() == "/report") {
            return serde_json::from_slice(&report.body).unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "{:?}", origin.targets());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_page_calls_an_api_of_another_origin() {
    let origin = Origin::answering(answer);
    let names = ["localhost", "api.localhost"];
    let gate = super::gate(house(&origin, "https://localhost"), &Authority::new(), &names);
    let page = format!("https://localhost:{}", gate.listener("secure").port());
    let secure = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    gate.apply(
        &house(&origin, &page)
            .section("listeners.secure", "address = \"127.0.0.1:0\"")
            .section("listeners.secure.tls.certificates.main", secure),
    );
    let _chromium = Chromium::open(&gate, &format!("{page}/page"));
    assert_eq!(
        report(&origin),
        json!({
            "version": "h2",
            "header": "200 2 shown",
            "query": "200 2 shown",
            "body": "200 2 shown",
            "keyless": format!("401 {} null", refused_length(&gate, "key_missing")),
            "unknown": format!("401 {} null", refused_length(&gate, "key_rejected")),
            "forbidden": "TypeError",
            "many": 30,
            "events": "one two three",
        })
    );
    // Neither a preflight nor the page's key reaches the upstream.
    for request in origin.requests() {
        assert_ne!(request.method(), "OPTIONS");
        assert!(!request.fields.has("x-api-key") && !request.target().contains("api_key"));
    }
}

/// How long a refusal is.
fn refused_length(gate: &Tollgate, code: &str) -> usize {
    let call = crate::support::Request::new(gate.listener("public"), "GET", "/orders");
    let call = call.host("api.localhost");
    let call = if code == "key_missing" { call } else { call.key("other") };
    call.send().refused(401, code).body.len()
}
