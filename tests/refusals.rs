//! What a refused caller is told, and what only the operator is.

use crate::support::{Config, Connection, Http1, Origin, Tollgate};

const SUSPENDED: &str = "status = \"suspended\"";

fn house(origin: &Origin) -> Config {
    Config::new(origin)
        .key("acme-2", "suspended", SUSPENDED)
        .key("acme-3", "revoked", "status = \"revoked\"")
        .key("acme-4", "waiting", "status = \"waiting\"")
        .key("acme-5", "expired", "expires = 2020-01-01")
        .key("acme-6", "early", "not_before = 9000-01-01T00:00:00Z")
}

const HIDDEN: [(&str, &str); 6] = [
    ("suspended", "key_suspended"),
    ("revoked", "key_revoked"),
    ("waiting", "key_pending"),
    ("expired", "key_expired"),
    ("early", "key_not_yet_valid"),
    ("unheard-of", "key_unknown"),
];

#[test]
fn a_refusal_is_a_problem_document() {
    let origin = Origin::start();
    let refused = Tollgate::start(&house(&origin)).get("/orders").send();
    let problem = refused.problem();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["code"], "key_missing");
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
}

#[test]
fn a_stranger_cannot_tell_a_dead_key_from_no_key() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let answers: Vec<_> = HIDDEN
        .iter()
        .map(|(key, _)| gate.get("/orders").key(key).send().refused(401, "key_rejected"))
        .map(|response| (response.text().to_owned(), response.fields.all("www-authenticate").len()))
        .collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    for (key, code) in HIDDEN {
        assert_eq!(gate.metrics().refusals(code), 1.0, "{key}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_service_may_disclose_the_state_of_a_key() {
    let origin = Origin::start();
    let open = "path = \"/orders\"\nupstream = \"demo\"\ndisclose_key_state = true";
    let gate = Tollgate::start(&house(&origin).service(open));
    for (key, code) in HIDDEN {
        gate.get("/orders").key(key).send().refused(401, code);
    }
}

#[test]
fn the_state_of_owner_and_plan_counts_too() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let request = gate.get("/orders").key("demo");
    let suspended =
        house(&origin).section("applications.acme", "owner = \"jo\"\nstatus = \"suspended\"");
    gate.apply(&suspended);
    request.send().refused(401, "key_rejected");
    gate.apply(&house(&origin));
    request.send().admitted();
    gate.apply(&house(&origin).section("members.jo", "status = \"disabled\""));
    request.send().refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("owner_inactive"), 2.0);
    let exempt = "qps_limit_exempt = true\nrate_limit_exempt = true\nstatus = \"inactive\"";
    gate.apply(&house(&origin).plan(exempt));
    request.send().refused(401, "key_rejected");
    assert_eq!(gate.metrics().refusals("plan_inactive"), 1.0);
    gate.apply(&house(&origin));
    request.send().admitted();
}

#[test]
fn a_401_names_every_place_of_the_service() {
    let origin = Origin::start();
    let places = "path = \"/orders\"\nupstream = \"demo\"\ncredentials = [{ authorization = \"Bearer\" }, \
                  { header = \"X-Api-Key\" }, { query = \"api_key\" }]";
    let gate = Tollgate::start(&house(&origin).service(places));
    let refused = gate.get("/orders").send().refused(401, "key_missing");
    assert_eq!(
        refused.fields.all("www-authenticate"),
        [
            "Bearer realm=\"orders\"",
            "ApiKey realm=\"orders\", header=\"x-api-key\"",
            "ApiKey realm=\"orders\", query=\"api_key\"",
        ]
    );
}

#[test]
fn a_refused_connection_goes_on() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let mut connection = Http1::connect(gate.data());
    for _ in 0..3 {
        connection.send(&gate.get("/orders")).refused(401, "key_missing");
        connection.send(&gate.get("/nowhere")).refused(404, "route_not_found");
        connection.send(&gate.request("POST", "/orders").body("hello")).refused(401, "key_missing");
        connection.send(&gate.get("/orders").key("demo")).admitted();
    }
    assert_eq!(origin.requests().len(), 3);
}

#[test]
fn a_refused_head_has_no_body() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let mut connection = Http1::connect(gate.data());
    let refused = connection.send(&gate.request("HEAD", "/orders"));
    assert_eq!((refused.status, refused.body.len()), (401, 0));
    connection.send(&gate.get("/orders").key("demo")).admitted();
}

#[test]
fn a_body_that_never_ends_is_not_read_to_be_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let head = "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx";
    Http1::connect(gate.data()).ask(head).refused(401, "key_missing");
    assert!(origin.requests().is_empty());
}
