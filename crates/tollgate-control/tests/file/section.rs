//! Sections, as another crate reads its own with them.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tollgate_control::document::kind::{Address, Integer, Size, Switch, Time};
use tollgate_control::document::{self, Fallback, Problems, Section};

#[derive(Debug, PartialEq)]
struct Listener {
    name: String,
    address: Option<SocketAddr>,
    max_headers: u16,
    max_body_bytes: u64,
    idle_timeout: Duration,
    http2: bool,
}

fn listeners(root: &mut Section) -> Vec<Listener> {
    let tables = root.tables("listeners").into_iter();
    tables
        .map(|(name, mut section)| Listener {
            name: name.to_string(),
            address: section.required("address", Address),
            max_headers: section.or("max_headers", Integer::within(1, 1_000), 100),
            max_body_bytes: section.or("max_body_bytes", Size::within(0, 1 << 40), 0),
            idle_timeout: section.or(
                "idle_timeout",
                Time::within(Duration::from_secs(1), Duration::from_secs(3_600)),
                Duration::from_secs(75),
            ),
            http2: section.or("http2", Switch, true),
        })
        .collect()
}

fn read(text: &str) -> Result<Vec<Listener>, Problems> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    fs::write(&path, text).unwrap();
    document::read(&path, listeners).map(|(listeners, _)| listeners)
}

#[test]
fn fields_that_are_absent_have_their_defaults() {
    let text = "[listeners.b]\naddress = \"[::1]:80\"\nmax_body_bytes = \"1MiB\"\n\
                [listeners.a]\naddress = \"127.0.0.1:80\"\nhttp2 = false\n";
    let listener = |name: &str, address: &str| Listener {
        name: name.to_owned(),
        address: address.parse().ok(),
        max_headers: 100,
        max_body_bytes: 0,
        idle_timeout: Duration::from_secs(75),
        http2: true,
    };
    let expected = [
        Listener { max_body_bytes: 1 << 20, ..listener("b", "[::1]:80") },
        Listener { http2: false, ..listener("a", "127.0.0.1:80") },
    ];
    assert_eq!(read(text).unwrap(), expected);
}

#[test]
fn every_problem_is_told_in_the_order_of_places() {
    let text = "[listeners.a]\nmax_headers = 0\nidle_timout = \"1s\"\n[listners.b]\n\
                [listeners.c]\naddress = \":80\"\n";
    let told: Vec<_> = read(text)
        .unwrap_err()
        .iter()
        .map(|problem| (problem.place.line, problem.place.column, problem.field.clone()))
        .collect();
    let expected = [
        (1, 1, "listeners.a.address"),
        (2, 15, "listeners.a.max_headers"),
        (3, 1, "listeners.a.idle_timout"),
        (4, 2, "listners"),
        (6, 11, "listeners.c.address"),
    ];
    assert_eq!(told, expected.map(|(line, column, field)| (line, column, field.to_owned())));
}

#[test]
fn a_reader_tells_its_knobs() {
    let knobs: Vec<_> =
        document::knobs(listeners).into_iter().map(|knob| (knob.path, knob.fallback)).collect();
    let value = |text: &str| Fallback::Value(text.to_owned());
    let expected = [
        ("listeners.*.address", Fallback::Required),
        ("listeners.*.max_headers", value("100")),
        ("listeners.*.max_body_bytes", value("0")),
        ("listeners.*.idle_timeout", value("\"75s\"")),
        ("listeners.*.http2", value("true")),
    ];
    assert_eq!(knobs, expected.map(|(path, fallback)| (path.to_owned(), fallback)));
}
