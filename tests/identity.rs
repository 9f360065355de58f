//! What the upstream is told of the caller comes from the gate alone.

use crate::support::{Config, Connection, Http1, Http2, Message, Origin, Response, Tollgate};

const IDENTITY: [(&str, &str); 4] = [
    ("x-tollgate-application", "acme"),
    ("x-tollgate-package", "basic"),
    ("x-tollgate-plan", "free"),
    ("x-tollgate-key", "acme-1"),
];

fn gate(origin: &Origin) -> Tollgate {
    Tollgate::start(&Config::new(origin))
}

fn holds_the_identity_alone(request: &Message) {
    for (name, value) in IDENTITY {
        assert_eq!(request.header(name), Some(value));
    }
    let spelt = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let ours = request.fields.iter().filter(|(name, _)| spelt(name).starts_with("x-tollgate"));
    assert_eq!(ours.count(), IDENTITY.len(), "{request:?}");
}

#[test]
fn the_upstream_is_told_who_calls() {
    let origin = Origin::start();
    gate(&origin).get("/orders").key("demo").send().admitted();
    holds_the_identity_alone(&origin.request());
}

#[test]
fn no_spelling_of_an_identity_field_comes_through() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for name in [
        "X-Tollgate-Application",
        "x-tollgate-application",
        "X-TOLLGATE-KEY",
        "X_Tollgate_Application",
        "x-tollgate_application",
        "X_TOLLGATE-PLAN",
        "X-Tollgate-Anything",
    ] {
        let one = gate.get("/orders").key("demo").header(name, "forged").header(name, "");
        one.send().admitted();
        let two = gate.get("/orders").key("demo").header(&name.to_ascii_lowercase(), "forged");
        two.over(&mut Http2::connect(gate.data())).admitted();
    }
    origin.requests().iter().for_each(holds_the_identity_alone);
}

#[test]
fn a_connection_field_cannot_take_out_what_the_gate_sets() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for nominated in [
        "X-Tollgate-Application",
        "x-tollgate-key",
        "X-TOLLGATE-PLAN",
        "X_Tollgate_Key",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "X-Forwarded-Host",
        "X-Request-Id",
        "Host",
        "Content-Length",
        "X-Api-Key",
        "keep-alive, X-Tollgate-Key",
        "close,\tx-forwarded-for ,",
    ] {
        let request = gate.get("/orders").key("demo").header("Connection", nominated);
        request.send().refused(400, "bad_request");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn forwarded_fields_are_written_over() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let forged = gate
        .get("/orders")
        .key("demo")
        .host("api.example.com")
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-forwarded-for", "192.0.2.2, 192.0.2.3")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "forged.example");
    forged.send().admitted();
    forged.over(&mut Http2::connect(gate.data())).admitted();
    for request in origin.requests() {
        assert_eq!(request.header("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(request.header("x-forwarded-proto"), Some("http"));
        assert_eq!(request.header("x-forwarded-host"), Some("api.example.com"));
    }
}

#[test]
fn the_upstream_is_told_no_more_than_it_asks_for() {
    let origin = Origin::start();
    let tells = |tell: &str| format!("url = \"http://{}\"\ntell = {tell}", origin.address());
    let config = Config::new(&origin).section("upstreams.demo", &tells("[\"X-Tollgate-Key\"]"));
    let gate = Tollgate::start(&config);
    let forged = [
        "x-tollgate-plan",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id",
    ];
    let request = || {
        let request = gate.get("/orders").key("demo");
        forged.iter().fold(request, |request, name| request.header(name, "forged"))
    };
    request().send().admitted();
    request().over(&mut Http2::connect(gate.data())).admitted();
    for request in origin.requests() {
        let ours = |name: &str| {
            name.starts_with("x-tollgate")
                || name.starts_with("x-forwarded")
                || name == "x-request-id"
        };
        let told: Vec<_> =
            request.fields.iter().filter(|(name, _)| ours(&name.to_ascii_lowercase())).collect();
        assert_eq!(told, [("x-tollgate-key", "acme-1")]);
    }
    // From the next request on as a change of the file says.
    gate.apply(&config.section("upstreams.demo", &tells("[\"X-Request-Id\"]")));
    gate.get("/orders").key("demo").header("x-request-id", "mine").send().admitted();
    let request = origin.requests().pop().unwrap();
    assert_eq!(request.header("x-request-id"), Some("mine"));
    assert_eq!(request.header("x-tollgate-key"), None);
}

#[test]
fn the_upstream_sees_the_host_of_the_client() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let request = gate.get("/orders").key("demo").host("api.example.com:8443");
    request.send().admitted();
    request.over(&mut Http2::connect(gate.data())).admitted();
    for request in origin.requests() {
        assert_eq!(request.header("host"), Some("api.example.com:8443"));
    }
}

#[test]
fn the_upstream_sees_its_own_host_where_it_asks_for_it() {
    let origin = Origin::start();
    let upstream = format!("url = \"http://{}\"\nhost = \"upstream\"", origin.address());
    let gate = Tollgate::start(&Config::new(&origin).section("upstreams.demo", &upstream));
    gate.get("/orders").key("demo").host("api.example.com").send().admitted();
    assert_eq!(origin.request().header("host"), Some(&*origin.address().to_string()));
    assert_eq!(origin.request().header("x-forwarded-host"), Some("api.example.com"));
}

#[test]
fn a_plain_request_id_is_kept_and_another_is_made_anew() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let mut connection = Http1::connect(gate.data());
    let mut id = |given: Option<&str>| -> String {
        let request = gate.get("/orders").key("demo");
        let request = given.iter().fold(request, |to, id| to.header("X-Request-Id", id));
        Response::admitted(connection.send(&request));
        origin.requests().last().unwrap().header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id(Some("5f0c1b2a-77")), "5f0c1b2a-77");
    let made: Vec<_> =
        [None, None, Some(""), Some("a b\"c"), Some(&*"x".repeat(4096))].map(&mut id).into();
    for (position, each) in made.iter().enumerate() {
        assert!((8..=128).contains(&each.len()), "{each}");
        assert!(!made[..position].contains(each), "{made:?}");
    }
}

#[test]
fn the_way_is_told_unless_it_is_switched_off() {
    let origin = Origin::start();
    let gate = gate(&origin);
    gate.get("/orders").key("demo").header("Via", "1.0 fred").send().admitted();
    let seen = origin.request();
    let way: Vec<_> = seen.fields.all("via").iter().flat_map(|via| via.split(", ")).collect();
    assert_eq!(way, ["1.0 fred", "1.1 tollgate"]);

    let origin = Origin::start();
    let silent = Config::new(&origin).section("process", "via = \"\"");
    Tollgate::start(&silent).get("/orders").key("demo").send().admitted();
    assert!(!origin.request().fields.has("via"));
}
