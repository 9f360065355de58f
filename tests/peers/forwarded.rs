use std::fs;

use serde_json::Value;

use crate::support::{Config, Connection, Http1, Http2, Origin, Request, Tollgate, wait_for};

const PROXY: [u8; 4] = [127, 0, 0, 2];

/// 127.0.0.2 and 127.0.0.3 are proxies; the key works from 192.0.2.0/24 and from nowhere else.
fn house(origin: &Origin, fields: &str) -> Config {
    let listener = format!(
        "address = \"127.0.0.1:0\"\ntrusted_proxies = [\"127.0.0.2/31\"]\n\
         forwarded_fields = \"{fields}\"",
    );
    Config::new(origin)
        .section("listeners.public", &listener)
        .section("access_log", "path = \"access.log\"")
        .section("strangers", "rate = 1\nburst = 3")
        .key("acme-1", "demo", "allowed_sources = [\"192.0.2.0/24\"]")
        .key("acme-2", "anywhere", "")
}

fn call(gate: &Tollgate, key: &str, fields: &[(&str, &str)]) -> Request {
    let call = gate.get("/orders").key(key).host("api.example.com");
    fields.iter().fold(call, |call, (name, value)| call.header(name, value))
}

#[test]
fn a_trusted_proxy_says_whom_it_speaks_for() {
    let origin = Origin::start();
    for (kind, fields) in [
        (
            "x-forwarded",
            &[
                ("X-Forwarded-For", "6.6.6.6, 192.0.2.7, 127.0.0.3"),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-Host", "shop.example.com"),
                ("Forwarded", "for=6.6.6.6;proto=http;host=forged"),
            ][..],
        ),
        (
            "forwarded",
            &[
                ("Forwarded", "for=6.6.6.6"),
                ("Forwarded", "for=192.0.2.7;proto=https;host=shop.example.com, for=127.0.0.3"),
                ("X-Forwarded-For", "6.6.6.6"),
                ("X-Forwarded-Proto", "http"),
                ("X-Forwarded-Host", "forged"),
            ],
        ),
    ] {
        let gate = Tollgate::start(&house(&origin, kind));
        let before = origin.requests().len();
        let request = call(&gate, "demo", fields);
        Http1::connect_from(PROXY, gate.data()).send(&request).admitted();
        Http2::connect_from(PROXY, gate.data()).send(&request).admitted();
        for told in &origin.requests()[before..] {
            assert_eq!(told.header("x-forwarded-for"), Some("192.0.2.7"), "{kind}");
            assert_eq!(told.header("x-forwarded-proto"), Some("https"), "{kind}");
            assert_eq!(told.header("x-forwarded-host"), Some("shop.example.com"), "{kind}");
            assert_eq!(told.header("host"), Some("api.example.com"), "{kind}");
            assert!(!told.fields.has("forwarded"), "{kind}");
        }
        let lines = wait_for("two lines of the log", || {
            let text = fs::read_to_string(gate.folder().join("access.log")).unwrap_or_default();
            Some(text).filter(|text| text.lines().count() == 2)
        });
        for line in lines.lines() {
            assert_eq!(serde_json::from_str::<Value>(line).unwrap()["client"], "192.0.2.7");
        }
    }
}

#[test]
fn nobody_else_is_believed() {
    let origin = Origin::start();
    for kind in ["none", "x-forwarded", "forwarded"] {
        let gate = Tollgate::start(&house(&origin, kind));
        let before = origin.requests().len();
        let fields = [
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "forged"),
            ("Forwarded", "for=192.0.2.7;proto=https;host=forged"),
        ];
        let mut stranger = Http1::connect_from([127, 0, 0, 4], gate.data());
        stranger.send(&call(&gate, "demo", &fields)).refused(403, "source_not_allowed");
        stranger.send(&call(&gate, "anywhere", &fields)).admitted();
        let told = &origin.requests()[before];
        assert_eq!(told.header("x-forwarded-for"), Some("127.0.0.4"));
        assert_eq!(told.header("x-forwarded-proto"), Some("http"));
        assert_eq!(told.header("x-forwarded-host"), Some("api.example.com"));
        assert!(!told.fields.has("forwarded"));
    }
}

#[test]
fn a_client_that_cannot_be_told_comes_from_no_network() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, "x-forwarded").key(
        "acme-3",
        "proxies",
        "allowed_sources = [\"127.0.0.0/8\", \"192.0.2.0/24\"]",
    ));
    let mut proxy = Http1::connect_from(PROXY, gate.data());
    for value in ["192.0.2.7, nonsense", "192.0.2.7, unknown, 127.0.0.3", "192.0.2.7,"] {
        let fields = [("X-Forwarded-For", value)];
        proxy.send(&call(&gate, "proxies", &fields)).refused(403, "source_not_allowed");
        proxy.send(&call(&gate, "anywhere", &fields)).admitted();
    }
    assert!(origin.requests().iter().all(|told| !told.fields.has("x-forwarded-for")));
    // What a proxy sends without a field is its own.
    proxy.send(&call(&gate, "proxies", &[])).admitted();
}

#[test]
fn guesses_stand_against_the_client_that_is_told() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, "x-forwarded"));
    let mut proxy = Http1::connect_from(PROXY, gate.data());
    // A new address to the left for each is of no use.
    let mut guess = |number: usize, client: &str| {
        let told = format!("6.6.6.{number}, {client}");
        proxy.send(&call(&gate, "guess", &[("X-Forwarded-For", &told)])).status
    };
    let statuses: Vec<_> = (0..20).map(|number| guess(number, "192.0.2.7")).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(guess(0, "192.0.2.8"), 401);
}

#[test]
fn tls_in_front_of_a_trusted_proxy_is_tls() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\ntls_required = true";
    let gate = Tollgate::start(&house(&origin, "x-forwarded").service(service));
    let mut proxy = Http1::connect_from(PROXY, gate.data());
    let client = ("X-Forwarded-For", "192.0.2.7");
    let https = ("X-Forwarded-Proto", "https");
    proxy.send(&call(&gate, "demo", &[client, https])).admitted();
    for fields in [
        &[client][..],
        &[client, ("X-Forwarded-Proto", "http")],
        &[client, https, ("X-Forwarded-Proto", "http")],
    ] {
        proxy.send(&call(&gate, "demo", fields)).refused(403, "tls_required");
    }
    let mut stranger = Http1::connect_from([127, 0, 0, 4], gate.data());
    stranger.send(&call(&gate, "anywhere", &[client, https])).refused(403, "tls_required");
    assert!(!gate.log().contains("tls_required: no listener"), "{}", gate.log());
}
