//! Refusals as callers understand them.

use std::net::TcpListener;

use tonic::Code;

use super::config;
use crate::support::{Config, NumberServer, Numbers, Tollgate};

/// Holds a call with this key, or none, to be refused so.
fn refused(numbers: &Numbers, code: Code, word: &str) {
    let status = numbers.double(numbers.request(21.into())).unwrap_err();
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().starts_with(&format!("{word}: ")), "{status:?}");
}

/// A package by this name with one plan, and a key of it that has the package's name.
fn package(config: Config, name: &str, plan: &str, service: &str) -> Config {
    let body = Config::key_body(name, "").replace("\"basic\"", &format!("\"{name}\""));
    config
        .section(&format!("packages.{name}"), "")
        .section(&format!("packages.{name}.plans.free"), plan)
        .section(&format!("packages.{name}.plans.free.services.{service}"), "")
        .section(&format!("keys.of-{name}"), &body)
}

#[test]
fn a_refusal_has_the_code_that_callers_know() {
    const EXEMPT: &str = "qps_limit_exempt = true\nrate_limit_exempt = true";
    let server = NumberServer::start();
    let config = config(&server)
        .key("acme-2", "dead", "status = \"revoked\"")
        .section("services.books", "path = \"/books\"\nupstream = \"demo\"")
        .section("services.books.endpoints.all", "");
    let config = package(config, "books", EXEMPT, "books");
    let config =
        package(config, "slow", "qps_limit_ceiling = 1\nrate_limit_exempt = true", "orders");
    let few = "qps_limit_exempt = true\nrate_limit_ceiling = 1\nrate_limit_period = \"month\"";
    let gate = Tollgate::start(&package(config, "few", few, "orders"));
    let numbers = Numbers::at(gate.data());
    refused(&numbers, Code::Unauthenticated, "key_missing");
    refused(&numbers.key("unheard-of"), Code::Unauthenticated, "key_rejected");
    refused(&numbers.key("dead"), Code::Unauthenticated, "key_rejected");
    refused(&numbers.key("books"), Code::PermissionDenied, "not_entitled");
    for (key, word) in [("slow", "over_qps"), ("few", "over_quota")] {
        assert_eq!(numbers.key(key).code(), Code::Ok);
        refused(&numbers.key(key), Code::ResourceExhausted, word);
    }
    // Streams as well, before a message is read.
    assert_eq!(numbers.talk().err().unwrap().code(), Code::Unauthenticated);
    assert_eq!(server.asked().len(), 2, "nothing that is refused gets to the server");
}

#[test]
fn a_server_that_is_away_is_unavailable() {
    let server = NumberServer::start();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = format!("url = \"http://{nobody}\"\nhttp = \"2\"");
    let gate = Tollgate::start(&config(&server).section("upstreams.demo", &upstream));
    refused(&Numbers::at(gate.data()).key("demo"), Code::Unavailable, "upstream_unreachable");
}
