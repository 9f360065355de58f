//! The admin API over TLS.

use crate::support::{
    Authority, Config, Origin, TlsClient, Tollgate, first_administrator, wait_for,
};

#[test]
fn an_address_that_others_can_reach_takes_tls() {
    let origin = Origin::start();
    let authority = Authority::new();
    let folder = tempfile::TempDir::new().unwrap();
    authority.issue(&["admin.example"]).write(folder.path(), "admin");
    let config = Config::new(&origin).section("control", "address = \"0.0.0.0:0\"").section(
        "control.tls.certificates.main",
        "certificate_file = \"admin.pem\"\nkey_file = \"admin.key\"",
    );
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    let port = wait_for("the port of the admin API", || {
        let log = gate.log();
        let line = log.lines().find(|line| line.ends_with(" (admin)"))?;
        line.strip_prefix("listening on https://0.0.0.0:")?.strip_suffix(" (admin)")?.parse().ok()
    });
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    first_administrator(&gate);
    let mut secure = TlsClient::new(&authority).http1(address, "admin.example");
    let refused = secure.ask("GET /v3/rest/members HTTP/1.1\r\nHost: admin.example\r\n\r\n");
    assert_eq!(refused.header("x-mashery-error-code"), Some("ERR_403_DEVELOPER_INACTIVE"));
    // Nobody is heard in the clear.
    let mut plain = crate::support::Http1::connect(address);
    plain.write_bytes("GET /v3/rest/members HTTP/1.1\r\nHost: admin.example\r\n\r\n");
    assert!(!plain.rest().contains("HTTP/1.1"));
}
