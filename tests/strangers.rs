//! Who brings keys that fail, and what it costs those who share an address with them.

use crate::support::{
    Config, Connection, Http1, Http2, Origin, Request, Response, Tollgate, wait_for,
};

const SUSPENDED: &str = "status = \"suspended\"";

/// Three keys may fail at once.
fn house(origin: &Origin) -> Config {
    house_of(origin, "rate = 1\nburst = 3")
}

fn house_of(origin: &Origin, strangers: &str) -> Config {
    Config::new(origin).section("strangers", strangers).key("acme-2", "suspended", SUSPENDED)
}

/// Fails three times, which is the budget but for what comes back in a second.
fn spend(connection: &mut impl Connection, request: &Request) {
    for _ in 0..3 {
        connection.send(request).refused(401, "key_rejected");
    }
}

/// The answer to a source that has spent its budget, when it comes back within a second.
fn throttled(connection: &mut impl Connection, request: &Request) -> Response {
    let answer = || Some(connection.send(request)).filter(|response| response.status == 429);
    wait_for("a throttled answer", answer).refused(429, "source_throttled")
}

#[test]
fn a_source_over_its_budget_is_throttled_and_a_valid_key_beside_it_never() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let guess = gate.get("/orders").key("guess");
    let mut guesser = Http1::connect_from([127, 0, 0, 2], gate.data());
    spend(&mut guesser, &guess);
    let refused = throttled(&mut guesser, &guess);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(!refused.fields.has("www-authenticate"));
    // The same connection, the same address, another address.
    guesser.send(&gate.get("/orders").key("demo")).admitted();
    let mut neighbour = Http1::connect_from([127, 0, 0, 2], gate.data());
    neighbour.send(&gate.get("/orders").key("demo")).admitted();
    throttled(&mut neighbour, &guess);
    Http1::connect_from([127, 0, 0, 3], gate.data()).send(&guess).refused(401, "key_rejected");
    assert_eq!(origin.requests().len(), 2);
    assert_eq!(gate.metrics().refusals("source_throttled"), 2.0);
    assert!(gate.metrics().refusals("key_unknown") >= 4.0);
}

#[test]
fn the_budget_of_a_source_is_one_over_all_workers_connections_and_versions() {
    let origin = Origin::start();
    let slow = "rate = 1\nburst = 50";
    let gate = Tollgate::start(&house_of(&origin, slow).section("process", "workers = 4"));
    let guess = gate.get("/orders").key("guess");
    let began = std::time::Instant::now();
    let statuses: Vec<_> = (0..100).map(|_| guess.send().status).collect();
    let plain = statuses.iter().filter(|status| **status == 401).count();
    let most = 50 + usize::try_from(began.elapsed().as_secs()).unwrap() + 1;
    assert!((50..=most).contains(&plain), "{plain}");
    throttled(&mut Http2::connect(gate.data()), &guess);
}

#[test]
fn every_failed_key_counts_alike_and_nothing_else_does() {
    let origin = Origin::start();
    let config = house(&origin)
        .section("services.billing", "path = \"/billing\"\nupstream = \"demo\"")
        .section("services.billing.endpoints.all", "")
        .key("acme-3", "closed", "qps_limit_ceiling = 0");
    let gate = Tollgate::start(&config);
    let mut client = Http1::connect(gate.data());
    for _ in 0..9 {
        client.send(&gate.get("/orders")).refused(401, "key_missing");
        client.send(&gate.get("/nowhere").key("guess")).refused(404, "route_not_found");
        client.send(&gate.get("/orders").key("closed")).refused(429, "over_qps");
        client.send(&gate.get("/orders").key("a").key("b")).refused(400, "key_ambiguous");
        client.send(&gate.get("/billing").key("demo")).refused(403, "not_entitled");
    }
    let malformed = gate.get("/orders").key(&"k".repeat(256));
    client.send(&malformed).refused(401, "key_malformed");
    client.send(&gate.get("/orders").key("suspended")).refused(401, "key_rejected");
    client.send(&gate.get("/orders").key("guess")).refused(401, "key_rejected");
    for request in
        [malformed, gate.get("/orders").key("suspended"), gate.get("/orders").key("guess")]
    {
        throttled(&mut client, &request);
    }
    client.send(&gate.get("/orders")).refused(401, "key_missing");
}

#[test]
fn a_source_that_waits_gets_the_plain_answer_again() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house_of(&origin, "rate = 100\nburst = 1"));
    let guess = gate.get("/orders").key("guess");
    wait_for("a throttled guess", || (guess.send().status == 429).then_some(()));
    wait_for("a plain answer", || (guess.send().status == 401).then_some(()));
}

#[test]
fn sources_beyond_the_cap_share_one_budget_and_valid_keys_do_not_notice() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house_of(&origin, "rate = 1\nburst = 4\nmax_sources = 2"));
    let guess = gate.get("/orders").key("guess");
    let mut statuses = Vec::new();
    for host in 1..=40 {
        let mut client = Http1::connect_from([127, 0, 1, host], gate.data());
        statuses.push(client.send(&guess).status);
        client.send(&gate.get("/orders").key("demo")).admitted();
    }
    let plain = statuses.iter().filter(|status| **status == 401).count();
    assert!((6..20).contains(&plain), "{statuses:?}");
    assert!(gate.metrics().sum("tollgate_stranger_overflow_total", &[]) > 10.0);
    assert!(gate.metrics().sum("tollgate_stranger_sources", &[]) <= 2.0);
}

#[test]
fn a_guesser_is_counted_and_named_once() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let guess = gate.get("/orders").key("Canary-guess");
    let mut guesser = Http1::connect_from([127, 0, 0, 2], gate.data());
    spend(&mut guesser, &guess);
    gate.wait_for("a source", |metrics| metrics.sum("tollgate_stranger_sources", &[]) == 1.0);
    assert_eq!(gate.metrics().sum("tollgate_guessing_sources", &[]), 0.0);
    throttled(&mut guesser, &guess);
    gate.wait_for("a guesser", |metrics| metrics.sum("tollgate_guessing_sources", &[]) == 1.0);
    gate.wait_for_log("a source tries keys that fail source=127.0.0.2 failed=");
    for _ in 0..5 {
        guesser.send(&guess);
    }
    // The next look, by what it lets go.
    Http1::connect_from([127, 0, 0, 3], gate.data()).send(&guess).refused(401, "key_rejected");
    gate.wait_for("a look", |metrics| metrics.sum("tollgate_stranger_sources", &[]) == 1.0);
    let log = gate.log();
    assert_eq!(log.matches("tries keys that fail").count(), 1, "{log}");
    assert!(!log.contains("Canary"), "{log}");
    assert_eq!(gate.metrics().sum("tollgate_guessing_sources_total", &[]), 1.0);
}

#[test]
fn nobody_is_throttled_where_it_is_switched_off() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house_of(&origin, "throttle = false\nburst = 1"));
    let mut client = Http1::connect(gate.data());
    for _ in 0..20 {
        client.send(&gate.get("/orders").key("guess")).refused(401, "key_rejected");
    }
    assert!(!gate.metrics().text().contains("tollgate_stranger"));
}
