use super::{both, house};
use crate::support::{
    Answer, Config, Connection, Door, Http1, Http2, Origin, Request, Response, Tollgate,
};

const PAGE: &str = "https://shop.example.com";

const POLICY: &str = "allowed_origins = [\"https://shop.example.com\", \"https://*.example.org\"]\n\
                      allowed_methods = [\"PUT\", \"DELETE\"]\n\
                      allowed_headers = [\"X-Api-Key\", \"Content-Type\"]\n\
                      exposed_headers = [\"RateLimit\"]\ncredentials = true\nmax_age = \"5m\"";

fn shop(origin: &Origin) -> Config {
    house(origin, "").section("services.orders.cors", POLICY)
}

/// What a browser asks before it lets a page send such a request.
fn preflight(gate: &Tollgate, target: &str, method: &str, page: &str) -> Request {
    gate.request("OPTIONS", target)
        .header("Origin", page)
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", "content-type,x-api-key")
}

/// Whether a browser would let a page of `page` read it.
fn readable(response: &Response, page: &str) -> bool {
    let origins = response.fields.all("access-control-allow-origin");
    let vary = response.fields.all("vary").join(", ").to_ascii_lowercase();
    assert!(vary.contains("origin"), "{response:?}");
    origins == [page] && response.header("access-control-allow-credentials") == Some("true")
}

#[test]
fn a_page_asks_and_then_calls() {
    let origin = Origin::start();
    let plan = "qps_limit_exempt = true\nrate_limit_ceiling = 2\nrate_limit_period = \"month\"";
    let gate = Tollgate::start(&shop(&origin).plan(plan));
    let connections: [&mut dyn FnMut(&Request) -> Response; 2] =
        [&mut |request| Http1::connect(gate.data()).send(request), &mut |request| {
            Http2::connect(gate.data()).send(request)
        }];
    for send in connections {
        let asked = send(&preflight(&gate, "/orders/1", "PUT", PAGE));
        assert_eq!((asked.status, asked.text()), (204, ""), "{asked:?}");
        assert!(readable(&asked, PAGE));
        let told = |name: &str| asked.header(&format!("access-control-{name}"));
        assert_eq!(told("allow-methods"), Some("PUT, DELETE"));
        assert_eq!(told("allow-headers"), Some("x-api-key, content-type"));
        assert_eq!(told("max-age"), Some("300"));
        assert_eq!(told("expose-headers"), None);
        assert!(!asked.fields.has("content-length") && !asked.fields.has("www-authenticate"));
        let put = gate.request("PUT", "/orders/1").key("demo").header("Origin", PAGE).body("{}");
        let answered = send(&put).admitted();
        assert!(readable(&answered, PAGE));
        assert_eq!(answered.header("access-control-expose-headers"), Some("ratelimit"));
        assert!(!answered.fields.has("access-control-allow-methods"));
    }
    // The preflights counted nowhere and were no refusals.
    assert_eq!(origin.requests().len(), 2);
    assert_eq!(gate.metrics().sum("tollgate_refusals_total", &[]), 0.0);
    let over = gate.get("/orders").key("demo").header("Origin", PAGE).send();
    assert!(readable(&over.refused(429, "over_quota"), PAGE));
}

#[test]
fn a_preflight_is_of_the_method_that_it_asks_about() {
    let origin = Origin::start();
    let config = shop(&origin)
        .without("services.orders.endpoints.all")
        .section("services.orders.endpoints.items", "path = \"/items\"")
        .section("services.orders.endpoints.items.methods.write", "http_methods = [\"PUT\"]");
    let gate = Tollgate::start(&config);
    let ask = |target: &str, method: &str| preflight(&gate, target, method, PAGE);
    for response in both(&gate, &ask("/orders/items", "PUT")) {
        assert_eq!(response.status, 204);
    }
    for response in both(&gate, &ask("/orders/items", "DELETE")) {
        let refused = response.refused(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some("PUT"));
        assert!(readable(&refused, PAGE));
    }
    for response in both(&gate, &ask("/orders/others", "PUT")) {
        let refused = response.refused(404, "route_not_found");
        assert!(!refused.fields.has("access-control-allow-origin"));
    }
    // Without what makes a preflight it is a call like any other.
    let plain = gate.request("OPTIONS", "/orders/items").header("Origin", PAGE);
    plain.send().refused(405, "method_not_allowed");
    assert!(origin.requests().is_empty());
}

#[test]
fn other_pages_are_told_nothing_and_calls_of_programs_go_on() {
    let origin = Origin::start();
    let gate = Tollgate::start(&shop(&origin));
    for page in [
        "https://evil.org",
        "https://shop.example.com.evil.org",
        "https://shop.example.com:8443",
        "https://example.org",
        "http://shop.example.com",
        "https://SHOP.example.com",
        "null",
    ] {
        for response in both(&gate, &preflight(&gate, "/orders", "PUT", page)) {
            assert_eq!(response.status, 204);
            assert!(!readable(&response, page), "{response:?}");
            assert!(!response.fields.has("access-control-allow-methods"));
        }
        let called = gate.get("/orders").key("demo").header("Origin", page).send().admitted();
        assert!(!readable(&called, page), "{called:?}");
    }
    let below = "https://a.b.example.org";
    assert!(readable(&preflight(&gate, "/orders", "PUT", below).send(), below));
    let program = gate.get("/orders").key("demo").send().admitted();
    assert_eq!(program.header("vary"), Some("Origin"));
    assert!(!program.fields.has("access-control-allow-origin"));
}

#[test]
fn every_refusal_of_the_service_can_be_read() {
    let door = Door::shut();
    let behind = door.clone();
    let origin = Origin::answering(move |request| match request.target() {
        "/orders/silent" => Answer::status(200).wait(&behind).then("late"),
        _ => Answer::raw("no HTTP\r\n\r\n"),
    });
    let listener = "address = \"127.0.0.1:0\"\nmax_body_bytes = 4";
    let upstream = format!("url = \"http://{}\"\nfirst_byte_timeout = \"100ms\"", origin.address());
    let config = shop(&origin)
        .section("listeners.public", listener)
        .section("upstreams.demo", &upstream)
        .section("services.orders.endpoints.closed", "path = \"/closed\"\nmaintenance = true")
        .section("services.orders.endpoints.secret", "path = \"/secret\"")
        .section("packages.basic.plans.free.services.orders.endpoints.all", "");
    let gate = Tollgate::start(&config);
    let orders = gate.get("/orders").header("Origin", PAGE);
    let of = |target: &str| gate.get(target).key("demo").header("Origin", PAGE);
    for (request, status, code) in [
        (orders.clone(), 401, "key_missing"),
        (orders.clone().key("two words"), 401, "key_malformed"),
        (orders.clone().key("unheard-of"), 401, "key_rejected"),
        (orders.clone().header("Connection", "X-Api-Key"), 400, "bad_request"),
        (of("/orders/secret"), 403, "not_entitled"),
        (of("/orders/closed"), 503, "maintenance"),
        (of("/orders").body("hello"), 413, "body_too_large"),
        (of("/orders"), 502, "upstream_bad_response"),
        (of("/orders/silent"), 504, "upstream_timeout"),
    ] {
        let response = request.send().refused(status, code);
        assert!(readable(&response, PAGE), "{response:?}");
    }
    // A page must get through to a closed endpoint to read that it is closed.
    assert_eq!(preflight(&gate, "/orders/closed", "GET", PAGE).send().status, 204);
    door.open();
}

#[test]
fn what_the_upstream_says_of_pages_is_replaced() {
    let origin = Origin::answering(|_| {
        Answer::status(200)
            .header("Access-Control-Allow-Origin", "*")
            .header("Access-Control-Allow-Private-Network", "true")
            .header("Access-Control-Expose-Headers", "X-Internal")
            .header("Vary", "Accept-Encoding")
            .then("ok")
    });
    let gate = Tollgate::start(&shop(&origin));
    let request = gate.get("/orders").key("demo").header("Origin", PAGE);
    for response in both(&gate, &request) {
        assert!(readable(&response, PAGE));
        assert_eq!(response.fields.all("access-control-expose-headers"), ["ratelimit"]);
        assert!(!response.fields.has("access-control-allow-private-network"));
        assert_eq!(response.fields.all("vary"), ["Accept-Encoding", "Origin"]);
    }
    let other = gate.get("/orders").key("demo").header("Origin", "https://evil.org").send();
    assert!(!other.fields.has("access-control-allow-origin"));
    // Without a policy it is the upstream that answers.
    gate.apply(&house(&origin, ""));
    let theirs = request.send().admitted();
    assert_eq!(theirs.header("access-control-allow-origin"), Some("*"));
    let asked = preflight(&gate, "/orders", "PUT", PAGE);
    asked.send().refused(401, "key_missing");
    asked.key("demo").send().admitted();
}

#[test]
fn every_page_may_call_where_the_policy_says_so() {
    let origin = Origin::start();
    let every = "allowed_origins = [\"*\"]\nallowed_methods = [\"*\"]";
    let gate = Tollgate::start(&house(&origin, "").section("services.orders.cors", every));
    let asked = preflight(&gate, "/orders", "PATCH", PAGE).send();
    assert_eq!(asked.status, 204);
    assert_eq!(asked.header("access-control-allow-origin"), Some("*"));
    assert_eq!(asked.header("access-control-allow-methods"), Some("*"));
    // The field in which a key may stand is allowed unless the policy says otherwise.
    assert_eq!(asked.header("access-control-allow-headers"), Some("x-api-key"));
    assert_eq!(asked.header("access-control-max-age"), Some("600"));
    assert!(!asked.fields.has("vary") && !asked.fields.has("access-control-allow-credentials"));
    let refused = gate.get("/orders").header("Origin", "null").send().refused(401, "key_missing");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn a_policy_changes_under_an_open_connection() {
    let origin = Origin::start();
    let gate = Tollgate::start(&shop(&origin));
    let mut connection = Http1::connect(gate.data());
    let request = gate.get("/orders").key("demo").header("Origin", PAGE);
    assert!(readable(&connection.send(&request), PAGE));
    gate.apply(
        &shop(&origin).section(
            "services.orders.cors",
            &POLICY.replace("shop.example.com", "other.example.com"),
        ),
    );
    assert!(!readable(&connection.send(&request), PAGE));
}
