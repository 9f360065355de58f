//! TLS to PostgreSQL: the real server, and certificates made for it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;

use postgres::{Client, NoTls};
use serde_json::json;
use tempfile::TempDir;

use super::server::Server;
use crate::support::{Admin, Authority, Config, Finished, Origin, Tollgate, tollgate};

/// The name that the server's certificate is for. That it leads to this machine, only the URL says.
const HOST: &str = "db.example";

/// A server with TLS, and what vouches for it.
struct Secured {
    server: Server,
    port: u16,
    authority: Authority,
    /// Takes a password, bound to its certificate.
    by_password: String,
    /// Takes whoever presents a certificate of the authority.
    by_certificate: String,
}

/// Nobody comes in by the network without TLS.
const WHO_COMES_IN: &str = "\
    local all all trust\n\
    hostssl test0 all 127.0.0.1/32 scram-sha-256\n\
    hostssl test1 all 127.0.0.1/32 trust clientcert=verify-ca\n";

impl Secured {
    fn shared() -> &'static Self {
        static SECURED: OnceLock<Secured> = OnceLock::new();
        SECURED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let authority = Authority::new();
        let issued = authority.issue(&[HOST]);
        let port = free_port();
        let settings = [
            "listen_addresses=127.0.0.1",
            "ssl=on",
            "ssl_cert_file=server.pem",
            "ssl_key_file=server.key",
            "ssl_ca_file=ca.pem",
        ];
        let files = [
            ("server.pem", &*issued.chain),
            ("server.key", &*issued.key),
            ("ca.pem", &*authority.pem()),
            ("pg_hba.conf", WHO_COMES_IN),
        ];
        let server = Server::start(port, &settings, &files);
        let [by_password, by_certificate] = [server.database(), server.database()];
        let mut client = Client::connect(&by_password, NoTls).unwrap();
        client.batch_execute("ALTER USER postgres PASSWORD 'canary'").unwrap();
        Self { server, port, authority, by_password, by_certificate }
    }

    /// The URL of a database, by the name of the host.
    fn url(&self, database: &str, host: &str) -> String {
        let port = self.port;
        format!("postgresql://postgres@{host}:{port}/{database}?hostaddr=127.0.0.1")
    }

    /// A folder with a configuration of this store, the authority and the password.
    fn folder(&self, control: &str, origin: &Origin) -> TempDir {
        let folder = TempDir::new().unwrap();
        let control = format!("address = \"127.0.0.1:0\"\n{control}");
        let config = Config::new(origin).section("control", &control);
        write(folder.path(), "tollgate.toml", &config.to_string());
        write(folder.path(), "store.password", "canary\n");
        write(folder.path(), "ca.pem", &self.authority.pem());
        self.authority.issue(&["gate.example"]).write(folder.path(), "gate");
        write(folder.path(), "other-ca.pem", &Authority::new().pem());
        folder
    }

    /// Why no gate starts with this.
    fn refused(&self, control: &str) -> Finished {
        let origin = Origin::start();
        let folder = self.folder(control, &origin);
        let config = folder.path().join("tollgate.toml");
        let finished = tollgate(&["run", "--config", config.to_str().unwrap()], "");
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(!finished.stderr.contains("canary"), "{finished:?}");
        finished
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
    fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a gate, has it write, and counts its connections, all of which are to be over TLS.
fn works(secured: &Secured, control: &str, database: &str) {
    let origin = Origin::start();
    let gate = Tollgate::start_in(secured.folder(control, &origin), "tollgate.toml");
    let admin = Admin::first(&gate);
    let body = json!({
        "package": { "id": "basic" }, "plan": { "id": "free" }, "apikey": "over-tls",
        "status": "active",
    });
    admin.make("/applications/acme/packageKeys", &body);
    gate.get("/orders/1").header("X-Api-Key", "over-tls").send().admitted();
    let mut client = Client::connect(database, NoTls).unwrap();
    let query = "SELECT count(*), count(*) FILTER (WHERE ssl AND version LIKE 'TLSv1.%') \
                 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE application_name = 'tollgate' AND datname = current_database()";
    let row = client.query_one(query, &[]).unwrap();
    let (all, over_tls) = (row.get::<_, i64>(0), row.get::<_, i64>(1));
    assert!(all >= 3, "one that writes, one that reads, one that listens: {all}");
    assert_eq!(all, over_tls);
}

#[test]
fn a_host_elsewhere_is_spoken_to_over_tls_that_the_password_is_bound_to() {
    let secured = Secured::shared();
    let store = secured.url("test0", HOST) + "&channel_binding=require";
    let control = format!(
        "store = \"{store}\"\nstore_password_file = \"store.password\"\nstore_ca_file = \"ca.pem\""
    );
    works(secured, &control, &secured.by_password);
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_the_one_that_is_configured() {
    let secured = Secured::shared();
    let control = |more: &str| {
        let store = secured.url("test1", HOST);
        format!("store = \"{store}\"\nstore_ca_file = \"ca.pem\"\n{more}")
    };
    let without = secured.refused(&control(""));
    assert!(without.stderr.contains("the server says: connection requires a valid client"));
    let files = "store_certificate_file = \"gate.pem\"\nstore_key_file = \"gate.key\"";
    works(secured, &control(files), &secured.by_certificate);
}

#[test]
fn a_server_that_is_not_beyond_doubt_is_refused_with_the_field_that_says_who_it_is() {
    let secured = Secured::shared();
    let password = "store_password_file = \"store.password\"";
    let of = |host: &str, more: &str| {
        secured.refused(&format!("store = \"{}\"\n{password}\n{more}", secured.url("test0", host)))
    };
    let authority = "expected its authority's in control.store_ca_file";
    for other in ["", "store_ca_file = \"other-ca.pem\""] {
        let refused = of(HOST, other);
        assert!(refused.stderr.contains(authority), "{refused:?}");
    }
    let name = of("other.example", "store_ca_file = \"ca.pem\"");
    assert!(name.stderr.contains("for the host that control.store names"), "{name:?}");
    let asked = of("localhost", "store_tls = \"verify-full\"\nstore_ca_file = \"ca.pem\"");
    assert!(asked.stderr.contains("for the host that control.store names"), "{asked:?}");
    // Where nothing is asked of it, it is this server that refuses.
    for plain in [of("localhost", ""), of(HOST, "store_tls = \"disable\"")] {
        assert!(plain.stderr.contains("the server says: no pg_hba.conf entry"), "{plain:?}");
    }
}

#[test]
fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let secured = Secured::shared();
    let port = free_port();
    let plain = Server::start(port, &["listen_addresses=127.0.0.1"], &[]);
    let database = plain.database();
    let url = format!("postgresql://postgres@{HOST}:{port}/test0?hostaddr=127.0.0.1");
    let store = format!("store = \"{url}\"\nstore_ca_file = \"ca.pem\"");
    let refused = secured.refused(&store);
    assert!(refused.stderr.contains("which control.store_tls asks for"), "{refused:?}");
    // It would have been taken.
    let mut client = Client::connect(&database, NoTls).unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'feed'";
    assert_eq!(client.query_one(tables, &[]).unwrap().get::<_, i64>(0), 0);
    let origin = Origin::start();
    let plainly = secured.folder(&format!("store = \"{url}\"\nstore_tls = \"disable\""), &origin);
    Tollgate::start_in(plainly, "tollgate.toml");
    assert_eq!(client.query_one(tables, &[]).unwrap().get::<_, i64>(0), 1);
    drop(secured.server.database());
}

#[test]
fn files_that_cannot_be_used_are_told_before_the_start() {
    let secured = Secured::shared();
    let origin = Origin::start();
    let said = |more: &str| {
        let control = format!("store = \"{}\"\n{more}", secured.url("test0", HOST));
        let folder = secured.folder(&control, &origin);
        let key = folder.path().join("gate.key");
        fs::set_permissions(folder.path().join("ca.pem"), Permissions::from_mode(0o644)).unwrap();
        if more.contains("open.key") {
            fs::copy(&key, folder.path().join("open.key")).unwrap();
            let open = Permissions::from_mode(0o644);
            fs::set_permissions(folder.path().join("open.key"), open).unwrap();
        }
        let config = folder.path().join("tollgate.toml");
        let finished = tollgate(&["check", "--config", config.to_str().unwrap()], "");
        (finished.code, finished.stderr)
    };
    let files = |certificate: &str, key: &str| {
        format!("store_certificate_file = \"{certificate}\"\nstore_key_file = \"{key}\"")
    };
    for (more, words) in [
        ("store_ca_file = \"nothing.pem\"".to_owned(), "control.store_ca_file: the file cannot"),
        ("store_ca_file = \"gate.key\"".to_owned(), "store_ca_file: the file holds no certificate"),
        (files("gate.key", "gate.key"), "store_certificate_file: the file holds no certificate"),
        (files("gate.pem", "store.password"), "store_key_file: the file holds no private key"),
        (files("ca.pem", "gate.key"), "store_key_file: the private key is not that of"),
        (files("gate.pem", "open.key"), "expected mode 0600 or 0400"),
    ] {
        let (code, stderr) = said(&more);
        assert_eq!(code, Some(2), "{more}: {stderr}");
        assert!(stderr.contains(words) && stderr.lines().count() == 1, "{more}: {stderr}");
        assert!(!stderr.contains("canary"), "{more}: {stderr}");
    }
    assert_eq!(said("store_ca_file = \"ca.pem\"").0, Some(0));
}
