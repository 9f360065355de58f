//! The admin API, through its listener.

mod access_keys;
mod applications;
mod audit;
mod backup;
mod catalogue;
mod catalogue_of_apis;
mod enforced;
mod equal_files;
mod feed;
mod first_start;
mod fleet;
mod importing;
mod key_sets;
mod lists;
mod login;
mod members;
mod native;
mod openapi;
mod package_keys;
mod peers;
mod policies;
mod proxies;
mod restore;
mod revisions;
mod rotation;
#[path = "../crates/tollgate-control/tests/store/server.rs"]
mod server;
mod services;
mod store_tls;
mod tls;
mod usage;
mod webhooks;
mod wire;

use serde_json::{Value as Json, json};

use crate::support::{Admin, Config, Origin, Response, Tollgate};

/// A gate with a control plane, and its first administrator.
struct House {
    gate: Tollgate,
    admin: Admin,
    origin: Origin,
}

impl House {
    fn start() -> Self {
        Self::with(|config| config)
    }

    fn with(more: impl FnOnce(Config) -> Config) -> Self {
        Self::before(Origin::start(), more)
    }

    /// With these lines in `[control]`.
    fn on_sqlite(lines: &str) -> Self {
        let control = format!("address = \"127.0.0.1:0\"\n{lines}");
        Self::with(|config| config.section("control", &control))
    }

    /// The same, on a database of PostgreSQL.
    fn on_postgres(lines: &str) -> Self {
        let url = peers::url(&server::Server::shared().database());
        Self::on_sqlite(&format!("store = \"{url}\"\n{lines}"))
    }

    /// In front of this origin.
    fn before(origin: Origin, more: impl FnOnce(Config) -> Config) -> Self {
        let gate = Tollgate::start(&more(Config::new(&origin).control()));
        let admin = Admin::first(&gate);
        Self { gate, admin, origin }
    }

    /// By a clock that can be moved.
    fn by_clock() -> Self {
        let origin = Origin::start();
        let gate = Tollgate::start_by_clock(&Config::new(&origin).control());
        let admin = Admin::first(&gate);
        Self { gate, admin, origin }
    }

    /// Moves the clock on, and logs in anew: no token lasts for months.
    fn move_clock(&mut self, seconds: i64) {
        self.gate.move_clock(seconds);
        self.admin = Admin::first(&self.gate);
    }

    /// Makes a member with a password and these roles, and logs them in.
    fn member(&self, username: &str, roles: &Json) -> Admin {
        let password = "correct horse battery";
        let body = json!({
            "username": username, "email": "", "passwdNew": password, "roles": roles,
        });
        self.admin.make("/members", &body);
        self.admin.as_member(username, &password.replace(' ', "+"))
    }
}

/// Status and `X-Mashery-Error-Code` of a refusal.
fn refused(response: &Response) -> (u16, &str) {
    (response.status, response.header("x-mashery-error-code").unwrap_or(""))
}

/// The properties that a validation response names.
fn violations(response: &Response) -> Vec<String> {
    assert_eq!(response.status, 400, "{response:?}");
    let errors = response.json()["errors"].as_array().unwrap().clone();
    assert!(errors.iter().all(|error| !error["message"].as_str().unwrap().is_empty()));
    errors.iter().map(|error| error["property"].as_str().unwrap().to_owned()).collect()
}
