use super::{EXEMPT, both};
use crate::support::{Config, Origin, Tollgate};

fn from(origin: &Origin, plan: &str, key: &str) -> Config {
    let list = |networks: &str| match networks {
        "" => String::new(),
        networks => format!("allowed_sources = [{networks}]"),
    };
    Config::new(origin)
        .plan(&format!("{EXEMPT}{}", list(plan)))
        .key("acme-1", "demo", &list(key))
        .key("acme-2", "other", "")
}

#[test]
fn a_call_comes_from_where_plan_and_key_allow() {
    let origin = Origin::start();
    let gate = Tollgate::start(&from(&origin, "", ""));
    let (home, away) = ("\"127.0.0.0/8\"", "\"10.0.0.0/8\", \"::/0\"");
    let wide = "\"127.0.0.0/8\", \"10.0.0.0/8\"";
    for (plan, key, demo, other) in [
        (home, "", true, true),
        (away, "", false, false),
        ("", home, true, true),
        ("", away, false, true),
        (wide, home, true, true),
        // A key's networks narrow the plan's and never widen them.
        (wide, "\"10.0.0.0/8\"", false, true),
        ("\"10.0.0.0/8\"", "\"127.0.0.0/8\", \"10.0.0.0/8\"", false, false),
    ] {
        gate.apply(&from(&origin, plan, key));
        for (key, expected) in [("demo", demo), ("other", other)] {
            for response in both(&gate, &gate.get("/orders").key(key)) {
                if expected {
                    response.admitted();
                } else {
                    response.refused(403, "source_not_allowed");
                }
            }
        }
    }
}

#[test]
fn an_ipv4_client_of_an_ipv6_socket_is_an_ipv4_client() {
    let origin = Origin::start();
    let listener = "address = \"[::]:0\"";
    let config = from(&origin, "\"127.0.0.0/8\"", "").section("listeners.public", listener);
    let gate = Tollgate::start(&config);
    let port = gate.data().port();
    let mut request = gate.get("/orders").key("demo");
    request.address = ([127, 0, 0, 1], port).into();
    request.send().admitted();
    request.address = (std::net::Ipv6Addr::LOCALHOST, port).into();
    request.send().refused(403, "source_not_allowed");
}

#[test]
fn the_state_of_a_key_comes_first_and_what_its_plan_opens_after() {
    let origin = Origin::start();
    let config = from(&origin, "\"10.0.0.0/8\"", "")
        .key("acme-3", "revoked", "status = \"revoked\"")
        .section("services.orders.endpoints.closed", "path = \"/closed\"")
        .section("packages.basic.plans.free.services.orders.endpoints.all", "");
    let gate = Tollgate::start(&config);
    gate.get("/orders").key("revoked").send().refused(401, "key_rejected");
    gate.get("/orders/closed").key("demo").send().refused(403, "source_not_allowed");
    assert!(origin.requests().is_empty());
}
