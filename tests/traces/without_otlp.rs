//! A build that exports no spans says so.

use std::fs;

use crate::support::{Config, Origin, tollgate};

#[test]
fn a_collector_is_a_problem_where_no_spans_are_exported() {
    let origin = Origin::start();
    let config = Config::new(&origin)
        .section("tracing", "enabled = true")
        .section("tracing.otlp", "endpoint = \"http://127.0.0.1:4318\"");
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("tollgate.toml");
    fs::write(&document, config.to_string()).unwrap();
    let finished = tollgate(&["check", "--config", document.to_str().unwrap()], "");
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let said = "tracing.otlp: this build exports no spans";
    assert!(finished.stderr.contains(said), "{finished:?}");
}
