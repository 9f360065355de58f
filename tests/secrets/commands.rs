//! What commands say of a configuration and of their arguments.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Admin, Config, Finished, Origin, Tollgate, finish, tollgate};

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

#[test]
fn an_explanation_tells_no_key_to_anybody() {
    let origin = Origin::start();
    let config = Config::new(&origin)
        .section("log", "level = \"debug\"")
        .section("ops", "address = \"127.0.0.1:0\"\nexplain_socket = \"explain.sock\"")
        .key("good", CANARY, "")
        .key("bad", &format!("{CANARY}-bad"), "status = \"revoked\"");
    let gate = Tollgate::start(&config);
    let document = gate.config().to_str().unwrap().to_owned();
    let url = "http://api.example.com/orders";
    let long = CANARY.repeat(99);
    for key in [CANARY, &format!("{CANARY}-bad"), &format!("{CANARY}-unknown"), &long] {
        for more in [&[][..], &["--running"], &["--json"], &["--running", "--json"]] {
            let place = format!("{url}?api_key={{key}}");
            for url in [url, &place] {
                let mut arguments = vec!["explain", "--config", &document];
                arguments.extend(more);
                arguments.extend(["-H", "X-Api-Key: {key}", "GET", url]);
                let finished = tollgate(&arguments, key);
                assert!(matches!(finished.code, Some(0 | 4)), "{finished:?}");
                hold(&finished);
            }
        }
    }
    // Where it should not stand.
    let value = format!("X-Other: {CANARY}");
    let inside = format!("{url}/{CANARY}");
    for wrong in [
        &[CANARY, url][..],
        &["GET", CANARY],
        &["GET", &inside],
        &["GET", url, CANARY],
        &["-H", CANARY, "GET", url],
        &["-H", &value, "GET", url],
        &["--key-file", CANARY, "GET", url],
        &["--running", CANARY, url],
    ] {
        let arguments = [&["explain", "--config", &document], wrong].concat();
        let finished = tollgate(&arguments, CANARY);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        hold(&finished);
    }
    hold_no_secret("the log", &gate.log());
}

#[test]
fn the_question_that_a_process_is_asked_holds_no_key() {
    let origin = Origin::start();
    let folder = folder("");
    let config = Config::new(&origin)
        .section("digest", HMAC)
        .section("ops", "address = \"127.0.0.1:0\"\nexplain_socket = \"explain.sock\"")
        .without("keys");
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let socket = folder.path().join("explain.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o600)).unwrap();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        stream.write_all(b"{\"error\":\"no\"}\n").unwrap();
        line
    });
    let document = folder.path().join("tollgate.toml");
    let arguments = [
        "explain",
        "--running",
        "--config",
        document.to_str().unwrap(),
        "-H",
        "X-Api-Key: {key}",
        "GET",
        "http://api.example.com/orders?api_key={key}",
    ];
    let finished = tollgate(&arguments, CANARY);
    hold(&finished);
    let heard = heard.join().unwrap();
    assert!(heard.contains("hmac-sha256:"), "{heard}");
    hold_no_secret("the socket", &heard);
}

#[test]
fn no_command_at_a_control_plane_repeats_a_secret() {
    let origin = Origin::start();
    let config = Config::new(&origin).control().section("log", "level = \"debug\"");
    let gate = Tollgate::start(&config);
    let admin = Admin::first(&gate);
    let server = format!("http://{}", gate.admin());
    let home = folder("");
    let run = |arguments: &[&str], token: &str, input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(arguments).env("XDG_CONFIG_HOME", home.path());
        command.env("TOLLGATE_SERVER", &server).env("TOLLGATE_TOKEN", token);
        finish(&mut command, input)
    };
    let token = admin.tokens["access_token"].as_str().unwrap();
    let create = [
        "key",
        "create",
        "--application",
        "acme",
        "--package",
        "basic",
        "--plan",
        "free",
        "--status",
        "active",
        "--custom",
    ];
    // The key and its secret are neither told when they are taken nor when they are not.
    let key = CANARY.replace(['!', '/'], "_");
    let made = run(&create, token, &format!("{key}\n{SECRET}\n"));
    assert_eq!(made.code, Some(0), "{made:?}");
    hold(&made);
    assert!(!made.stdout.contains(&key), "{made:?}");
    for input in [
        format!("{key}\n{SECRET}\n"),
        format!("{CANARY}\n{SECRET}\n"),
        format!("{CANARY} {SECRET}"),
        format!("{CANARY}\n{SECRET}\n{SECRET}"),
        CANARY.repeat(99),
    ] {
        let refused = run(&create, token, &input);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        hold(&refused);
    }
    gate.get("/orders").key(&key).send().admitted();
    // Where they should not stand.
    for verb in ["show", "suspend", "activate", "watch"] {
        hold(&run(&["key", verb, CANARY], token, ""));
        hold(&run(&["key", verb, CANARY, SECRET], token, ""));
    }
    hold(&run(&["key", "revoke", "--yes", CANARY], token, ""));
    for wrong in [
        &["key", CANARY][..],
        &["key", "list", CANARY],
        &["key", "list", "--application", CANARY],
        &["key", "list", "--token-file", CANARY],
        &["key", "list", "--token", CANARY],
        &["key", "list", "--server", CANARY],
        &["key", "list", "--server", "https://someone:CANARY@127.0.0.1"],
        &["key", "import", CANARY],
        &["key", "import", "/dev/null", "--destination", CANARY],
        &["key", "import", "/dev/null", "--plan", CANARY],
        &["key", "import", "/dev/null", "--map", CANARY],
        &["key", "list", "--ca-file", CANARY, "--server", "https://127.0.0.1:1"],
        &["key", "list", "--key-sets", "--within", CANARY],
        &["login", CANARY],
        &["login", "--password", CANARY],
        &["login", "--credentials", CANARY],
        &["logout", CANARY],
    ] {
        let failed = run(wrong, token, "");
        assert!(matches!(failed.code, Some(2 | 8)), "{failed:?}");
        hold(&failed);
        assert!(!failed.stderr.contains("CANARY"), "{failed:?}");
    }
    // Documents with rows that cannot be imported.
    for (format, document) in [
        (
            "tollgate",
            format!(
                "{{\"tollgate\":\"keys\",\"version\":1}}\n\
                 {{\"key\":\"{CANARY}\",\"secret\":\"{SECRET}\",\"state\":\"active\"}}\n{CANARY}\n"
            ),
        ),
        (
            "kong",
            format!("consumers: [{{username: jo, keyauth_credentials: [{{key: \"{CANARY}\"}}]}}]"),
        ),
        ("kong", format!("consumers: {CANARY}\n- {SECRET}")),
        (
            "apisix",
            format!(
                "[{{\"username\": \"jo\", \"plugins\": {{\"key-auth\": {{\"key\": \"{CANARY}\"}}}}}}]"
            ),
        ),
        ("aws", format!("name,key\na,{CANARY}\n{SECRET}\n")),
        ("tyk", format!("{{\"{CANARY}\": {{\"oauth_client_id\": \"{SECRET}\"}}}}")),
        (
            "v3",
            format!(
                "[{{\"apikey\": \"{CANARY}\", \"secret\": \"{SECRET}\", \"status\": \"{CANARY}\"}}]"
            ),
        ),
    ] {
        for more in [&[][..], &["--dry-run"], &["--json"]] {
            let import = ["key", "import", "-", "--format", format, "--plan", "basic/free"];
            let import = [&import[..], &["--owner", "jo"], more].concat();
            let refused = run(&import, token, &document);
            assert_eq!(refused.code, Some(2), "{format}: {refused:?}");
            hold(&refused);
        }
    }
    // A token, and what somebody logs in with.
    let refused = run(&["key", "list"], &key, "");
    assert_eq!(refused.code, Some(6), "{refused:?}");
    hold(&refused);
    hold(&run(&["key", "list"], CANARY, ""));
    let credentials = home.path().join("credentials");
    for text in [
        format!(
            "username = \"admin\"\npassword = \"{CANARY}\"\nclient = \"tollgate\"\n\
                 client_secret = \"{SECRET}\"\n"
        ),
        format!("username = \"{CANARY}\"\npassword = \"{SECRET}\"\n"),
        format!("password = {CANARY}"),
    ] {
        fs::write(&credentials, text).unwrap();
        fs::set_permissions(&credentials, Permissions::from_mode(0o600)).unwrap();
        let login = ["login", "--credentials", credentials.to_str().unwrap()];
        let refused = run(&login, "", "");
        assert!(matches!(refused.code, Some(2 | 6)), "{refused:?}");
        hold(&refused);
    }
    let log = gate.log();
    assert!(log.contains("admin request"), "{log}");
    hold_no_secret("the log", &log);
    assert!(!log.contains(token) && !log.contains(&key), "{log}");
}
