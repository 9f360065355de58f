//! The socket: whom it lets in, what it takes, and what becomes of it; and the arguments.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use rustix::process::Signal;
use tempfile::TempDir;

use super::{ADMITTED, FAILED, REFUSED, SOCKET, WRONG, ask, house};
use crate::support::{Config, Finished, Origin, Tollgate, digest, tollgate};

fn socket(gate: &Tollgate) -> PathBuf {
    gate.folder().join(SOCKET)
}

/// What the socket answers to these bytes.
fn say(gate: &Tollgate, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket(gate)).unwrap();
    // It may have closed before it has read all of too much.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn only_its_owner_can_ask_and_it_goes_with_its_process() {
    let origin = Origin::start();
    let mut gate = Tollgate::start(&house(&origin));
    let mode = fs::metadata(socket(&gate)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let beside: Vec<_> = fs::read_dir(gate.folder()).unwrap().map(|each| each.unwrap()).collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
    assert!(!socket(&gate).exists());
    let finished = ask(&gate, &["--running"], "GET", "/orders", "demo");
    assert_eq!(finished.code, Some(FAILED), "{finished:?}");
    assert!(finished.stderr.contains("nothing answers at"), "{finished:?}");
}

/// Why a gate does not start with its socket in this folder.
fn complaint(folder: &TempDir, origin: &Origin) -> String {
    let path = folder.path().join("tollgate.toml");
    fs::write(&path, house(origin).to_string()).unwrap();
    let finished = tollgate(&["run", "--config", path.to_str().unwrap()], "");
    assert_eq!(finished.code, Some(FAILED), "{finished:?}");
    finished.stderr
}

#[test]
fn a_socket_that_is_left_over_is_replaced_and_nothing_else_is() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SOCKET);
    let living = UnixListener::bind(&path).unwrap();
    assert!(complaint(&folder, &origin).contains("another process answers there"));
    drop(living);
    assert!(path.exists(), "a dead socket stays");
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    let finished = ask(&gate, &["--running"], "GET", "/orders", "demo");
    assert_eq!(finished.code, Some(ADMITTED), "{finished:?}");

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(SOCKET), "precious").unwrap();
    assert!(complaint(&folder, &origin).contains("something else than a socket stands there"));
    assert_eq!(fs::read_to_string(folder.path().join(SOCKET)).unwrap(), "precious");

    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(complaint(&folder, &origin).contains("others can write to its folder"));
}

#[test]
fn what_is_no_question_gets_an_error_and_the_next_one_an_answer() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let long = [b"x".repeat(100_000), b"\n".to_vec()].concat();
    for bytes in [&b""[..], b"\n", b"{}\n", b"[1]\n", b"null\n", b"\xff\n", b"{\"key\"", &long] {
        let answer = say(&gate, bytes);
        // A line that is too long may be cut off before its answer is read.
        assert!(
            answer.is_empty() && bytes.len() > 1000 || answer.starts_with("{\"error\":\"expected"),
            "{answer}"
        );
    }
    let digest = format!("{{\"current\":\"sha256:{}\",\"previous\":null}}", "0".repeat(64));
    let question = |target: &str, key: &str, probe: &str| {
        format!(
            "{{\"http_method\":\"GET\",\"target\":\"{target}\",\"headers\":[],\
             \"source\":\"::1\",\"key\":{key},\
             \"probe\":{probe}}}\n"
        )
    };
    for (line, error) in [
        (question("/", "\"missing\"", &digest), "other schemes"),
        (question("a b", "\"missing\"", &digest), "found a URL"),
        (question("/", "\"secret\"", &digest), "expected a question"),
        (question("/", "{\"digests\":\"canary\"}", &digest), "expected a question"),
        (question("/", "\"missing\"", "1"), "expected a question"),
        (question("/", "\"missing\",\"more\":1", &digest), "expected a question"),
    ] {
        let answer = say(&gate, line.as_bytes());
        assert!(answer.contains(error), "{line}{answer}");
    }
    let idle: Vec<_> = (0..3).map(|_| UnixStream::connect(socket(&gate)).unwrap()).collect();
    let finished = ask(&gate, &["--running"], "GET", "/orders", "demo");
    assert_eq!(finished.code, Some(ADMITTED), "{finished:?}");
    drop(idle);
}

fn refuses(finished: &Finished, words: &str) {
    assert_eq!(finished.code, Some(WRONG), "{finished:?}");
    assert!(finished.stderr.contains(words), "{words}: {finished:?}");
    assert!(finished.stdout.is_empty(), "{finished:?}");
}

#[test]
fn wrong_arguments_are_told_apart_from_refusals() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let long = "a-key-of-more-than-eight";
    for (more, http_method, target, key, words) in [
        (&["-H", "no colon"][..], "GET", "/", "demo", "a header field without a colon"),
        (&["-H", "a b: c"], "GET", "/", "demo", "a header field that is none"),
        (&["--from", "nowhere"], "GET", "/", "demo", "an address that is none"),
        (&[], "G T", "/", "demo", "a method that HTTP does not know"),
        (&[], "GET", "/ b", "demo", "a URL that is none"),
        (&[], "GET", "/orders?a=a-key-of-more-than-eight", long, "the arguments hold the key"),
        (&["-H", "A: a-key-of-more-than-eight"], "GET", "/", long, "the arguments hold the key"),
    ] {
        refuses(&ask(&gate, more, http_method, target, key), words);
    }
    // A key that is not the one given.
    let more = &["--running", "-H", "X-Api-Key: other"];
    refuses(&ask(&gate, more, "GET", "/orders", "demo"), "the arguments hold a key");
    let body = format!("{}secret_digest = \"{}\"", Config::key_body("demo", ""), digest("secret"));
    gate.apply(
        &Config::new(&origin)
            .section("services.orders.proof", "kind = \"secret\"")
            .section("keys.acme-1", &body),
    );
    let more = &["-H", "X-Api-Secret: secret"];
    refuses(&ask(&gate, more, "GET", "/orders", "demo"), "the arguments hold a proof");
    let finished = ask(&gate, &[], "GET", "/orders", "demo");
    assert_eq!(finished.code, Some(ADMITTED), "{finished:?}");
    let line = "proof      asked for in header x-api-secret; taken to be right\n";
    assert!(finished.stdout.contains(line), "{finished:?}");
    // No socket, in file and process.
    let finished = ask(&gate, &["--running"], "GET", "/orders", "demo");
    assert_eq!(finished.code, Some(FAILED), "{finished:?}");
    assert!(finished.stderr.contains("expected explain_socket in [ops]"), "{finished:?}");
    fs::write(gate.config(), "listeners = 7").unwrap();
    refuses(&ask(&gate, &[], "GET", "/orders", "demo"), "listeners");
}

#[test]
fn a_key_can_stand_in_a_file_of_its_owner() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let file = gate.folder().join("key");
    fs::write(&file, "demo\n").unwrap();
    let path = file.to_str().unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    refuses(&ask(&gate, &["--key-file", path], "GET", "/orders", ""), "open to others");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let finished = ask(&gate, &["--key-file", path], "GET", "/orders", "");
    assert_eq!(finished.code, Some(ADMITTED), "{finished:?}");
    let finished = ask(&gate, &[], "GET", "/orders", "");
    assert_eq!(finished.code, Some(REFUSED), "no key: {finished:?}");
}

#[test]
fn a_process_of_other_schemes_does_not_answer() {
    let origin = Origin::start();
    let config = house(&origin);
    let gate = Tollgate::start(&config);
    let pepper = gate.folder().join("pepper");
    fs::write(&pepper, "0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(&pepper, Permissions::from_mode(0o600)).unwrap();
    let digest = "scheme = \"hmac-sha256\"\npepper_file = \"pepper\"";
    // With other settings of the process, so that it does not follow.
    let other = config.section("digest", digest).without("keys").section("log", "level = \"warn\"");
    gate.refuses(&other);
    let finished = ask(&gate, &["--running"], "GET", "/orders", "demo");
    assert_eq!(finished.code, Some(FAILED), "{finished:?}");
    assert!(finished.stderr.contains("digests keys by other schemes"), "{finished:?}");
}
