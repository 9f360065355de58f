//! What a key has spent stays spent across every swap.

use crate::support::{Config, Origin, Tollgate};

/// One key with a quota, and how often it is asked for.
fn house(origin: &Origin, ceiling: u32) -> Config {
    let plan = format!(
        "qps_limit_exempt = true\nrate_limit_ceiling = {ceiling}\nrate_limit_period = \"month\""
    );
    Config::new(origin).plan(&plan)
}

fn spend(gate: &Tollgate, calls: u32) {
    for _ in 0..calls {
        gate.get("/orders").key("demo").send().admitted();
    }
}

fn has_left(gate: &Tollgate, left: u32) {
    spend(gate, left);
    gate.get("/orders").key("demo").send().refused(429, "over_quota");
}

#[test]
fn across_a_reload() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, 5));
    spend(&gate, 3);
    gate.apply(&house(&origin, 5).key("acme-2", "other", ""));
    gate.reload();
    has_left(&gate, 2);
}

#[test]
fn across_suspension_and_activation() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, 5));
    spend(&gate, 3);
    gate.apply(&house(&origin, 5).key("acme-1", "demo", "status = \"suspended\""));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    gate.apply(&house(&origin, 5));
    has_left(&gate, 2);
}

#[test]
fn across_removal_and_return() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, 5));
    spend(&gate, 3);
    gate.apply(&house(&origin, 5).without("keys.acme-1"));
    gate.get("/orders").key("demo").send().refused(401, "key_rejected");
    gate.apply(&house(&origin, 5));
    has_left(&gate, 2);
}

#[test]
fn across_a_change_of_the_ceiling() {
    let origin = Origin::start();
    let gate = Tollgate::start(&house(&origin, 5));
    spend(&gate, 3);
    gate.apply(&house(&origin, 10));
    spend(&gate, 1);
    gate.apply(&house(&origin, 4));
    has_left(&gate, 0);
    gate.apply(&house(&origin, 6));
    has_left(&gate, 2);
}

#[test]
fn across_a_move_to_another_file() {
    let origin = Origin::start();
    let keys = Config::key_body("demo", "");
    let moved = house(&origin, 5).without("keys").root("keys_folder = \"keys.d\"");
    let gate = Tollgate::start(&house(&origin, 5));
    spend(&gate, 3);
    std::fs::create_dir(gate.folder().join("keys.d")).unwrap();
    let file = gate.folder().join("keys.d/acme.toml");
    std::fs::write(file, format!("[keys.acme-1]\n{keys}")).unwrap();
    let reloads = gate.metrics().reloads("applied") + gate.metrics().reloads("unchanged");
    gate.write(&moved);
    gate.wait_for("the move", |metrics| {
        metrics.reloads("applied") + metrics.reloads("unchanged") > reloads
    });
    has_left(&gate, 2);
}
