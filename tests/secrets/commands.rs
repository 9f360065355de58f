//! What commands say of a configuration and of their arguments.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Config, Finished, Origin, Tollgate, tollgate};

use super::sinks::{CANARY, PEPPER, SECRET, hold_no_secret};

const HMAC: &str = "scheme = \"hmac-sha256\"\npepper_file = \"pepper\"";

/// A folder with a document and a pepper that only its owner can read.
fn folder(document: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tollgate.toml"), document).unwrap();
    fs::write(folder.path().join("pepper"), format!("{PEPPER}\n")).unwrap();
    fs::set_permissions(folder.path().join("pepper"), Permissions::from_mode(0o600)).unwrap();
    folder
}

fn run(command: &str, folder: &Path, input: &str) -> Finished {
    let document = folder.join("tollgate.toml");
    tollgate(&[command, "--config", document.to_str().unwrap()], input)
}

fn hold(finished: &Finished) {
    hold_no_secret("standard output", &finished.stdout);
    hold_no_secret("standard error", &finished.stderr);
}

#[test]
fn no_problem_of_a_document_repeats_a_secret() {
    let origin = Origin::start();
    let config = Config::new(&origin);
    let key = |body: &str| config.clone().section("keys.next", body).to_string();
    let digest = |body: &str| config.clone().section("digest", body).to_string();
    for document in [
        key(&format!("digest = \"{CANARY}\"")),
        key(&format!("digest = \"sha256:{CANARY}\"")),
        key(&format!("digest = \"{CANARY}")),
        key(&format!("digest = {CANARY}")),
        key(&format!("digest = [\"{CANARY}\"]")),
        key(&format!("digest = {{ key = \"{CANARY}\" }}")),
        key(&format!("apikey = \"{CANARY}\"")),
        key(CANARY),
        key(&format!("secret = \"{SECRET}\"")),
        key(&format!("secret_digest = \"{SECRET}\"")),
        key(&format!("wrapped_secret = \"{SECRET}\"")),
        key(&format!("wrapped_secret = \"wrapped:v1:{SECRET}\"")),
        key(&format!("wrapped_secret = [\"{SECRET}\"]")),
        key(&format!("secret_digest = [\"{SECRET}\"]")),
        key(&format!("secret_digest = {{ secret = \"{SECRET}\" }}")),
        digest(&format!("scheme = \"hmac-sha256\"\npepper = \"{PEPPER}\"")),
        digest(&format!("{HMAC}\npepper_fingerprint = \"0123456789abcdef\"")),
        digest(&format!("{HMAC}\npepper_fingerprint = \"{PEPPER}\"")),
        digest(&format!("scheme = \"hmac-sha256\"\npepper_file = \"{PEPPER}\"")),
        digest(&format!("scheme = \"hmac-sha256\"\npepper_file = \"a/{PEPPER}/b\"")),
        digest(&format!("scheme = \"sha256\"\npepper_file = \"{PEPPER}\"")),
        digest(&format!("scheme = \"hmac-sha256\"\npepper_file = [\"{PEPPER}\"]")),
    ] {
        let folder = folder(&document);
        for command in ["check", "run", "digest", "health"] {
            let finished = run(command, folder.path(), "a-key");
            assert_eq!(finished.code, Some(2), "{command}: {finished:?}\n{document}");
            hold(&finished);
        }
    }
}

#[test]
fn no_command_repeats_the_key_that_it_was_given() {
    for arguments in [&["digest", CANARY][..], &["check", CANARY], &["run", CANARY], &[CANARY]] {
        let finished = tollgate(arguments, "");
        assert_eq!(finished.code, Some(2), "{finished:?}");
        hold(&finished);
    }
    for input in [&format!("{CANARY} {CANARY}"), &CANARY.repeat(99), &format!("{CANARY}\n\n")] {
        let finished = tollgate(&["digest"], input);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        hold(&finished);
    }
    // One that is warned of, one that is not.
    for key in [CANARY, &CANARY.repeat(3)] {
        let finished = tollgate(&["digest"], key);
        assert_eq!(finished.code, Some(0));
        hold(&finished);
    }
    let origin = Origin::start();
    let config = Config::new(&origin).root("key_brand = \"Canary\"");
    let branded = folder(&config.to_string());
    let finished = run("digest", branded.path(), &CANARY.replace('!', "_"));
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(!finished.stderr.contains("9Qz"), "{finished:?}");
    for input in [
        CANARY,
        &format!("{CANARY}\n"),
        &format!("{CANARY}\n\n"),
        &format!("\n{SECRET}\n"),
        &format!("{CANARY}\n{SECRET} {SECRET}\n"),
        &format!("{CANARY}\n{SECRET}\n{SECRET}\n"),
        &format!("{CANARY}\n{CANARY}\n"),
        &format!("{CANARY}\n{}\n", SECRET.repeat(99)),
    ] {
        let finished = tollgate(&["digest", "--with-secret"], input);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        hold(&finished);
    }
    let finished = tollgate(&["digest", "--with-secret"], &format!("{CANARY}\n{SECRET}\n"));
    assert_eq!(finished.code, Some(0));
    hold(&finished);
}

#[test]
fn no_pepper_is_told_by_a_gate_that_uses_it() {
    let origin = Origin::start();
    let config = Config::new(&origin)
        .section("digest", HMAC)
        .section("log", "level = \"debug\"")
        .without("keys.acme-1");
    let folder = folder(&config.to_string());
    let digest = run("digest", folder.path(), CANARY);
    hold(&digest);
    let made = digest.stdout.trim();
    assert!(made.starts_with("hmac-sha256:"), "{digest:?}");
    let body = Config::key_body(CANARY, "");
    let (_, more) = body.split_once('\n').unwrap();
    let config = config.section("keys.good", &format!("digest = \"{made}\"\n{more}"));
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    hold(&run("check", folder.path(), ""));
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    gate.get("/orders").key(CANARY).send().admitted();
    gate.get("/orders").key(&format!("{CANARY}x")).send().refused(401, "key_rejected");
    // Others can read it now.
    fs::set_permissions(gate.folder().join("pepper"), Permissions::from_mode(0o644)).unwrap();
    let before = gate.metrics().reloads("refused");
    gate.reload();
    assert!(gate.metrics().reloads("refused") > before);
    gate.get("/orders").key(CANARY).send().admitted();
    hold_no_secret("metrics", gate.metrics().text());
    hold_no_secret("the log", &gate.log());
    hold_no_secret("the upstream's record", &format!("{:?}", origin.requests()));
}
