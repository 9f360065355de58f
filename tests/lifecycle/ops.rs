use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::support::{Config, Origin, Tollgate};

#[test]
fn it_says_that_it_lives_and_is_ready() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    assert_eq!(gate.ops_get("/livez").send().status, 200);
    let ready = gate.ops_get("/readyz").send();
    assert_eq!((ready.status, ready.text().trim()), (200, "ready"));
    assert_eq!(gate.ops_get("/nothing").send().status, 404);
}

#[test]
fn ops_are_not_on_the_port_of_the_data() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    for target in ["/livez", "/readyz", "/metrics"] {
        gate.get(target).send().refused(404, "route_not_found");
    }
}

#[test]
fn requests_are_counted() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    for _ in 0..3 {
        gate.get("/orders").key("demo").send().admitted();
    }
    gate.get("/orders").send().refused(401, "key_missing");
    let requests = |service: &'static str, status: &'static str| {
        move |metrics: &crate::support::Metrics, count: f64| {
            let labels = [("service", service), ("status", status)];
            metrics.sum("tollgate_requests_total", &labels) == count
        }
    };
    let (admitted, refused) = (requests("orders", "2xx"), requests("orders", "4xx"));
    gate.wait_for("the requests to be counted", |metrics| {
        admitted(metrics, 3.0) && refused(metrics, 1.0) && metrics.refusals("key_missing") == 1.0
    });
}

#[test]
fn prometheus_can_read_the_metrics() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.get("/orders").key("demo").send().admitted();
    gate.get("/orders").send().refused(401, "key_missing");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = gate.metrics().text().to_owned();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&said));
}
