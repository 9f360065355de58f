//! Clients that come by a Unix socket: they have no address.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::Signal;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

use super::proxy_protocol::{v1, v2_from};
use crate::support::{
    Authority, Config, Connection, Http1, Http2, Origin, PATIENCE, TlsClient, Tollgate, tollgate,
    wait_for,
};

const HOME: [u8; 4] = [192, 0, 2, 7];

/// A listener at a socket in the folder of the configuration, beside the one of TCP.
struct House {
    folder: TempDir,
    config: Config,
}

impl House {
    fn new(origin: &Origin, listener: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let address = format!("address = \"unix:{}\"\n", socket(folder.path()).display());
        let config = Config::new(origin)
            .section("listeners.local", &(address + listener))
            .section("access_log", "path = \"access.log\"")
            .section("strangers", "rate = 1\nburst = 3")
            .key("acme-1", "demo", "")
            .key("acme-2", "home", "allowed_sources = [\"192.0.2.0/24\"]")
            .key("acme-3", "everywhere", "allowed_sources = [\"0.0.0.0/0\", \"::/0\"]");
        Self { folder, config }
    }

    fn write(self) -> TempDir {
        fs::write(self.folder.path().join("tollgate.toml"), self.config.to_string()).unwrap();
        self.folder
    }

    fn start(self) -> Tollgate {
        Tollgate::start_in(self.write(), "tollgate.toml")
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("data.sock")
}

fn stream(gate: &Tollgate) -> UnixStream {
    let stream = UnixStream::connect(socket(gate.folder())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn connect(gate: &Tollgate) -> Http1 {
    Http1::over(stream(gate))
}

fn after(first: &[u8], gate: &Tollgate) -> Http1 {
    let mut connection = connect(gate);
    connection.write_bytes(first);
    connection
}

#[test]
fn whoever_comes_by_a_socket_comes_from_no_network() {
    let origin = Origin::start();
    let gate = House::new(&origin, "").start();
    let call = gate.get("/orders").key("demo").header("X-Forwarded-For", "192.0.2.7");
    connect(&gate).send(&call).admitted();
    Http2::connect_unix(b"", &socket(gate.folder())).send(&call).admitted();
    for request in origin.requests() {
        assert!(!request.fields.has("x-forwarded-for"));
        assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    }
    for key in ["home", "everywhere"] {
        let call = gate.get("/orders").key(key);
        connect(&gate).send(&call).refused(403, "source_not_allowed");
    }
    let lines = wait_for("lines of the log", || {
        let text = fs::read_to_string(gate.folder().join("access.log")).unwrap_or_default();
        Some(text).filter(|text| text.lines().count() == 4)
    });
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["client"], &line["listener"]), (&Value::Null, &"local".into()));
    }
    // Guesses stand against whoever comes by it, and against nobody else.
    let guess = gate.get("/orders").key("guess");
    wait_for("a throttled answer", || (connect(&gate).send(&guess).status == 429).then_some(()));
    guess.send().refused(401, "key_rejected");
}

#[test]
fn a_trusted_socket_is_believed_of_whom_it_speaks_for() {
    let origin = Origin::start();
    let gate = House::new(&origin, "trusted_proxies = [\"unix:\"]").start();
    let call = gate.get("/orders").key("home");
    let told = call.clone().header("X-Forwarded-For", "6.6.6.6, 192.0.2.7");
    connect(&gate).send(&told).admitted();
    connect(&gate).send(&call).refused(403, "source_not_allowed");
    assert_eq!(origin.request().header("x-forwarded-for"), Some("192.0.2.7"));
}

#[test]
fn a_proxy_announces_its_client_by_a_socket() {
    let origin = Origin::start();
    let listener = "trusted_proxies = [\"unix:\"]\nproxy_protocol = \"required\"\n\
                    header_timeout = \"300ms\"";
    let gate = House::new(&origin, listener).start();
    let call = gate.get("/orders").key("home");
    for header in [v1(HOME), v2_from(HOME)] {
        let mut connection = after(&header, &gate);
        connection.send(&call).admitted();
        connection.send(&call).admitted();
        Http2::connect_unix(&header, &socket(gate.folder())).send(&call).admitted();
        let mut pieces = connect(&gate);
        for byte in header.iter().chain(&call.bytes()) {
            pieces.write_bytes([*byte]);
        }
        pieces.read().admitted();
    }
    let mut nobody = after(b"PROXY UNKNOWN\r\n", &gate);
    nobody.send(&call).refused(403, "source_not_allowed");
    assert!(after(&call.bytes(), &gate).ends());
    assert!(connect(&gate).ends());
    let metrics = gate.metrics();
    for reason in ["proxy_malformed", "proxy_timeout"] {
        let labels = [("listener", "local"), ("reason", reason)];
        assert_eq!(metrics.sum("tollgate_connections_refused_total", &labels), 1.0);
    }
}

#[test]
fn all_of_a_socket_are_one_source() {
    let origin = Origin::start();
    let gate = House::new(&origin, "max_connections_per_source = 2").start();
    let call = gate.get("/orders").key("demo");
    let mut held = [connect(&gate), connect(&gate)];
    held.iter_mut().for_each(|connection| drop(connection.send(&call).admitted()));
    let mut one_too_many = connect(&gate);
    one_too_many.write(&call);
    assert!(one_too_many.ends());
    call.send().admitted();
    drop(held);
    wait_for("room", || {
        let mut connection = connect(&gate);
        connection.write(&call);
        connection.try_read().is_ok_and(|answer| answer.is_some()).then_some(())
    });
}

#[test]
fn a_socket_takes_tls() {
    let origin = Origin::start();
    let authority = Authority::new();
    let mut house = House::new(&origin, "");
    authority.issue(&["localhost"]).write(house.folder.path(), "main");
    let certificate = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    house.config = house.config.section("listeners.local.tls.certificates.main", certificate);
    let gate = house.start();
    let client = TlsClient::new(&authority);
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::clone(&client.config()), name).unwrap();
    let mut connection = Http1::over(StreamOwned::new(session, stream(&gate)));
    connection.send(&gate.get("/orders").key("demo")).admitted();
    assert_eq!(origin.request().header("x-forwarded-proto"), Some("https"));
}

#[test]
fn connections_by_a_socket_are_spread_too() {
    let origin = Origin::start();
    let gate = House::new(&origin, "").start();
    let call = gate.get("/orders").key("demo");
    let mut held: Vec<_> = (0..6).map(|_| connect(&gate)).collect();
    held.iter_mut().for_each(|connection| drop(connection.send(&call).admitted()));
    assert_eq!(gate.metrics().connections(2), [3.0, 3.0]);
}

#[test]
fn the_file_has_its_mode_and_goes_with_the_process() {
    let origin = Origin::start();
    for (listener, mode) in [("", 0o660), ("socket_mode = \"0600\"", 0o600)] {
        let mut gate = House::new(&origin, listener).start();
        let path = socket(gate.folder());
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, mode);
        // One that was killed leaves it to the next.
        gate = gate.restart();
        connect(&gate).send(&gate.get("/orders").key("demo")).admitted();
        gate.signal(Signal::TERM);
        assert_eq!(gate.exit_code(), 0, "{}", gate.log());
        assert!(!path.exists());
    }
}

#[test]
fn nothing_of_others_is_replaced() {
    let origin = Origin::start();
    let folder = House::new(&origin, "").write();
    let (file, path) = (folder.path().join("tollgate.toml"), socket(folder.path()));
    let refused = |why: &str| {
        let finished = tollgate(&["run", "--config", file.to_str().unwrap()], "");
        assert_ne!(finished.code, Some(0));
        let said = format!("cannot listen on unix:{}: {why}", path.display());
        assert!(finished.stderr.contains(&said), "{}", finished.stderr);
    };
    let theirs = UnixListener::bind(&path).unwrap();
    refused("another process answers there");
    assert!(path.exists());
    drop(theirs);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "mine").unwrap();
    refused("something else than a socket stands there");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_file(&path).unwrap();
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    refused("others can write to its folder");
}
