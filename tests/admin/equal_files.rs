//! Control planes of one store have equal files, or none of them changes anything about its own.

use std::fs;

use rustix::process::Signal;

use super::peers::Pair;
use crate::support::{Config, tollgate};

/// A configuration with one more key.
fn with_key(config: &Config, key: &str) -> Config {
    config.clone().key(key, key, "")
}

fn call(pair: &Pair, gate: usize, key: &str) -> u16 {
    pair.gates[gate].get("/orders/1").header("X-Api-Key", key).send().status
}

#[test]
fn a_control_plane_with_another_file_does_not_start() {
    let pair = Pair::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tollgate.toml");
    let start = |config: &Config| {
        fs::write(&file, config.to_string()).unwrap();
        tollgate(&["run", "--config", file.to_str().unwrap()], "")
    };
    for (other, parts) in [
        (with_key(&pair.configs[1], "third"), "has other digests and secrets of keys, keys;"),
        (
            pair.configs[1].clone().key("acme-1", "else", ""),
            "has other digests and secrets of keys",
        ),
        (
            pair.configs[1].clone().plan("qps_limit_ceiling = 5\nrate_limit_exempt = true"),
            "packages",
        ),
        (pair.configs[1].clone().root("environment = \"sandbox\""), "has other environment;"),
    ] {
        let refused = start(&other);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let said = "control planes of this store run with another file; ";
        assert!(refused.stderr.contains(said) && refused.stderr.contains(parts), "{refused:?}");
        assert!(!refused.stderr.contains("revision"), "{refused:?}");
    }
    // What is no object, and where an upstream is, may differ: the two that run differ in their files.
    let moved = pair.configs[1].clone().section("upstreams.demo", "url = \"http://127.0.0.1:9\"");
    fs::write(pair.gates[1].config(), format!("# a comment\n{moved}")).unwrap();
    crate::support::wait_for("another upstream", || (call(&pair, 1, "demo") == 502).then_some(()));
    assert_eq!(call(&pair, 0, "demo"), 200);
}

#[test]
fn a_file_comes_into_force_once_every_control_plane_has_read_it() {
    let pair = Pair::start();
    pair.gates[0].write(&with_key(&pair.configs[0], "next"));
    pair.gates[0].wait_for_log("run with another file");
    assert!(pair.gates[0].metrics().reloads("waiting") >= 1.0);
    assert_eq!(call(&pair, 0, "next"), 401, "the file before goes on");
    assert_eq!(call(&pair, 0, "demo"), 200);
    // Another one again waits as well, and is no help to the first.
    pair.gates[1].write(&with_key(&pair.configs[1], "other"));
    pair.gates[1].wait_for_log("run with another file");
    assert_ne!(call(&pair, 1, "other"), 200);
    assert_ne!(call(&pair, 0, "next"), 200);
    pair.gates[1].write(&with_key(&pair.configs[1], "next"));
    for gate in [0, 1] {
        pair.until(gate, "next", 200);
        assert_ne!(call(&pair, gate, "other"), 200);
    }
}

#[test]
fn a_control_plane_that_is_gone_holds_up_nobody() {
    let pair = Pair::start();
    pair.gates[0].write(&with_key(&pair.configs[0], "next"));
    pair.gates[0].wait_for_log("run with another file");
    pair.gates[1].signal(Signal::KILL);
    pair.until(0, "next", 200);
}
