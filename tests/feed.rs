//! A proxy that a remote control plane feeds.

mod signed;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use tollgate_core::Status;

use crate::support::{Config, Feeder, Origin, Request, Tollgate, tollgate, wait_for};

/// What a proxy says that is fed, beside its secret's file.
fn fed(feeder: &Feeder, origin: &Origin, more: &str) -> Config {
    let feed = format!(
        "url = \"{}\"\naccess_key_file = \"access.key\"\nname = \"edge\"\n{more}",
        feeder.url()
    );
    Config::default()
        .section("process", "workers = 2")
        .section("ops", "address = \"127.0.0.1:0\"")
        .section("listeners.public", "address = \"127.0.0.1:0\"")
        .section("upstreams.demo", &format!("url = \"http://{}\"", origin.address()))
        .section("feed", &feed)
}

fn start(config: &Config) -> Tollgate {
    Tollgate::start_in(folder(config), "tollgate.toml")
}

fn folder(config: &Config) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let secret = folder.path().join("access.key");
    fs::write(&secret, "the-secret\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

fn status(gate: &Tollgate, key: &str) -> u16 {
    call(gate, key).send().status
}

fn call(gate: &Tollgate, key: &str) -> Request {
    gate.get("/anything").header("X-Api-Key", key)
}

#[test]
fn a_revocation_that_was_acknowledged_is_enforced_also_after_a_crash_without_a_control_plane() {
    let (feeder, origin) = (Feeder::start(500), Origin::start());
    let gate = start(&fed(&feeder, &origin, ""));
    assert_eq!(status(&gate, &feeder.key(1)), 200);
    assert_eq!(status(&gate, "synthetic-7-500"), 401);
    assert!(feeder.secrets().iter().all(|secret| secret == "Bearer the-secret"));
    for number in 1..20 {
        let revision = feeder.set(number, Status::Revoked);
        feeder.wait_applied(revision);
        assert_eq!(status(&gate, &feeder.key(number)), 401, "key {number}");
    }
    assert_eq!(status(&gate, &feeder.key(30)), 200);
    gate.wait_for("the lag", |metrics| metrics.sum("tollgate_feed_lag_revisions", &[]) == 0.0);
    gate.wait_for("the feed", |metrics| metrics.sum("tollgate_feed_connected", &[]) == 1.0);
    assert_eq!(feeder.snapshots(), 1);
    let keys: Vec<_> = (0..40).map(|number| feeder.key(number)).collect();
    drop(feeder);
    let gate = gate.restart();
    for (number, key) in keys.iter().enumerate() {
        let expected = if (1..20).contains(&number) { 401 } else { 200 };
        assert_eq!(status(&gate, key), expected, "key {number}");
    }
    assert!(!gate.log().contains("the-secret"));
}

#[test]
fn a_control_plane_that_numbers_anew_is_followed_on_and_counters_go_on() {
    let (feeder, origin) = (Feeder::start(200), Origin::start());
    let gate = start(&fed(&feeder, &origin, ""));
    // Key 0 has a quota of a million a day.
    let left = |gate: &Tollgate| {
        let answer = gate.get("/anything").header("X-Api-Key", &feeder.key(0)).send();
        let field = answer.fields.get("ratelimit").expect("a field about limits").to_owned();
        let quota = field.split(',').find(|limit| limit.contains("quota")).unwrap().to_owned();
        let left = quota.split("r=").nth(1).unwrap().split(';').next().unwrap().to_owned();
        left.parse::<u64>().unwrap()
    };
    let before = left(&gate);
    feeder.begin_anew();
    let revision = feeder.set(5, Status::Suspended);
    feeder.wait_applied(revision);
    assert_eq!(feeder.snapshots(), 2, "under other numbers it needs a snapshot");
    assert_eq!(status(&gate, &feeder.key(5)), 401);
    assert_eq!(left(&gate), before - 1);
}

#[test]
fn without_a_control_plane_decisions_end_with_the_lease() {
    let (feeder, origin) = (Feeder::start(10), Origin::start());
    let gate = start(&fed(&feeder, &origin, "serve_for = \"2s\""));
    assert_eq!(status(&gate, &feeder.key(1)), 200);
    feeder.be_silent();
    let stale = || {
        let response = gate.get("/anything").header("X-Api-Key", &feeder.key(1)).send();
        (response.status == 503).then_some(response)
    };
    let response = wait_for("the end of the lease", stale);
    response.refused(503, "snapshot_stale");
    assert_eq!(gate.ops_get("/readyz").send().status, 503);
}

#[test]
fn an_upstream_that_is_not_there_is_told_of_and_found_after_a_reload() {
    let (feeder, origin) = (Feeder::start(10), Origin::start());
    let good = fed(&feeder, &origin, "");
    let gate = start(&good);
    let other = good
        .clone()
        .without("upstreams.demo")
        .section("upstreams.other", &format!("url = \"http://{}\"", origin.address()));
    gate.write(&other);
    wait_for("a refusal", || {
        feeder.refused().iter().find(|reason| reason.contains("demo")).cloned()
    });
    // What was there goes on, and so do revocations.
    assert_eq!(status(&gate, &feeder.key(1)), 200);
    feeder.set(1, Status::Revoked);
    wait_for("the revocation", || call(&gate, &feeder.key(1)).is_answered(401).then_some(()));
    let revision = feeder.set(2, Status::Suspended);
    gate.write(&good);
    feeder.wait_applied(revision);
}

#[test]
fn a_large_absence_waits_until_an_operator_accepts_it() {
    let (feeder, origin) = (Feeder::start(400), Origin::start());
    let gate = start(&fed(&feeder, &origin, ""));
    let revision = feeder.remove(0..200);
    gate.wait_for("the absence", |metrics| metrics.sum("tollgate_feed_withheld", &[]) == 1.0);
    assert_eq!(status(&gate, &feeder.key(1)), 200, "it stays");
    assert!(feeder.applied() < Some(revision));
    let config = gate.config().to_str().unwrap();
    let accepted = tollgate(&["feed", "accept", "--config", config], "");
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    feeder.wait_applied(revision);
    assert_eq!(status(&gate, &feeder.key(1)), 401);
    assert_eq!(status(&gate, &feeder.key(300)), 200);
}

#[test]
fn made_snapshots_are_served_from_the_folder_and_printed() {
    let (feeder, origin) = (Feeder::start(1), Origin::start());
    let folder = folder(&fed(&feeder, &origin, "on_lease_end = \"serve\""));
    drop(feeder);
    let kept = folder.path().join("feed");
    fs::create_dir(&kept).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o700)).unwrap();
    let file = kept.join("snapshot-1");
    let path = file.to_str().unwrap();
    let make = ["feed", "make", "--keys", "1000", "--seed", "9", "--upstream", "demo", "-o", path];
    let made = tollgate(&make, "");
    assert!(made.stdout.contains("synthetic-9-0 to synthetic-9-999"), "{made:?}");
    let printed = tollgate(&["feed", "tail", path], "");
    assert!(printed.stdout.ends_with("it is whole\n"), "{printed:?}");
    assert_eq!(printed.stdout.matches("\nkey ").count(), 1000);
    assert!(!printed.stdout.contains("synthetic-9-"), "a key is printed");
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    assert_eq!(status(&gate, "synthetic-9-999"), 200);
    assert_eq!(status(&gate, "synthetic-9-1000"), 401);
}
