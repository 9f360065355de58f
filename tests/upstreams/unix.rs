use tempfile::TempDir;

use super::gate;
use crate::support::{Answer, Origin};

#[test]
fn a_server_behind_a_unix_socket_is_asked() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("api.sock");
    let origin = Origin::behind(&socket, |_| Answer::ok("local"));
    for (host, seen) in [("client", "orders.example"), ("upstream", "localhost")] {
        let upstream = format!("url = \"unix:{}\"\nhost = \"{host}\"", socket.display());
        let gate = gate(&origin, &upstream);
        let request = gate.get("/orders").key("demo").host("orders.example");
        assert_eq!(request.send().admitted().text(), "local");
        assert_eq!(origin.requests().last().unwrap().header("host"), Some(seen));
    }
}

#[test]
fn a_socket_that_nobody_listens_at_is_a_502() {
    let origin = Origin::start();
    let gate = gate(&origin, "url = \"unix:/nowhere/api.sock\"");
    gate.get("/orders").key("demo").send().refused(502, "upstream_unreachable");
    let unreached =
        gate.metrics().sum("tollgate_upstream_unreached_total", &[("upstream", "demo")]);
    assert_eq!(unreached, 1.0);
}
