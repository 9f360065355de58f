//! The commands that are clients of a control plane, against a running one.

mod access_keys;
mod completions;
mod importing;
mod key_sets;
mod login;
mod package_keys;
mod previewing;
mod terminal;
mod watching;

use std::ffi::OsStr;
use std::process::Command;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::{Admin, Config, Finished, Origin, Tollgate, finish};

/// A gate with a control plane, and somebody beside it with a folder for their logins.
struct Desk {
    gate: Tollgate,
    admin: Admin,
    home: TempDir,
    _origin: Origin,
}

impl Desk {
    fn start() -> Self {
        Self::with(|config| config)
    }

    fn with(more: impl FnOnce(Config) -> Config) -> Self {
        let origin = Origin::start();
        let gate = Tollgate::start(&more(Config::new(&origin).control()));
        let admin = Admin::first(&gate);
        Self { gate, admin, home: TempDir::new().unwrap(), _origin: origin }
    }

    /// Where the first administrator is logged in.
    fn logged_in() -> Self {
        let desk = Self::start();
        desk.log_in().done();
        desk
    }

    fn log_in(&self) -> Finished {
        let credentials = self.gate.folder().join("first-administrator.toml");
        let server = self.server();
        self.run(&["login", "--server", &server, "--credentials", credentials.to_str().unwrap()])
    }

    fn server(&self) -> String {
        format!("http://{}", self.gate.admin())
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        self.give(arguments, "")
    }

    /// Runs a command with this standard input.
    fn give(&self, arguments: &[&str], input: &str) -> Finished {
        finish(self.command(arguments), input)
    }

    fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> &mut Command {
        // Leaked: a builder that is lent on, a few to a test.
        let command = Box::leak(Box::new(Command::new(env!("CARGO_BIN_EXE_tollgate"))));
        command.args(arguments);
        self.surround(command)
    }

    /// Nothing of this machine's own.
    fn surround<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for variable in ["TOLLGATE_SERVER", "TOLLGATE_TOKEN", "TOLLGATE_TOKEN_FILE"] {
            command.env_remove(variable);
        }
        command.env("XDG_CONFIG_HOME", self.home.path())
    }

    /// Makes a key of the application and plan of the file.
    fn create(&self, more: &[&str]) -> Json {
        let arguments = [
            &["key", "create", "--json", "--application", "acme", "--package", "basic"][..],
            &["--plan", "free"],
            more,
        ]
        .concat();
        self.run(&arguments).json()
    }
}

impl Finished {
    /// What it printed, having succeeded without complaint.
    fn done(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        assert!(!self.stdout.contains('\u{1b}'), "no terminal, no colours: {self:?}");
        &self.stdout
    }

    /// The one object that it printed.
    fn json(&self) -> Json {
        serde_json::from_str(self.done()).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// What it complained of, with this exit code and nothing printed.
    fn failed(&self, code: i32) -> &str {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        &self.stderr
    }
}

/// A text of an object.
fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("{name} of {json}"))
}
