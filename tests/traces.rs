//! How a request is known to all who see it: by its trace, and by its id.

mod context;
mod request_ids;

#[cfg(not(feature = "otlp"))]
mod without_otlp;

use std::fs;

use serde_json::Value;

use crate::support::{Config, Origin, Tollgate, wait_for};

/// The proxy that is trusted.
const PROXY: [u8; 4] = [127, 0, 0, 2];

/// A gate that logs what it does, with this in its `[tracing]`.
fn house(origin: &Origin, tracing: &str) -> Config {
    let listener = "address = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.2/32\"]";
    Config::new(origin)
        .section("listeners.public", listener)
        .section("access_log", "path = \"access.log\"")
        .section("tracing", tracing)
}

/// The lines of the access log, once there are so many.
fn lines(gate: &Tollgate, count: usize) -> Vec<Value> {
    wait_for("lines of the access log", || {
        let text = fs::read_to_string(gate.folder().join("access.log")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines: Vec<_> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (lines.len() >= count).then_some(lines)
    })
}
