//! The feed over TLS: whom a proxy trusts, and by which certificate it is known.

use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::super::House;
use super::super::native::id;
use super::{status, wait_for_lease};
use crate::support::{
    Authority, Config, Connection as _, Issued, TlsClient, Tollgate, done, wait_for,
};

const URI: &str = "spiffe://example.com/edge-1";

/// A control plane over TLS that asks proxies for certificates.
struct Secure {
    house: House,
    /// Vouches for both sides.
    authority: Authority,
    /// A key that was active before.
    key: Json,
    access_keys: Vec<Json>,
}

impl Secure {
    /// With access keys for certificates with these marks.
    fn start(marks: &[&str]) -> Self {
        Self::of(Authority::new(), marks, false)
    }

    fn of(authority: Authority, marks: &[&str], by_clock: bool) -> Self {
        let house = House::on_sqlite("region = \"eu-1\"");
        let key = house.change();
        let access_keys = marks.iter().enumerate().map(|(number, mark)| {
            let id = format!("edge-{number}");
            let body = json!({ "id": id, "capability": "enforce", "certificate": mark });
            done(&house.admin.ask("POST", "/access-keys", &body))
        });
        let access_keys = access_keys.collect();
        let House { gate, mut admin, origin } = house;
        authority.issue(&["localhost"]).write(gate.folder(), "gate");
        fs::write(gate.folder().join("ca.pem"), authority.pem()).unwrap();
        let config = Config::new(&origin)
            .section("control", "address = \"127.0.0.1:0\"\nregion = \"eu-1\"")
            .section(
                "control.tls",
                "client_certificate = \"optional\"\nclient_ca_file = \"ca.pem\"",
            )
            .section(
                "control.tls.certificates.main",
                "certificate_file = \"gate.pem\"\nkey_file = \"gate.key\"",
            );
        let text = config.to_string();
        let write = |file: &Path| fs::write(file, &text).unwrap();
        let gate =
            if by_clock { gate.restart_by_clock_after(write) } else { gate.restart_after(write) };
        admin.move_to(gate.admin());
        Self { house: House { gate, admin, origin }, authority, key, access_keys }
    }

    /// A proxy that shows this certificate and comes by the access key of this number.
    fn proxy(&self, number: usize, certificate: &Issued) -> Tollgate {
        self.proxy_in(self.house.folder_of(&Json::Null), number, certificate)
    }

    fn proxy_in(&self, folder: TempDir, number: usize, certificate: &Issued) -> Tollgate {
        certificate.write(folder.path(), "proxy");
        fs::write(folder.path().join("ca.pem"), self.authority.pem()).unwrap();
        let id = id(&self.access_keys[number]);
        let url = format!("https://localhost:{}/feed/v1/{id}", self.house.gate.admin().port());
        let feed = format!(
            "url = \"{url}\"\nca_file = \"ca.pem\"\ncertificate_file = \"proxy.pem\"\n\
             key_file = \"proxy.key\"\nname = \"{id}\""
        );
        let config = self.house.config_of(&feed);
        fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
        Tollgate::start_in(folder, "tollgate.toml")
    }

    /// Revokes an access key.
    fn revoke(&self, id: &str) -> Json {
        let body = json!({ "confirm": true, "ids": [id] }).to_string();
        let request = self.house.admin.native("POST", "/access-keys/revoke").body(&body);
        let mut secure =
            TlsClient::new(&self.authority).http1(self.house.gate.admin(), "localhost");
        done(&secure.send(&request))
    }

    /// Has the control plane serve with this certificate.
    fn serve_with(&self, certificate: &Issued) {
        let applied = || {
            let labels = [("listener", "control"), ("result", "applied")];
            self.house.gate.metrics().sum("tollgate_tls_certificate_reloads_total", &labels)
        };
        let before = applied();
        certificate.write(self.house.gate.folder(), "gate");
        wait_for("the other certificate", || (applied() > before).then_some(()));
    }
}

/// Waits until it follows the feed, and says so.
fn wait_for_feed(proxy: &Tollgate) {
    wait_for("the feed", || is_connected(proxy).then_some(()));
}

fn is_connected(proxy: &Tollgate) -> bool {
    proxy.metrics().sum("tollgate_feed_connected", &[]) == 1.0
}

#[test]
fn a_proxy_shows_a_certificate_in_the_place_of_a_secret_until_its_access_key_is_revoked() {
    let authority = Authority::new();
    let named = authority.issue_uri(URI, 100);
    let printed = authority.issue(&["edge-2.example.com"]);
    let marks = [&format!("uri:{URI}"), &printed.fingerprint()];
    let secure = Secure::of(authority, &marks.map(|mark| &**mark), false);
    for (number, key) in secure.access_keys.iter().enumerate() {
        assert_eq!(key["certificate"], *marks[number]);
        assert!(key.get("secret").is_none(), "{key}");
    }
    let (one, two) = (secure.proxy(0, &named), secure.proxy(1, &printed));
    assert_eq!((status(&one, &secure.key), status(&two, &secure.key)), (200, 200));
    assert_eq!(secure.revoke("edge-0")[0]["outcome"], "done");
    one.wait_for_log("the access key was revoked");
    one.wait_for("its end", |metrics| metrics.sum("tollgate_feed_connected", &[]) == 0.0);
    wait_for_feed(&two);
    // Another certificate of the same authority is nobody's here.
    let stranger = secure.authority.issue_uri("spiffe://example.com/edge-10", 100);
    stranger.write(two.folder(), "proxy");
    wait_for_lease(&two);
    let two = two.restart();
    two.wait_for_log("401");
    assert!(!is_connected(&two));
    // And it goes on by what it has.
    assert_eq!(status(&two, &secure.key), 200);
    printed.write(two.folder(), "proxy");
    wait_for_feed(&two);
}

#[test]
fn a_certificate_that_expires_is_not_gone_on_with() {
    let mark = format!("uri:{URI}");
    let secure = Secure::of(Authority::new(), &[&mark], true);
    let proxy = secure.proxy(0, &secure.authority.issue_uri(URI, 2));
    wait_for_feed(&proxy);
    secure.house.gate.move_clock(3 * 24 * 60 * 60);
    proxy.wait_for_log("the certificate has expired");
}

#[test]
fn whoever_is_not_trusted_is_refused_in_clear_words_and_what_is_held_goes_on() {
    let secure = Secure::start(&[&format!("uri:{URI}")]);
    let (right, other) = (secure.authority.issue_uri(URI, 100), Authority::new());
    let mut proxy = secure.proxy(0, &right);
    wait_for_lease(&proxy);
    let served = secure.authority.issue(&["localhost"]);
    for (certificate, words) in [
        (secure.authority.issue(&["other.example"]), "certificate is not for the host of url"),
        (secure.authority.issue_expired(&["localhost"]), "certificate has expired"),
        (other.issue(&["localhost"]), "certificate is of no authority of ca_file"),
    ] {
        secure.serve_with(&certificate);
        proxy = proxy.restart();
        proxy.wait_for_log(&format!("the control plane's {words}"));
        assert_eq!(status(&proxy, &secure.key), 200);
        assert!(!is_connected(&proxy), "{words}");
    }
    secure.serve_with(&served);
    for (wrong, at_proxy, at_plane) in [
        (
            other.issue_uri(URI, 100),
            "it is of no authority that it trusts",
            "its certificate is of no authority of client_ca_file",
        ),
        (
            secure.authority.issue_expired(&[]),
            "it has expired, or is not valid yet",
            "its certificate has expired",
        ),
    ] {
        wrong.write(proxy.folder(), "proxy");
        proxy = proxy.restart();
        let refuses = "the control plane refuses the certificate of certificate_file";
        proxy.wait_for_log(&format!("{refuses}: {at_proxy}"));
        secure.house.gate.wait_for_log(at_plane);
        assert!(!is_connected(&proxy));
    }
    right.write(proxy.folder(), "proxy");
    wait_for_feed(&proxy);
}
