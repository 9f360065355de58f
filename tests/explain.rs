//! `tollgate explain` says what becomes of a request: against the file, and against the process
//! that serves it.

mod meters;
mod socket;
mod verdicts;

use serde_json::Value;

use crate::support::{Config, Finished, Origin, Tollgate, tollgate};

const ADMITTED: i32 = 0;
const FAILED: i32 = 1;
const WRONG: i32 = 2;
const REFUSED: i32 = 4;

const SOCKET: &str = "explain.sock";

/// A gate that explains at [`SOCKET`].
fn house(origin: &Origin) -> Config {
    Config::new(origin)
        .section("ops", &format!("address = \"127.0.0.1:0\"\nexplain_socket = \"{SOCKET}\""))
}

/// What the command says of a request to `target`.
fn ask(gate: &Tollgate, more: &[&str], http_method: &str, target: &str, key: &str) -> Finished {
    let url = format!("http://{}{target}", gate.data());
    let config = gate.config().to_str().unwrap();
    let mut arguments = vec!["explain", "--config", config];
    arguments.extend(more);
    arguments.extend([http_method, &url]);
    tollgate(&arguments, key)
}

/// The same as a document.
fn document(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

/// What the running process says of a request with `key`.
fn running(gate: &Tollgate, http_method: &str, target: &str, key: &str) -> Value {
    document(&ask(gate, &["--running", "--json"], http_method, target, key))
}
