//! How lines get to where they are read.

use std::fs::{self, OpenOptions};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::{FILE, config, dropped, file, lines, wait_for_lines, written};
use crate::support::{Config, Connection, Http1, Origin, Tollgate, wait_for};

#[test]
fn a_file_that_was_renamed_is_left_on_a_signal() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let old = gate.folder().join("access.log.1");
    gate.get("/orders/1").key("demo").send().admitted();
    wait_for_lines(&file(&gate), 1);
    fs::rename(file(&gate), &old).unwrap();
    gate.get("/orders/2").key("demo").send().admitted();
    wait_for_lines(&old, 2);
    gate.signal(Signal::USR1);
    wait_for("a new file", || file(&gate).exists().then_some(()));
    gate.get("/orders/3").key("demo").send().admitted();
    let new = wait_for_lines(&file(&gate), 1);
    assert_eq!(new[0]["path"], "/orders/3");
    assert_eq!(lines(&old).len(), 2);
}

#[test]
fn a_signal_without_a_log_changes_nothing() {
    let origin = Origin::start();
    let mut gate = Tollgate::start(&Config::new(&origin));
    gate.signal(Signal::USR1);
    gate.reload();
    gate.get("/orders").key("demo").send().admitted();
    assert_eq!(written(&gate), 0.0);
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
}

#[test]
fn lines_go_to_standard_output() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin).section("access_log", "path = \"-\""));
    gate.get("/orders/7").key("demo").send().admitted();
    gate.wait_for_log("\"path\":\"/orders/7\"");
}

/// A pipe that is open and that nobody reads: it takes 64 KiB, the rings take 32 requests, and
/// all others are dropped.
#[test]
fn a_reader_that_is_stuck_costs_lines_and_no_requests() {
    let origin = Origin::start();
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join(FILE);
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let config = config(&origin).section("access_log", &format!("path = \"{FILE}\"\nring = 16"));
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let mut gate = Tollgate::start_in(folder, "tollgate.toml");
    let mut client = Http1::connect(gate.data());
    let long = gate.get(&format!("/orders/{}", "x".repeat(4000))).key("demo");
    for _ in 0..200 {
        client.send(&long).admitted();
    }
    gate.wait_for("dropped lines", |metrics| {
        metrics.sum("tollgate_access_log_dropped_total", &[]) > 50.0
    });
    assert!(dropped(&gate) + written(&gate) <= 200.0);
    // Nor does it hold up the end.
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
    gate.wait_for_log("the access log could not be written to its end");
    drop(reader);
}

#[test]
fn a_device_that_is_full_costs_lines_and_no_requests() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin).section("access_log", "path = \"/dev/full\""));
    gate.get("/orders").key("demo").send().admitted();
    gate.wait_for("an error", |metrics| metrics.sum("tollgate_access_log_errors_total", &[]) > 0.0);
    assert_eq!((dropped(&gate), written(&gate)), (1.0, 0.0));
    gate.wait_for_log("the access log cannot be written");
    gate.get("/orders").key("demo").send().admitted();
}

#[test]
fn all_that_was_answered_is_written_before_the_process_ends() {
    let origin = Origin::start();
    let mut gate = Tollgate::start(&config(&origin));
    let mut client = Http1::connect(gate.data());
    for number in 0..500 {
        client.send(&gate.get(&format!("/orders/{number}")).key("demo")).admitted();
    }
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
    let lines = lines(&file(&gate));
    let paths: Vec<_> = lines.iter().map(|line| line["path"].as_str().unwrap()).collect();
    let expected: Vec<_> = (0..500).map(|number| format!("/orders/{number}")).collect();
    assert_eq!(paths, expected);
}

#[test]
fn written_lines_are_counted() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    for _ in 0..3 {
        gate.get("/orders").key("demo").send().admitted();
    }
    gate.wait_for("three lines", |metrics| {
        metrics.sum("tollgate_access_log_lines_total", &[]) == 3.0
    });
    assert_eq!(dropped(&gate), 0.0);
}

#[test]
fn a_log_holds_from_start_to_end() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    gate.refuses(&config(&origin).section("access_log", "path = \"-\""));
    gate.wait_for_log("access_log: has changed");
    gate.get("/orders").key("demo").send().admitted();
    wait_for_lines(&file(&gate), 1);
}
