//! Private keys of listeners: no part of one is ever told.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use rustix::process::Signal;

use crate::support::{
    Authority, Config, Issued, Origin, TlsClient, Tollgate, tcp, tollgate, wait_for,
};

use super::sinks::{CANARY, hold_no_secret};

const HOST: &str = "api.example.com";
const MAIN: &str = "listeners.public.tls.certificates.main";

fn config(origin: &Origin, files: &str) -> Config {
    Config::new(origin)
        .section("log", "level = \"debug\"")
        .section("access_log", "path = \"access.log\"")
        .section(
            "listeners.public.tls",
            "client_certificate = \"optional\"\nclient_ca_file = \"ca.pem\"",
        )
        .section(MAIN, files)
}

/// Fails if a line of a private key stands in `said`.
fn hold_no_line(said: &str, issued: &Issued) {
    let lines = issued.key.lines().filter(|line| !line.starts_with("-----"));
    for line in lines {
        assert!(!said.contains(&line[..12]), "{said}");
    }
    assert!(!said.contains("PRIVATE KEY"), "{said}");
}

#[test]
fn a_gate_tells_nothing_of_its_keys() {
    let origin = Origin::start();
    let authority = Authority::new();
    let (issued, next) = (authority.issue(&[HOST]), authority.issue(&[HOST]));
    let folder = tempfile::tempdir().unwrap();
    issued.write(folder.path(), "main");
    fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let files = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    let bound = format!("client_certificates = [{:?}]", next.fingerprint());
    let config = config(&origin, files).key("bound", CANARY, &bound);
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    for (client, code) in [(&next, None), (&issued, Some("proof_invalid"))] {
        let client = TlsClient::presenting(&authority, client);
        let mut connection = client.http1(gate.data(), HOST);
        let answer = gate.get("/orders").key(CANARY).over(&mut connection);
        assert_eq!(answer.status, if code.is_some() { 401 } else { 200 }, "{answer:?}");
        hold_no_secret("an answer", &format!("{answer:?} {}", answer.text()));
    }
    let access_log = gate.folder().join("access.log");
    wait_for("two lines", || {
        let lines = fs::read_to_string(&access_log).unwrap_or_default();
        (lines.lines().count() == 2).then(|| hold_no_secret("the access log", &lines))
    });
    let mut stranger = tcp(gate.data()).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    stranger.read_to_end(&mut Vec::new()).unwrap();
    // A key where the chain belongs, another's key, half a key.
    let half = &next.key[..next.key.len() / 2];
    for (file, text) in [("main.pem", &*issued.key), ("main.key", &next.key), ("main.key", half)] {
        let refused = gate.metrics().sum(RELOADS, &[("result", "refused")]);
        fs::write(gate.folder().join(file), text).unwrap();
        gate.signal(Signal::HUP);
        gate.wait_for("a refusal", |metrics| {
            metrics.sum(RELOADS, &[("result", "refused")]) > refused
        });
    }
    for said in [gate.log(), gate.metrics().text().to_owned()] {
        hold_no_secret("log and metrics", &said);
        hold_no_line(&said, &issued);
        hold_no_line(&said, &next);
    }
    hold_no_line(&format!("{:?}", origin.requests()), &issued);
}

const RELOADS: &str = "tollgate_tls_certificate_reloads_total";

#[test]
fn a_key_in_a_wrong_place_of_a_document_is_not_repeated() {
    let origin = Origin::start();
    let issued = Authority::new().issue(&[HOST]);
    let quoted = format!("{:?}", issued.key);
    let folder = tempfile::tempdir().unwrap();
    issued.write(folder.path(), "main");
    fs::write(folder.path().join("ca.pem"), &issued.chain).unwrap();
    for files in [
        format!("certificate_file = \"main.pem\"\nkey_file = {quoted}"),
        format!("certificate_file = {quoted}\nkey_file = \"main.key\""),
        format!("certificate_file = \"main.pem\"\nkey_file = [{quoted}]"),
        format!("certificate_file = \"main.pem\"\nkey_file = \"main.key\"\nkey = {quoted}"),
        "certificate_file = \"main.key\"\nkey_file = \"main.pem\"".to_owned(),
        "certificate_file = \"main.key\"\nkey_file = \"main.key\"".to_owned(),
    ] {
        refuses(folder.path(), &config(&origin, &files), &issued);
    }
    let tls = format!("client_certificate = \"required\"\nclient_ca_file = {quoted}");
    let files = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    let config = config(&origin, files).section("listeners.public.tls", &tls);
    refuses(folder.path(), &config, &issued);
}

fn refuses(folder: &Path, config: &Config, issued: &Issued) {
    let document = folder.join("tollgate.toml");
    fs::write(&document, config.to_string()).unwrap();
    for command in ["check", "run"] {
        let finished = tollgate(&[command.as_ref(), "--config".as_ref(), document.as_os_str()], "");
        assert_eq!(finished.code, Some(2), "{finished:?}");
        hold_no_line(&finished.stderr, issued);
        hold_no_line(&finished.stdout, issued);
    }
}
