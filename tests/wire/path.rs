use super::gate;
use crate::support::{Config, Connection, Http1, Http2, Origin, Tollgate};

#[test]
fn a_path_has_one_form_for_matching_and_for_the_upstream() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for (came, goes) in [
        ("/orders/7", "/orders/7"),
        ("//orders///7", "/orders/7"),
        ("/%6Frders/7", "/orders/7"),
        ("/orders/%7e%2Da", "/orders/~-a"),
        ("/orders/caf%c3%a9", "/orders/caf%C3%A9"),
        ("/orders/a%20b", "/orders/a%20b"),
        ("/orders/..a/b.", "/orders/..a/b."),
        ("/orders/7/", "/orders/7/"),
        ("/orders/a:b@c=e,f", "/orders/a:b@c=e,f"),
        ("/orders/a%3Ab%40c%3de", "/orders/a:b@c=e"),
    ] {
        gate.get(came).key("demo").send().admitted();
        assert_eq!(origin.targets().last().unwrap(), goes, "{came}");
    }
}

#[test]
fn an_ambiguous_path_leads_nowhere() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let (mut one, mut two) = (Http1::connect(gate.data()), Http2::connect(gate.data()));
    for path in [
        "/orders/..",
        "/orders/../orders",
        "/orders/./7",
        "/orders/%2e%2e/7",
        "/orders/.%2E/7",
        "/x/../orders",
        "/orders%2f7",
        "/orders/%2F..",
        "/orders%5c7",
        "/orders/7%00",
        "/orders/7;x=1",
        "/orders/7%3Bx",
        "/orders/%zz",
        "/orders/%",
        "/orders/%4",
    ] {
        let request = gate.get(path).key("demo");
        assert_eq!(one.send(&request).refusal(), (404, "route_not_found".into()), "{path}");
        assert_eq!(two.send(&request).refusal(), (404, "route_not_found".into()), "{path}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_prefix_ends_at_a_whole_segment() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for path in ["/ordersx", "/order", "/", "/x/orders", "/Orders"] {
        gate.get(path).key("demo").send().refused(404, "route_not_found");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn trace_and_connect_are_never_forwarded() {
    let origin = Origin::start();
    let gate = gate(&origin);
    gate.request("TRACE", "/orders").key("demo").send().refused(405, "method_not_allowed");
    let connect =
        format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nX-Api-Key: demo\r\n\r\n", origin.address());
    assert_eq!(Http1::connect(gate.data()).ask(connect).status, 405);
    let two = gate.request("TRACE", "/orders").key("demo");
    two.over(&mut Http2::connect(gate.data())).refused(405, "method_not_allowed");
    assert!(origin.requests().is_empty());
}

#[test]
fn a_service_may_replace_its_path() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\nupstream_path = \"/v2\"";
    let gate = Tollgate::start(&Config::new(&origin).service(service));
    for target in ["/orders", "/orders/7?a=1", "/orders/"] {
        gate.get(target).key("demo").send().admitted();
    }
    assert_eq!(origin.targets(), ["/v2", "/v2/7?a=1", "/v2/"]);
}
