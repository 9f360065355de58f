//! A file with a mistake changes nothing and is heard of.

use crate::support::{Config, Origin, Tollgate};

#[test]
fn the_old_state_goes_on_serving() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let (revision, applied) = (gate.metrics().revision(), gate.metrics().reloads("applied"));
    for broken in ["[keys", "keys = 7", "[listeners.public]\nadress = \"127.0.0.1:0\""] {
        gate.refuses(&broken);
        gate.get("/orders").key("demo").send().admitted();
    }
    assert_eq!(gate.metrics().revision(), revision);
    assert_eq!(gate.metrics().reloads("applied"), applied);
    assert_eq!(gate.ops_get("/readyz").send().status, 200);
}

#[test]
fn the_log_says_where_the_mistake_stands() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let broken = Config::new(&origin).key("acme-2", "other", "plann = \"free\"");
    gate.refuses(&broken);
    let line = broken.to_string().lines().position(|line| line.starts_with("plann")).unwrap() + 1;
    gate.wait_for_log(&format!("tollgate.toml:{line}:"));
    gate.wait_for_log("plann");
}

#[test]
fn nothing_of_a_broken_file_takes_effect() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let broken = Config::new(&origin)
        .without("keys.acme-1")
        .key("acme-2", "other", "")
        .section("members.kim", "status = \"asleep\"");
    gate.refuses(&broken);
    gate.get("/orders").key("demo").send().admitted();
    gate.get("/orders").key("other").send().refused(401, "key_rejected");
}

#[test]
fn a_mended_file_is_taken_up() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    gate.refuses(&"[keys");
    let stamp = "tollgate_config_last_success_timestamp_seconds";
    let before = gate.metrics().sum(stamp, &[]);
    gate.apply(&Config::new(&origin).key("acme-2", "other", ""));
    gate.get("/orders").key("other").send().admitted();
    assert!(gate.metrics().sum(stamp, &[]) >= before);
}

#[test]
fn a_file_that_is_gone_takes_no_key_away() {
    let origin = Origin::start();
    let gate = Tollgate::start(&Config::new(&origin));
    let before = gate.metrics().reloads("refused");
    std::fs::remove_file(gate.config()).unwrap();
    gate.reload();
    gate.wait_for("the refusal", |metrics| metrics.reloads("refused") > before);
    gate.get("/orders").key("demo").send().admitted();
}
