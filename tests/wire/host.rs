use super::{ask, gate};
use crate::support::{Config, Http2, Origin, Tollgate};

#[test]
fn a_missing_or_repeated_host_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for head in [
        "GET /orders HTTP/1.1\nX-Api-Key: demo\n\n",
        "GET /orders HTTP/1.1\nHost: a\nHost: a\nX-Api-Key: demo\n\n",
        "GET /orders HTTP/1.1\nHost: a\nX-Api-Key: demo\nhost: b\n\n",
    ] {
        ask(&gate, head).refused(400, "bad_request");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn what_is_no_host_is_refused() {
    let origin = Origin::start();
    let gate = gate(&origin);
    for host in ["", "a b", "a/b", "a,b", "user@a", "a:b", "[::1", "a?b", "a#b", "a\\b"] {
        let request = gate.get("/orders").key("demo").host(host);
        let response = request.send();
        assert_eq!(response.status, 400, "{host}: {response:?}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn host_and_authority_must_agree() {
    let origin = Origin::start();
    let gate = gate(&origin);
    let request = gate.get("/orders").key("demo").host("a.example");
    let mut connection = Http2::connect(gate.data());
    request.clone().header("host", "a.example").over(&mut connection).admitted();
    let other = request.header("host", "b.example").over(&mut connection);
    other.refused(400, "bad_request");
    assert_eq!(origin.request().fields.all("host"), ["a.example"]);
}

#[test]
fn a_target_in_absolute_form_brings_its_own_host() {
    let origin = Origin::start();
    let service = "path = \"/orders\"\nupstream = \"demo\"\nhosts = [\"a.example\"]";
    let gate = Tollgate::start(&Config::new(&origin).service(service));
    let same = "GET http://a.example/orders/7 HTTP/1.1\nHost: a.example\nX-Api-Key: demo\n\n";
    ask(&gate, same).admitted();
    assert_eq!(origin.request().target(), "/orders/7");
    let other = "GET http://a.example/orders/7 HTTP/1.1\nHost: b.example\nX-Api-Key: demo\n\n";
    ask(&gate, other).refused(400, "bad_request");
}

#[test]
fn a_service_answers_on_its_own_hosts_only() {
    let origin = Origin::start();
    let hosts = "hosts = [\"api.example.com\", \"*.example.org\"]";
    let service = format!("path = \"/orders\"\nupstream = \"demo\"\n{hosts}");
    let gate = Tollgate::start(&Config::new(&origin).service(&service));
    for host in ["api.example.com", "API.Example.COM", "api.example.com:8080", "eu.example.org"] {
        let request = gate.get("/orders").key("demo").host(host);
        request.send().admitted();
        request.over(&mut Http2::connect(gate.data())).admitted();
    }
    for host in ["example.com", "example.org", "a.b.example.net", "api.example.com.evil.example"] {
        let request = gate.get("/orders").key("demo").host(host);
        request.send().refused(404, "route_not_found");
        request.over(&mut Http2::connect(gate.data())).refused(404, "route_not_found");
    }
}
