//! What is said of certificate files when a configuration is read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Authority, Finished, tollgate};

use super::House;

fn check(folder: &Path) -> Finished {
    tollgate(&["check".as_ref(), "--config".as_ref(), folder.join("tollgate.toml").as_os_str()], "")
}

/// A house of which the document is written.
fn written() -> House {
    let house = House::new();
    fs::write(house.folder.path().join("tollgate.toml"), house.config.to_string()).unwrap();
    house
}

impl House {
    /// The place of a field of the certificate's section, as messages begin.
    fn place(&self, field: &str) -> String {
        let text = self.config.to_string();
        let line = text.lines().position(|line| line.starts_with(field)).unwrap() + 1;
        let column = field.len() + " = ".len() + 1;
        let file = self.folder.path().join("tollgate.toml");
        let path = "listeners.public.tls.certificates.main";
        format!("{}:{line}:{column}: {path}.{field}: ", file.display())
    }

    /// Holds `check` to say this of one field, and nothing else.
    fn problem(&self, field: &str, message: &str) {
        let found = check(self.folder.path());
        assert_eq!(found.code, Some(2), "{found:?}");
        let said: Vec<_> = found.stderr.lines().collect();
        let place = self.place(field);
        assert!(said.len() == 1 && said[0].starts_with(&place), "{place}: {found:?}");
        assert!(said[0].contains(message), "{message}: {found:?}");
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let house = written();
    let key = house.folder.path().join("main.key");
    for (mode, shown) in [(0o644, "mode 0644"), (0o640, "mode 0640"), (0o602, "mode 0602")] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        house.problem("key_file", shown);
    }
    fs::set_permissions(&key, Permissions::from_mode(0o400)).unwrap();
    assert_eq!(check(house.folder.path()).code, Some(0));
}

#[test]
fn what_is_no_certificate_or_no_key_is_told_and_never_repeated() {
    let house = written();
    let folder = house.folder.path();
    let main = house.authority.issue(&[super::HOST]);
    let other = house.authority.issue(&[super::HOST]);
    let half = main.key[..main.key.len() / 2].to_owned();
    for (chain, key, field, message) in [
        ("", &main.key, "certificate_file", "holds no certificate"),
        (&main.key, &main.key, "certificate_file", "holds no certificate"),
        (&half, &main.key, "certificate_file", "is not PEM"),
        (&main.chain, &main.chain, "key_file", "holds no private key"),
        (&main.chain, &half, "key_file", "is not PEM"),
        (&main.chain, &other.key, "key_file", "is not the one of the certificate"),
    ] {
        fs::write(folder.join("main.pem"), chain).unwrap();
        fs::write(folder.join("main.key"), key).unwrap();
        house.problem(field, message);
        let said = check(folder).stderr;
        let secret = main.key.lines().nth(1).unwrap();
        assert!(!said.contains(&secret[..16]) && !said.contains("PRIVATE"), "{said}");
    }
}

#[test]
fn both_files_of_a_certificate_are_told_of() {
    let house = written();
    fs::remove_file(house.folder.path().join("main.pem")).unwrap();
    fs::remove_file(house.folder.path().join("main.key")).unwrap();
    let found = check(house.folder.path());
    assert_eq!(found.stderr.lines().count(), 2, "{found:?}");
    for field in ["certificate_file", "key_file"] {
        assert!(found.stderr.contains(&house.place(field)), "{found:?}");
    }
}

#[test]
fn an_expired_certificate_is_a_warning() {
    let house = written();
    house.authority.issue_expired(&[super::HOST]).write(house.folder.path(), "main");
    let found = check(house.folder.path());
    assert_eq!(found.code, Some(0), "{found:?}");
    let place = house.place("certificate_file");
    assert!(found.stderr.contains(&format!("warning: {place}the certificate has expired")));
}

#[test]
fn authorities_have_to_be_certificates() {
    let listener = "client_certificate = \"optional\"\nclient_ca_file = \"ca.pem\"";
    let house = House::new().tls(listener);
    let folder = house.folder.path();
    fs::write(folder.join("tollgate.toml"), house.config.to_string()).unwrap();
    for (text, message) in [
        ("", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "is not PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be parsed"),
    ] {
        fs::write(folder.join("ca.pem"), text).unwrap();
        let found = check(folder);
        assert_eq!(found.code, Some(2), "{found:?}");
        assert!(found.stderr.contains("tls.client_ca_file: the file"), "{found:?}");
        assert!(found.stderr.contains(message), "{message}: {found:?}");
    }
    fs::write(folder.join("ca.pem"), Authority::new().pem()).unwrap();
    assert_eq!(check(folder).code, Some(0));
}

#[test]
fn a_health_check_does_not_look_at_certificates() {
    let house = written();
    fs::remove_file(house.folder.path().join("main.pem")).unwrap();
    let config = house.folder.path().join("tollgate.toml");
    let found = tollgate(&["health".as_ref(), "--config".as_ref(), config.as_os_str()], "");
    // Nobody serves, and that is all that is wrong.
    assert_eq!(found.code, Some(1), "{found:?}");
}
