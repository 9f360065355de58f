//! Services that take calls over TLS only.

use std::fs;

use crate::support::{Config, Origin, Request, tollgate};

use super::{HOST, House};

const SERVICE: &str = "path = \"/orders\"\nupstream = \"demo\"\ntls_required = true";

fn house(more: &str) -> House {
    House::new()
        .section("listeners.plain", "address = \"127.0.0.1:0\"")
        .section("services.orders", &format!("{SERVICE}\n{more}"))
        .section("services.orders.endpoints.all", "")
        .section("services.orders.endpoints.all.methods.read", "http_methods = [\"GET\"]")
}

#[test]
fn a_plain_call_is_refused_before_anything_else_is_said() {
    let (house, origin) = house("").start();
    let plain = house.gate.listener("plain");
    let call = |method: &str, key: &str| Request::new(plain, method, "/orders").key(key);
    call("GET", "demo").send().refused(403, "tls_required");
    call("GET", "demo").header("X-Forwarded-Proto", "https").send().refused(403, "tls_required");
    call("GET", "unknown").send().refused(403, "tls_required");
    call("GET", "demo").header("X-Api-Key", "two").send().refused(403, "tls_required");
    let wrong = call("DELETE", "demo").send().refused(403, "tls_required");
    assert_eq!(wrong.header("allow"), None);
    Request::new(plain, "GET", "/elsewhere").send().refused(404, "route_not_found");
    assert_eq!(origin.requests().len(), 0);
    let mut connection = house.client().http1(house.gate.listener("public"), HOST);
    call("GET", "demo").over(&mut connection).admitted();
    call("DELETE", "demo").over(&mut connection).refused(405, "method_not_allowed");
}

#[test]
fn mashery_words_it_as_it_does() {
    let (house, _origin) = house("error_dialect = \"mashery\"").start();
    let plain = house.gate.listener("plain");
    let refused = Request::new(plain, "GET", "/orders").key("demo").send();
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("x-mashery-error-code"), Some("ERR_403_SERVICE_REQUIRES_SSL"));
    assert_eq!(refused.header("x-error-detail-header"), Some("Service Requires SSL"));
}

#[test]
fn what_no_listener_can_serve_is_a_warning() {
    let origin = Origin::start();
    let certificate = format!("sha256:{}", "0".repeat(64));
    let bound = format!("client_certificates = [\"{certificate}\"]");
    let config = Config::new(&origin).service(SERVICE).key("bound", "bound", &bound);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tollgate.toml");
    fs::write(&file, config.to_string()).unwrap();
    let found = tollgate(&["check".as_ref(), "--config".as_ref(), file.as_os_str()], "");
    assert_eq!(found.code, Some(0), "{found:?}");
    for warning in [
        "services.orders.tls_required: no listener has a table tls, so every call is refused",
        "keys.bound.client_certificates: no listener asks for client certificates",
    ] {
        assert!(found.stderr.contains(warning), "{found:?}");
    }
    assert_eq!(found.stderr.lines().count(), 2, "{found:?}");
}
