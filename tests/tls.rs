//! TLS towards clients.

mod choice;
mod clients;
mod files;
mod handshake;
mod reload;
mod required;
mod strangers;

use std::fs;

use tempfile::TempDir;

use crate::support::{Authority, Config, Issued, Origin, TlsClient, TlsConnection, Tollgate};

/// A gate with one TLS listener, `public`, that has the certificate `main`.
struct House {
    authority: Authority,
    origin: Origin,
    config: Config,
    folder: TempDir,
}

/// The host that `main` is for.
const HOST: &str = "api.example.com";

const LISTENER: &str = "listeners.public.tls";

impl House {
    fn new() -> Self {
        let origin = Origin::start();
        let config = Config::new(&origin).section(LISTENER, "");
        let house =
            Self { authority: Authority::new(), origin, config, folder: TempDir::new().unwrap() };
        let main = house.authority.issue(&[HOST]);
        fs::write(house.folder.path().join("ca.pem"), house.authority.pem()).unwrap();
        house.certificate("main", &main)
    }

    /// Adds a certificate to the listener.
    fn certificate(mut self, name: &str, issued: &Issued) -> Self {
        issued.write(self.folder.path(), name);
        let section = format!("{LISTENER}.certificates.{name}");
        let body = format!("certificate_file = \"{name}.pem\"\nkey_file = \"{name}.key\"");
        self.config = self.config.section(&section, &body);
        self
    }

    /// Says more of the listener's TLS.
    fn tls(self, body: &str) -> Self {
        self.section(LISTENER, body)
    }

    fn section(mut self, header: &str, body: &str) -> Self {
        self.config = self.config.section(header, body);
        self
    }

    fn start(self) -> (Running, Origin) {
        let Self { authority, origin, config, folder } = self;
        fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
        let gate = Tollgate::start_in(folder, "tollgate.toml");
        (Running { gate, authority, config }, origin)
    }
}

struct Running {
    gate: Tollgate,
    authority: Authority,
    config: Config,
}

impl Running {
    fn client(&self) -> TlsClient {
        TlsClient::new(&self.authority)
    }

    fn connect(&self, client: &TlsClient) -> TlsConnection {
        client.connect(self.gate.data(), HOST)
    }

    /// Waits until so many handshakes have failed for this reason, and none for another.
    fn wait_for_failures(&self, reason: &str, count: f64) {
        const NAME: &str = "tollgate_tls_handshake_failures_total";
        let labels = [("listener", "public"), ("reason", reason)];
        self.gate.wait_for(reason, |metrics| metrics.sum(NAME, &labels) == count);
        assert_eq!(self.gate.metrics().sum(NAME, &[]), count);
    }

    fn handshakes(&self, kind: &str) -> f64 {
        self.gate.metrics().sum("tollgate_tls_handshakes_total", &[("kind", kind)])
    }

    /// Holds it to admit a call over a connection of its own.
    fn admits(&self, client: &TlsClient) {
        let mut connection = client.http1(self.gate.data(), HOST);
        self.gate.get("/orders").key("demo").over(&mut connection).admitted();
    }
}
