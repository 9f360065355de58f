//! Every refusal, with the key in every place.

use rustix::process::Signal;
use tollgate_core::Refusal;

use crate::support::{Connection, Http1, Http2, Request, Tollgate};

use super::house::{KEYS, Upstreams, form, house, key, path_key};
use super::sinks::{CANARY, SECRET, basic, encoded, hold_no_secret};

/// What this gate is never heard to say: it had a snapshot before it listened, and nobody feeds it.
const NEVER: [Refusal; 2] = [Refusal::NoSnapshot, Refusal::SnapshotStale];

/// What ends a connection before it has brought a request.
const BEFORE_A_REQUEST: [&str; 1] = ["headers_too_large"];

/// The request with `key` in each of the places, and spelt in each way that they allow.
fn everywhere(request: &Request, key: &str) -> Vec<Request> {
    let with = |parameter: &str| Request {
        target: format!("{}?a=1&{parameter}", request.target),
        ..request.clone()
    };
    let mut requests = vec![
        request.clone().key(key),
        request.clone().header("Authorization", &format!("bearer  {key}")),
        request.clone().header("Authorization", &basic(key)),
        request.clone().header("Cookie", &format!("a=1; key={key}; b=2")).header("Cookie", "c=3"),
        request.clone().header("Cookie", &format!("key=\"{key}\"")).key(key),
        with(&format!("api_key={key}")),
        with(&format!("api%5fkey={}", encoded(key))),
        with(&format!("api_key={key}")).key(key),
    ];
    if request.body.is_none() {
        requests.push(form(request, &format!("a=1&api%5Fkey={}", encoded(key))));
    }
    requests
}

/// Requests that are refused with a code each.
fn refused(gate: &Tollgate) -> Vec<(&'static str, Request, String)> {
    let orders = gate.get("/orders");
    let large = orders.clone().header("X-Large", &"x".repeat(100_000));
    let long = gate.get(&format!("/orders/{}", "x".repeat(10_000)));
    let (long_secret, other) = (SECRET.repeat(99), format!("Secret {SECRET}x"));
    let proven = gate.get("/proven").header("X-Api-Secret", SECRET);
    let two_secrets = proven.header("Authorization", &other);
    let signature = "0".repeat(64);
    let timed = gate.get("/timed").header("X-Signature", &signature);
    let mut requests = vec![
        ("route_not_found", gate.get("/nowhere"), key("good")),
        ("method_not_allowed", gate.request("POST", "/orders/items"), key("good")),
        ("maintenance", gate.get("/maintained"), key("good")),
        ("referer_not_allowed", gate.get("/referred"), key("good")),
        ("method_not_allowed", gate.request("TRACE", "/orders"), key("good")),
        ("bad_request", orders.clone().header("Connection", "X-Api-Key"), key("good")),
        ("key_malformed", orders.clone(), format!("{}\u{e9}", key("good"))),
        ("key_malformed", orders.clone(), format!("{CANARY}{}", "k".repeat(255))),
        ("key_ambiguous", orders.clone().key(&key("other")), key("good")),
        ("key_unknown", orders.clone(), key("unheard-of")),
        ("proof_missing", gate.get("/proven").header("X-Secret", SECRET), key("proven")),
        ("proof_invalid", gate.get("/proven").header("X-Api-Secret", &long_secret), key("proven")),
        ("proof_invalid", gate.get("/proven").header("Authorization", &other), key("proven")),
        ("proof_invalid", two_secrets, key("proven")),
        ("proof_invalid", gate.get("/signed").header("X-Signature", SECRET), key("proven")),
        ("proof_invalid", timed.header("X-Timestamp", SECRET), key("proven")),
        ("proof_invalid", gate.get("/signed").header("X-Signature", &signature), key("unopened")),
        ("tls_required", gate.get("/sealed"), key("good")),
        ("not_entitled", gate.get("/closed"), key("good")),
        ("service_over_qps", gate.get("/busy"), key("good")),
        ("body_too_large", gate.request("POST", "/orders").body(&"x".repeat(2000)), key("good")),
        ("target_too_long", long, key("good")),
        ("headers_too_large", large, key("good")),
        ("upstream_unreachable", gate.get("/unreachable"), key("good")),
        ("upstream_bad_response", gate.get("/garbled"), key("good")),
        ("upstream_timeout", gate.get("/silent"), key("good")),
    ];
    for refusal in Refusal::all() {
        let of_the_key = refusal.hidden()
            || matches!(
                refusal,
                Refusal::SourceNotAllowed
                    | Refusal::OverQps
                    | Refusal::OverQuota
                    | Refusal::OverConcurrency
            );
        if of_the_key {
            requests.push((refusal.code(), orders.clone(), key(refusal.code())));
        }
    }
    requests
}

/// Requests that are refused with a code each, with their keys in their paths.
fn refused_in_paths(gate: &Tollgate) -> Vec<(&'static str, Request)> {
    let segment = |key: &str, rest: &str| gate.get(&format!("/segment/{key}{rest}"));
    let good = path_key("good");
    let mut requests = vec![
        ("route_not_found", segment(&key("good"), "/..")),
        ("route_not_found", segment(&encoded(&key("good")), "")),
        ("route_not_found", gate.get(&format!("/%73egment%2F{good}"))),
        ("bad_request", segment(&good, "").host("a,b")),
        ("bad_request", segment(&good, "").header("Connection", "Host")),
        ("method_not_allowed", gate.request("TRACE", &format!("/segment/{good}"))),
        ("target_too_long", segment(&good, &"/x".repeat(5000))),
        ("key_malformed", segment(&good, "%20/orders")),
        ("key_malformed", segment(&good, &format!("{}/orders", "k".repeat(255)))),
        ("key_unknown", segment(&path_key("unheard-of"), "/orders")),
    ];
    for (code, _) in KEYS {
        requests.push((code, segment(&path_key(code), "/orders")));
        requests.push((code, segment(&encoded(&path_key(code)), "/orders?a=1")));
    }
    requests
}

fn hold_refusals(format: &str) {
    let upstreams = Upstreams::start();
    let config = house(&upstreams, format);
    let mut gate = Tollgate::start(&config);
    let mut codes = Vec::new();
    for (code, request, key) in refused(&gate) {
        for request in everywhere(&request, &key) {
            let before = gate.metrics().refusals(code);
            let response = request.send();
            assert!(response.status >= 400, "{code}: {response:?}");
            gate.wait_for(code, |metrics| metrics.refusals(code) > before);
            hold_no_secret(code, &format!("{response:?} {}", response.text()));
        }
        codes.push(code);
    }
    for (code, request) in refused_in_paths(&gate) {
        let before = gate.metrics().refusals(code);
        let response = request.send();
        gate.wait_for(code, |metrics| metrics.refusals(code) > before);
        hold_no_secret(code, &format!("{response:?} {}", response.text()));
    }
    // A key where no service looks for one.
    gate.get("/orders").header("X-Key", CANARY).send().refused(401, "key_missing");
    codes.push("key_missing");
    // Guesses, until their source is throttled.
    let mut guesser = Http1::connect_from([127, 0, 0, 2], gate.data());
    for request in everywhere(&gate.get("/orders"), &key("guess")).iter().cycle() {
        let response = guesser.send(request);
        hold_no_secret("source_throttled", &format!("{response:?} {}", response.text()));
        if response.status == 429 {
            break;
        }
    }
    gate.wait_for_log("tries keys that fail");
    codes.push("source_throttled");
    // A body that does not come.
    let mut late = Http1::connect(gate.data());
    late.write_bytes(format!(
        "POST /silent HTTP/1.1\r\nHost: a\r\nX-Api-Key: {}\r\nContent-Length: 9\r\n\r\n",
        key("good")
    ));
    gate.wait_for("request_timeout", |metrics| metrics.refusals("request_timeout") > 0.0);
    codes.push("request_timeout");
    // More calls at once than the workers have places for.
    let full = gate.get("/full").key(&key("good"));
    let mut calls: Vec<_> = (0..5).map(|_| full.start()).collect();
    for call in &mut calls {
        let response = call.read();
        hold_no_secret("upstream_overloaded", &format!("{response:?} {}", response.text()));
    }
    assert!(gate.metrics().refusals("upstream_overloaded") > 0.0);
    codes.push("upstream_overloaded");
    // A call of gRPC that its caller gives up.
    let call = gate.get("/patient").header("content-type", "application/grpc").key(&key("good"));
    let late = call.header("grpc-timeout", "1m").over(&mut Http2::connect(gate.data()));
    assert_eq!(late.header("grpc-status"), Some("4"), "{late:?}");
    codes.push("deadline_exceeded");
    hold_no_secret("deadline_exceeded", &format!("{late:?}"));
    hold_no_secret("metrics", gate.metrics().text());

    // Reloads that fail, with a key or a digest of one in all the wrong places.
    for broken in [
        config.clone().key("next", "other", &format!("status = \"active\" {CANARY}")),
        config.clone().section("keys.next", &format!("digest = \"{CANARY}\"")),
        config.clone().section("keys.next", &format!("digest = \"sha256:{CANARY}\"")),
        config.clone().section("keys.next", &format!("digest = \"{CANARY}")),
        config.clone().section("keys.next", &format!("digest = [\"{CANARY}\"]")),
        config.clone().section("keys.next", &format!("apikey = \"{CANARY}\"")),
        config.clone().section("keys.next", &format!("secret = \"{SECRET}\"")),
        config.clone().section("keys.next", &format!("secret_digest = \"{SECRET}\"")),
        config.clone().section("keys.next", &format!("secret_digest = \"sha256:{SECRET}\"")),
        config.clone().section("keys.next", &format!("wrapped_secret = \"{SECRET}\"")),
        config.clone().section("keys.next", &format!("wrapped_secret = \"wrapped:v1:{SECRET}\"")),
    ] {
        gate.refuses(&broken);
    }
    gate.apply(&config.without("keys.good"));
    gate.get("/orders").key(&key("good")).send().refused(401, "key_rejected");

    // What was open when the drain timeout ended.
    gate.apply(&house(&upstreams, format));
    let mut waiting = gate.get("/patient").key(&key("good")).start();
    gate.wait_for("the request", |metrics| metrics.sum("tollgate_streams", &[]) > 0.0);
    gate.signal(Signal::TERM);
    let cut = waiting.read().refused(503, "draining");
    codes.push("draining");
    hold_no_secret("draining", cut.text());
    upstreams.door.open();
    assert_eq!(gate.exit_code(), 3);

    gate.wait_for_log("the drain timeout has passed");
    hold_no_secret("the log", &gate.log());
    let access_log = std::fs::read_to_string(gate.folder().join("access.log")).unwrap();
    for code in codes.iter().filter(|code| !BEFORE_A_REQUEST.contains(code)) {
        assert!(access_log.contains(&format!("\"refusal\":\"{code}\"")), "{code} was not logged");
    }
    hold_no_secret("the access log", &access_log);
    for refusal in Refusal::all().filter(|refusal| !NEVER.contains(refusal)) {
        assert!(codes.contains(&refusal.code()), "{} was not tried", refusal.code());
    }
}

#[test]
fn no_refusal_tells_a_key_in_text() {
    hold_refusals("text");
}

#[test]
fn no_refusal_tells_a_key_in_json() {
    hold_refusals("json");
}
