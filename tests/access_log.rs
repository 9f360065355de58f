//! The access log: a line for each request, whatever became of it.

mod lines;
mod writing;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Config, Origin, Tollgate, wait_for};

/// What the log of these tests is called, beside the TOML.
const FILE: &str = "access.log";

/// A gate that logs into [`FILE`].
fn config(origin: &Origin) -> Config {
    Config::new(origin)
        .section("access_log", &format!("path = \"{FILE}\""))
        .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]")
        .section("services.orders.endpoints.all.methods.write", "http_methods = [\"POST\"]")
}

fn file(gate: &Tollgate) -> PathBuf {
    gate.folder().join(FILE)
}

/// Every line so far, each of which is JSON.
fn lines(file: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    // The last line may be on its way.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until there are so many lines, and no more.
fn wait_for_lines(file: &PathBuf, count: usize) -> Vec<Value> {
    let found = wait_for("lines of the access log", || {
        Some(lines(file)).filter(|lines| lines.len() >= count)
    });
    assert_eq!(found.len(), count, "{found:?}");
    found
}

/// The line of the one request that was made.
fn line(gate: &Tollgate) -> Value {
    wait_for_lines(&file(gate), 1).remove(0)
}

fn written(gate: &Tollgate) -> f64 {
    gate.metrics().sum("tollgate_access_log_lines_total", &[])
}

fn dropped(gate: &Tollgate) -> f64 {
    gate.metrics().sum("tollgate_access_log_dropped_total", &[])
}
