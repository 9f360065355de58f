use super::{Expected, INACTIVE, NOT_AUTHORIZED, NOT_FOUND, PROCESS, SERVICE, house};
use crate::support::{Answer, Config, Connection, Door, Http1, Http2, Origin, Tollgate, wait_for};

const BAD_REQUEST: Expected = Expected {
    status: 400,
    id: "ERR_400_BAD_REQUEST",
    detail: None,
    body: "<h1>400 Bad Request</h1>",
};

#[test]
fn a_key_that_does_not_work_is_an_inactive_developer_whatever_ails_it() {
    let origin = Origin::start();
    let config = house(&origin)
        .service(&format!("{SERVICE}\ndisclose_key_state = true"))
        .key("acme-2", "suspended", "status = \"suspended\"")
        .key("acme-3", "revoked", "status = \"revoked\"")
        .key("acme-4", "waiting", "status = \"waiting\"")
        .key("acme-5", "expired", "expires = 2020-01-01")
        .key("acme-6", "early", "not_before = 9000-01-01T00:00:00Z");
    let gate = Tollgate::start(&config);
    INACTIVE.of(&gate.get("/orders").send());
    for key in ["suspended", "revoked", "waiting", "expired", "early", "unheard-of"] {
        INACTIVE.of(&gate.get("/orders").key(key).send());
    }
    INACTIVE.of(&Http2::connect(gate.data()).send(&gate.get("/orders").key("revoked")));
    gate.apply(&house(&origin).section("members.jo", "status = \"disabled\""));
    INACTIVE.of(&gate.get("/orders").key("demo").send());
    let inactive = "qps_limit_exempt = true\nrate_limit_exempt = true\nstatus = \"inactive\"";
    gate.apply(&house(&origin).plan(inactive));
    INACTIVE.of(&gate.get("/orders").key("demo").send());
    assert!(origin.requests().is_empty());
}

#[test]
fn a_source_that_tries_too_many_keys_is_an_inactive_developer_that_may_come_back() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin).section("strangers", "rate = 1\nburst = 1"));
    let mut connection = Http1::connect(gate.data());
    let guess = gate.get("/orders").key("guess");
    let throttled = wait_for("a throttled answer", || {
        Some(connection.send(&guess)).filter(|response| response.fields.has("retry-after"))
    });
    INACTIVE.of(&throttled);
    assert!(gate.metrics().refusals("source_throttled") >= 1.0);
    connection.send(&gate.get("/orders").key("demo")).admitted();
}

#[test]
fn what_matches_no_service_is_596_before_any_key() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    for request in [gate.get("/nowhere"), gate.get("/nowhere").key("demo"), gate.get("/")] {
        NOT_FOUND.of(&request.send());
        NOT_FOUND.of(&Http2::connect(gate.data()).send(&request));
    }
}

#[test]
fn a_connection_goes_on_after_each_refusal() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let mut connection = Http1::connect(gate.data());
    for _ in 0..3 {
        NOT_FOUND.of(&connection.send(&gate.get("/nowhere")));
        INACTIVE.of(&connection.send(&gate.get("/orders")));
        connection.send(&gate.get("/orders").key("demo")).admitted();
    }
}

#[test]
fn what_the_plan_does_not_open_is_not_authorized() {
    let origin = Origin::start();
    let billing = format!("{}\npath = \"/billing\"", SERVICE.replace("path = \"/orders\"\n", ""));
    let config = house(&origin)
        .section("services.billing", &billing)
        .section("services.billing.endpoints.all", "")
        .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]");
    let gate = Tollgate::start(&config);
    NOT_AUTHORIZED.of(&gate.get("/billing").key("demo").send());
    NOT_AUTHORIZED.of(&gate.request("DELETE", "/orders").key("demo").send());
}

#[test]
fn a_closed_service_is_under_scheduled_maintenance() {
    let origin = Origin::start();
    let closed = format!("{SERVICE}\nmaintenance = true\nmaintenance_retry_after = \"30m\"");
    let gate = Tollgate::start(&house(&origin).service(&closed));
    let maintenance = Expected {
        status: 503,
        id: "ERR_503_SERVICE_UNAVAILABLE",
        detail: Some("Scheduled Maintenance"),
        body: "<h1>503 Service Unavailable</h1>",
    };
    for request in [gate.get("/orders").key("demo"), gate.get("/orders")] {
        let response = request.send();
        maintenance.of(&response);
        assert_eq!(response.header("retry-after"), Some("1800"));
        maintenance.of(&Http2::connect(gate.data()).send(&request));
    }
}

#[test]
fn another_page_is_an_unknown_referer() {
    let origin = Origin::start();
    let referers = format!("{SERVICE}\nallowed_referers = [\"https://example.com\"]");
    let gate = Tollgate::start(&house(&origin).service(&referers));
    let unknown = Expected {
        status: 403,
        id: "ERR_403_DEVELOPER_UNKNOWN_REFERER",
        detail: Some("Invalid Referer"),
        body: "<h1>Developer Unknown Referer</h1>",
    };
    let request = gate.get("/orders").key("demo");
    for request in [request.clone(), request.clone().header("Referer", "https://evil.org/")] {
        unknown.of(&request.send());
        unknown.of(&Http2::connect(gate.data()).send(&request));
    }
    request.header("Referer", "https://example.com/").send().admitted();
}

#[test]
fn another_address_is_not_authorized() {
    let origin = Origin::start();
    let elsewhere = "allowed_sources = [\"192.0.2.0/24\"]";
    let gate = Tollgate::start(&house(&origin).key("acme-1", "demo", elsewhere));
    let request = gate.get("/orders").key("demo");
    NOT_AUTHORIZED.of(&request.send());
    NOT_AUTHORIZED.of(&Http2::connect(gate.data()).send(&request));
}

#[test]
fn a_key_of_another_length_is_an_inactive_developer() {
    let origin = Origin::start();
    let short = format!("{SERVICE}\nmax_key_length = 3");
    let gate = Tollgate::start(&house(&origin).service(&short));
    INACTIVE.of(&gate.get("/orders").key("demo").send());
}

#[test]
fn calls_without_a_key_may_be_those_of_noapikey() {
    let origin = Origin::start();
    let keyless = format!("{SERVICE}\nkeyless_key = \"noapikey\"");
    let config = house(&origin).service(&keyless).key("noapikey", "nobody-brings-this", "");
    let gate = Tollgate::start(&config);
    gate.get("/orders").send().admitted();
    assert_eq!(origin.request().header("x-tollgate-key"), Some("noapikey"));
    INACTIVE.of(&gate.get("/orders").key("unheard-of").send());
}

#[test]
fn what_is_malformed_is_a_bad_request() {
    let origin = Origin::start();
    let places = "credentials = [{ header = \"X-Api-Key\" }, { query = \"api_key\" }]";
    let listener = "address = \"127.0.0.1:0\"\nmax_target_bytes = 64\nmax_body_bytes = 4";
    let config = house(&origin)
        .service(&format!("{SERVICE}\n{places}"))
        .section("listeners.public", listener);
    let gate = Tollgate::start(&config);
    BAD_REQUEST.of(&gate.get("/orders?api_key=other").key("demo").send());
    BAD_REQUEST.of(&gate.request("POST", "/orders").key("demo").body("hello").send());
    let too_long = Expected {
        status: 414,
        id: "ERR_414_REQUEST_URI_TOO_LONG",
        detail: None,
        body: "<h1>414 Request URI Too Long</h1>",
    };
    too_long.of(&gate.get(&format!("/orders/{}", "x".repeat(64))).key("demo").send());
}

#[test]
fn an_upstream_that_is_away_is_a_bad_gateway() {
    let origin = Origin::start();
    let dead = "url = \"http://127.0.0.1:1\"";
    let gate = Tollgate::start(&house(&origin).section("upstreams.demo", dead));
    let bad_gateway = Expected {
        status: 502,
        id: "ERR_502_BAD_GATEWAY",
        detail: None,
        body: "<h1>502 Bad Gateway</h1>",
    };
    bad_gateway.of(&gate.get("/orders").key("demo").send());
}

#[test]
fn an_upstream_that_is_silent_is_a_gateway_timeout() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |_| Answer::status(200).wait(&behind).then("late"));
    let upstream = format!("url = \"http://{}\"\nfirst_byte_timeout = \"100ms\"", origin.address());
    let gate = Tollgate::start(&house(&origin).section("upstreams.demo", &upstream));
    let timeout = Expected {
        status: 504,
        id: "ERR_504_GATEWAY_TIMEOUT",
        detail: None,
        body: "<h1>504 Gateway Timeout</h1>",
    };
    timeout.of(&gate.get("/orders").key("demo").send());
    door.open();
}

#[test]
fn what_the_upstream_answers_itself_stays_as_it_is() {
    let origin = Origin::answering(|_| Answer::status(403).header("Server", "origin").then("no"));
    let gate = Tollgate::start(&house(&origin));
    let response = gate.get("/orders").key("demo").send();
    assert_eq!((response.status, response.text()), (403, "no"));
    assert_eq!(response.header("server"), Some("origin"));
    assert!(!response.fields.has("x-mashery-error-code"));
}

#[test]
fn an_admitted_response_names_responder_and_message() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin));
    let request = gate.get("/orders").key("demo");
    let named = request.clone().header("X-Request-Id", "abc-1").send().admitted();
    assert_eq!(named.header("x-mashery-message-id"), Some("abc-1"));
    assert_eq!(named.header("x-mashery-responder"), Some("gate-1"));
    let unnamed = request.send().admitted();
    let requests = origin.requests();
    let upstream = requests.last().unwrap().header("x-request-id").unwrap();
    assert_eq!(unnamed.header("x-mashery-message-id"), Some(upstream));
    assert!(!unnamed.fields.has("x-mashery-error-code"));
    assert_ne!(unnamed.header("server"), Some("Mashery Proxy"));
}

#[test]
fn a_responder_may_stay_unnamed() {
    let origin = Origin::start();
    let silent = PROCESS.replace("gate-1", "");
    let gate = Tollgate::start(&house(&origin).section("process", &silent));
    for response in [gate.get("/orders").send(), gate.get("/orders").key("demo").send()] {
        assert!(!response.fields.has("x-mashery-responder"), "{response:?}");
    }
}

#[test]
fn each_service_has_its_own_dialect() {
    let origin = Origin::start();
    let problem = "path = \"/billing\"\nupstream = \"demo\"";
    let config: Config = house(&origin)
        .section("process", "workers = 2\nresponder = \"gate-1\"")
        .section("services.billing", problem)
        .section("services.billing.endpoints.all", "")
        .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]");
    let gate = Tollgate::start(&config);
    gate.get("/nowhere").send().refused(404, "route_not_found");
    gate.get("/billing").send().refused(401, "key_missing");
    INACTIVE.of(&gate.get("/orders").send());
    NOT_AUTHORIZED.of(&gate.request("DELETE", "/orders").send());
}
