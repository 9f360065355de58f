use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::process::Signal;

use crate::support::{Authority, Issued, TlsClient, wait_for};

use super::{HOST, House, LISTENER, Running};

const RELOADS: &str = "tollgate_tls_certificate_reloads_total";
const EXPIRY: &str = "tollgate_tls_certificate_expiry_timestamp_seconds";

impl Running {
    fn reloads(&self, result: &str) -> f64 {
        self.gate.metrics().sum(RELOADS, &[("listener", "public"), ("result", result)])
    }

    /// What a client that comes now is shown.
    fn shown(&self) -> Vec<u8> {
        let connection = self.connect(&self.client());
        connection.conn.peer_certificates().unwrap()[0].to_vec()
    }

    fn wait_until_shown(&self, issued: &Issued) {
        let der = issued.der().to_vec();
        wait_for("the new certificate", || (self.shown() == der).then_some(()));
    }

    /// Makes a change and waits until it was refused.
    fn refuses(&self, change: impl FnOnce(&Path)) {
        let before = self.reloads("refused");
        change(self.gate.folder());
        wait_for("a refusal", || (self.reloads("refused") > before).then_some(()));
    }
}

/// Puts a certificate in place of the one that is there, by renames.
fn rename(folder: &Path, issued: &Issued) {
    issued.write(folder, "next");
    for kind in ["pem", "key"] {
        let (from, to) = (format!("next.{kind}"), format!("main.{kind}"));
        fs::rename(folder.join(from), folder.join(to)).unwrap();
    }
}

#[test]
fn a_renamed_certificate_is_served_and_open_connections_stay() {
    let (house, _origin) = House::new().start();
    let mut open = house.client().http1(house.gate.data(), HOST);
    house.gate.get("/orders").key("demo").over(&mut open).admitted();
    let next = house.authority.issue(&[HOST]);
    assert_ne!(house.shown(), next.der().to_vec());
    rename(house.gate.folder(), &next);
    house.wait_until_shown(&next);
    house.gate.get("/orders").key("demo").over(&mut open).admitted();
    wait_for("the metric", || (house.reloads("applied") == 1.0).then_some(()));
    // Nothing else of the configuration was read for it.
    assert_eq!(house.gate.metrics().reloads("applied"), 1.0);
}

#[test]
fn a_swapped_symlink_is_followed() {
    let house = House::new();
    let (first, second) = (house.authority.issue(&[HOST]), house.authority.issue(&[HOST]));
    let folder = house.folder.path().to_owned();
    for (version, issued) in [("1", &first), ("2", &second)] {
        fs::create_dir(folder.join(version)).unwrap();
        issued.write(&folder.join(version), "tls");
    }
    // As a volume of secrets looks in a pod.
    symlink("1", folder.join("data")).unwrap();
    let files = "certificate_file = \"data/tls.pem\"\nkey_file = \"data/tls.key\"";
    let (house, _origin) = house.section(&format!("{LISTENER}.certificates.main"), files).start();
    assert_eq!(house.shown(), first.der().to_vec());
    symlink("2", folder.join("next")).unwrap();
    fs::rename(folder.join("next"), folder.join("data")).unwrap();
    house.wait_until_shown(&second);
}

#[test]
fn a_broken_certificate_is_refused_and_the_old_one_goes_on() {
    let (house, _origin) = House::new().start();
    let old = house.shown();
    let mut open = house.client().http1(house.gate.data(), HOST);
    let other = house.authority.issue(&[HOST]);
    house.refuses(|folder| fs::write(folder.join("main.pem"), "-----BEGIN").unwrap());
    house.refuses(|folder| fs::write(folder.join("main.pem"), &other.chain).unwrap());
    house.gate.wait_for_log("key_file: the private key is not the one of the certificate");
    house.refuses(|folder| {
        fs::set_permissions(folder.join("main.key"), Permissions::from_mode(0o640)).unwrap();
    });
    house.gate.wait_for_log("mode 0640");
    house.refuses(|folder| fs::remove_file(folder.join("main.key")).unwrap());
    assert_eq!(house.shown(), old);
    house.gate.get("/orders").key("demo").over(&mut open).admitted();
    assert_eq!(house.reloads("applied"), 0.0);
    // A key changes all the same, and the next good certificate is served.
    house.gate.apply(&house.config.clone().key("acme-2", "another", ""));
    other.write(house.gate.folder(), "main");
    house.wait_until_shown(&other);
    let log = house.gate.log();
    assert!(!log.contains("PRIVATE") && !log.contains(&other.key[30..60]), "{log}");
}

#[test]
fn one_broken_certificate_does_not_hold_up_another() {
    let house = House::new().tls("default_certificate = \"main\"");
    let second = house.authority.issue(&["second.example.com"]);
    let (house, _origin) = house.certificate("second", &second).start();
    house.refuses(|folder| fs::write(folder.join("second.pem"), "").unwrap());
    let next = house.authority.issue(&[HOST]);
    rename(house.gate.folder(), &next);
    house.wait_until_shown(&next);
    house.client().connect(house.gate.data(), "second.example.com");
}

#[test]
fn the_expiry_of_each_certificate_is_told() {
    let (house, _origin) = House::new().start();
    let labels = [("listener", "public"), ("certificate", "main")];
    let expiry = || house.gate.metrics().sum(EXPIRY, &labels);
    assert!(expiry() > 1.8e9, "{}", expiry());
    rename(house.gate.folder(), &house.authority.issue_expired(&[HOST]));
    wait_for("the expiry", || (expiry() == 1_577_923_200.0).then_some(()));
    house.gate.wait_for_log("the certificate has expired");
}

#[test]
fn a_hang_up_reads_them_again() {
    let (house, _origin) = House::new().start();
    let unchanged = house.reloads("unchanged");
    house.gate.signal(Signal::HUP);
    wait_for("a reload", || (house.reloads("unchanged") > unchanged).then_some(()));
}

#[test]
fn authorities_of_clients_change_too() {
    let listener = "client_certificate = \"required\"\nclient_ca_file = \"ca.pem\"";
    let (house, _origin) = House::new().tls(listener).start();
    let newcomer = Authority::new();
    let client = TlsClient::presenting(&house.authority, &newcomer.issue(&["client"]));
    let admitted = || {
        let mut connection = client.http1(house.gate.data(), HOST);
        connection.write(&house.gate.get("/orders").key("demo"));
        connection.try_read().is_ok()
    };
    assert!(!admitted());
    house.refuses(|folder| fs::write(folder.join("ca.pem"), "nothing").unwrap());
    assert!(!admitted());
    let both = house.authority.pem() + &newcomer.pem();
    fs::write(house.gate.folder().join("ca.pem"), both).unwrap();
    wait_for("the new authority", || admitted().then_some(()));
}
