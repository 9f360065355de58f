//! Clients that others have written: they and the gate understand each other.

mod browser;
mod curl;
mod grpc;
mod load;

use std::fs;

use tempfile::TempDir;

use crate::support::{Authority, Config, Tollgate};

/// A gate with two listeners, `public` and `secure`, of which the latter has a certificate for these
/// names.
fn gate(config: Config, authority: &Authority, names: &[&str]) -> Tollgate {
    let folder = TempDir::new().unwrap();
    authority.issue(names).write(folder.path(), "main");
    fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
    let certificate = "certificate_file = \"main.pem\"\nkey_file = \"main.key\"";
    let config = config
        .section("listeners.secure", "address = \"127.0.0.1:0\"")
        .section("listeners.secure.tls.certificates.main", certificate);
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    Tollgate::start_in(folder, "tollgate.toml")
}
