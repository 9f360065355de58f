//! A change of the files takes effect while the gate runs, wholly or not at all.

mod broken;
mod counters;
mod files;
mod running;

use crate::support::{Config, Connection, Http1, Http2, Origin, Tollgate};

fn suspended(origin: &Origin) -> Config {
    Config::new(origin).key("acme-1", "demo", "status = \"suspended\"")
}

#[test]
fn the_next_request_after_a_suspension_is_refused_on_every_connection() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let request = gate.get("/orders").key("demo");
    // More connections than workers, so that each worker has some.
    let mut warm: Vec<_> = (0..8).map(|_| Http1::connect(gate.data())).collect();
    let mut warm2: Vec<_> = (0..8).map(|_| Http2::connect(gate.data())).collect();
    warm.iter_mut().for_each(|each| drop(each.send(&request).admitted()));
    warm2.iter_mut().for_each(|each| drop(each.send(&request).admitted()));

    gate.apply(&suspended(&origin));
    let refused = |connection: &mut dyn Connection| {
        connection.send(&request).refused(401, "key_rejected");
    };
    warm.iter_mut().for_each(|each| refused(each));
    warm2.iter_mut().for_each(|each| refused(each));
    for _ in 0..8 {
        refused(&mut Http1::connect(gate.data()));
        refused(&mut Http2::connect(gate.data()));
    }
    assert_eq!(origin.requests().len(), 16);
}

#[test]
fn connections_stay_open_across_swaps() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let request = gate.get("/orders").key("demo");
    let (mut one, mut two) = (Http1::connect(gate.data()), Http2::connect(gate.data()));
    let upstream = {
        one.send(&request).admitted();
        two.send(&request).admitted();
        origin.connections()
    };
    for _ in 0..3 {
        gate.apply(&suspended(&origin));
        one.send(&request).refused(401, "key_rejected");
        two.send(&request).refused(401, "key_rejected");
        gate.apply(&Config::new(&origin));
        one.send(&request).admitted();
        two.send(&request).admitted();
    }
    assert!(two.is_open());
    assert_eq!(origin.connections(), upstream, "the upstream's connections stay too");
}

#[test]
fn a_service_a_plan_and_a_key_may_come_in_one_swap() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.get("/billing").key("late").send().refused(404, "route_not_found");
    let grown = Config::new(&origin)
        .section("services.billing", "path = \"/billing\"\nupstream = \"demo\"")
        .section("services.billing.endpoints.all", "")
        .section("packages.basic.plans.free.services.billing", "")
        .key("acme-2", "late", "");
    gate.apply(&grown);
    gate.get("/billing").key("late").send().admitted();
    gate.get("/orders").key("demo").send().admitted();
}
