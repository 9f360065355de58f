//! Where a key stands in a request, and that it ends there.

mod basic;
mod cookie;
mod form;
mod path;

pub(crate) use basic::basic;

use crate::support::{Config, Connection, Http1, Http2, Origin, Request, Tollgate};

const PLACES: &str = r#"
path = "/orders"
upstream = "demo"
credentials = [{ header = "X-Api-Key" }, { authorization = "Bearer" }, { query = "api_key" }]
"#;

fn gate(origin: &Origin) -> Tollgate {
    Tollgate::start(&Config::new(origin).service(PLACES))
}

/// A gate whose service looks for keys in these places, and in no other.
fn gate_with(origin: &Origin, places: &str) -> Tollgate {
    let service = format!("path = \"/orders\"\nupstream = \"demo\"\ncredentials = [{places}]");
    Tollgate::start(&Config::new(origin).service(&service).key("acme-2", "other", ""))
}

/// The request in each version of HTTP, and what the upstream saw of it.
fn holds_in_both(gate: &Tollgate, check: impl Fn(&mut dyn FnMut(&Request) -> u16)) {
    let (mut one, mut two) = (Http1::connect(gate.data()), Http2::connect(gate.data()));
    check(&mut |request| one.send(request).status);
    check(&mut |request| two.send(request).status);
}

#[test]
fn every_place_of_the_service_takes_a_key() {
    let origin = Origin::start();
    let gate = gate(&origin);
    holds_in_both(&gate, |send| {
        assert_eq!(send(&gate.get("/orders/7").header("x-api-key", "demo")), 200);
        assert_eq!(send(&gate.get("/orders/7").header("authorization", "Bearer demo")), 200);
        assert_eq!(send(&gate.get("/orders/7").header("authorization", "bearer demo")), 200);
        assert_eq!(send(&gate.get("/orders/7?api_key=demo")), 200);
    });
    for request in origin.requests() {
        assert_eq!(request.target(), "/orders/7");
        assert!(!request.fields.has("x-api-key") && !request.fields.has("authorization"));
    }
}

#[test]
fn a_place_that_the_service_does_not_have_is_left_alone() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.get("/orders/7?api_key=demo").send().refused(401, "key_missing");
    gate.get("/orders/7").header("Authorization", "Bearer demo").send().refused(401, "key_missing");
    let request = gate.get("/orders/7?api_key=other").key("demo");
    request.header("Authorization", "Bearer other").send().admitted();
    assert_eq!(origin.request().target(), "/orders/7?api_key=other");
    assert_eq!(origin.request().header("authorization"), Some("Bearer other"));
}

#[test]
fn another_scheme_of_authorization_goes_on_to_the_upstream() {
    let origin = Origin::start();
    let gate = gate(&origin);
    gate.get("/orders/7").key("demo").header("Authorization", "Basic am86").send().admitted();
    assert_eq!(origin.request().header("authorization"), Some("Basic am86"));
    gate.get("/orders/7").header("Authorization", "Basic demo").send().refused(401, "key_missing");
}

#[test]
fn the_rest_of_a_query_goes_on_byte_for_byte() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for (came, goes) in [
        ("/orders?api_key=demo", "/orders"),
        ("/orders?api_key=demo&a=1", "/orders?a=1"),
        ("/orders?a=1&api_key=demo", "/orders?a=1"),
        ("/orders?a=%7e&api_key=demo&b=x+y&&=&c", "/orders?a=%7e&b=x+y&&=&c"),
        ("/orders?%61pi%5Fkey=demo&a=1", "/orders?a=1"),
        ("/orders?api_key=demo&a=1&api_key=demo", "/orders?a=1"),
        ("/orders?API_KEY=other&api_key=demo", "/orders?API_KEY=other"),
        ("/orders?my_api_key=a&api_key=demo&api_keys=b", "/orders?my_api_key=a&api_keys=b"),
    ] {
        gate.get(came).send().admitted();
        assert_eq!(origin.targets().last().unwrap(), goes, "{came}");
    }
}

#[test]
fn a_query_is_untouched_when_the_key_stands_elsewhere() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for query in ["?", "?&", "?a", "?a=%zz&b=%", "?x=/../..//&y=%2f"] {
        let target = format!("/orders{query}");
        gate.get(&target).key("demo").send().admitted();
        assert_eq!(origin.targets().last().unwrap(), &target);
    }
}

#[test]
fn a_percent_encoded_key_is_the_key() {
    let origin = Origin::start();
    gate(&origin).get("/orders?api_key=%64em%6F").send().admitted();
    assert_eq!(origin.request().target(), "/orders");
}

#[test]
fn equal_keys_in_two_places_are_one_key_and_neither_goes_on() {
    let origin = Origin::start();
    let gate = gate(&origin);
    holds_in_both(&gate, |send| {
        let everywhere = gate
            .get("/orders?api_key=demo&a=1&api_key=demo")
            .header("x-api-key", "demo")
            .header("x-api-key", "demo")
            .header("authorization", "Bearer demo");
        assert_eq!(send(&everywhere), 200);
    });
    for request in origin.requests() {
        assert_eq!(request.target(), "/orders?a=1");
        assert!(!request.fields.has("x-api-key") && !request.fields.has("authorization"));
    }
}

#[test]
fn two_different_keys_are_refused() {
    let origin = Origin::start();
    let config = Config::new(&origin).service(PLACES).key("acme-2", "other", "");
    let gate = Tollgate::start(&config);
    let both = gate.get("/orders").key("demo");
    both.clone().key("other").send().refused(400, "key_ambiguous");
    both.clone().header("Authorization", "Bearer other").send().refused(400, "key_ambiguous");
    gate.get("/orders?api_key=other").key("demo").send().refused(400, "key_ambiguous");
    gate.get("/orders?api_key=other&api_key=demo").send().refused(400, "key_ambiguous");
    gate.get("/orders?api_key=other&%61pi_key=demo").send().refused(400, "key_ambiguous");
    assert!(origin.requests().is_empty());
}

#[test]
fn what_cannot_be_a_key_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin);
    gate.get("/orders").send().refused(401, "key_missing");
    for malformed in [&"k".repeat(4096), "with space", "k\u{e9}"] {
        let refusal = gate.get("/orders").key(malformed).send().refusal();
        assert_eq!(refusal, (401, "key_malformed".to_owned()), "{malformed}");
    }
    gate.get("/orders?api_key=de%20mo").send().refused(401, "key_malformed");
    gate.get("/orders?api_key=demo%00").send().refused(401, "key_malformed");
    assert!(origin.requests().is_empty());
}

#[test]
fn an_empty_key_is_no_key() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for request in [
        gate.get("/orders").key(""),
        gate.get("/orders?api_key="),
        gate.get("/orders?api_key"),
        gate.get("/orders").header("Authorization", "Bearer"),
        gate.get("/orders").header("Authorization", "Bearer "),
    ] {
        let (status, code) = request.send().refusal();
        assert_eq!(status, 401, "{request:?}");
        assert!(["key_missing", "key_malformed"].contains(&code.as_str()), "{code}: {request:?}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_key_stands_in_no_log_no_metric_and_no_answer() {
    let origin = Origin::start();
    let secret = "mB2x-very-secret-9Qz";
    let config = Config::new(&origin).service(PLACES).key("acme-2", secret, "");
    let gate = Tollgate::start(&config.section("log", "level = \"debug\""));
    gate.get(&format!("/orders?api_key={secret}&a=1")).send().admitted();
    gate.get("/orders").key(secret).send().admitted();
    let refused =
        gate.get(&format!("/orders?api_key={secret}x")).send().refused(401, "key_rejected");
    let nowhere = gate.get(&format!("/nowhere?api_key={secret}")).send();
    gate.wait_for("the requests to be counted", |m| m.refusals("route_not_found") == 1.0);
    for said in [gate.log(), gate.metrics().text().to_owned(), refused.text().to_owned()] {
        assert!(!said.contains(secret), "{said}");
    }
    assert!(!nowhere.text().contains(secret));
}
