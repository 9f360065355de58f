//! Quotas that are kept on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::support::{Config, Origin, Tollgate, tollgate};

fn quota(ceiling: u32) -> String {
    format!(
        "qps_limit_exempt = true\nrate_limit_ceiling = {ceiling}\nrate_limit_period = \"month\""
    )
}

fn kept(origin: &Origin, ceiling: u32) -> Config {
    Config::new(origin)
        .section(
            "process",
            "workers = 2\ncheckpoint_file = \"quotas\"\ntakeover_socket = \"t.sock\"",
        )
        .plan(&quota(ceiling))
}

/// How many of so many calls are admitted. Others are over the quota.
fn admitted(gate: &Tollgate, calls: u32) -> u32 {
    let request = gate.get("/orders").key("demo");
    let statuses = (0..calls).map(|_| request.send().status);
    statuses
        .map(|status| {
            u32::from(
                status == 200 || {
                    assert_eq!(status, 429);
                    false
                },
            )
        })
        .sum()
}

#[test]
fn a_crash_loses_a_chunk_of_a_quota_at_most_and_fills_none_up() {
    let origin = Origin::start();
    let mut gate = Tollgate::start(&kept(&origin, 100));
    let mut all = 0;
    for _ in 0..3 {
        assert_eq!(admitted(&gate, 15), 15);
        all += 15;
        gate = gate.restart();
    }
    all += admitted(&gate, 100);
    assert!((70..=100).contains(&all), "{all}");
    assert_eq!(origin.requests().len() as u32, all);
}

#[test]
fn a_small_quota_is_given_to_the_last_call_and_not_beyond() {
    let origin = Origin::start();
    let gate = Tollgate::start(&kept(&origin, 5));
    assert_eq!(admitted(&gate, 4), 4);
    let gate = gate.restart();
    // One was reserved ahead at most.
    let more = admitted(&gate, 5);
    assert!(more <= 1, "{more}");
    assert_eq!(admitted(&gate.restart(), 5), 0);
}

#[test]
fn an_end_in_good_order_and_a_takeover_lose_nothing() {
    let origin = Origin::start();
    let mut gate = Tollgate::start(&kept(&origin, 100));
    assert_eq!(admitted(&gate, 15), 15);
    gate.signal(Signal::TERM);
    assert_eq!(gate.exit_code(), 0);
    let mut gate = gate.restart();
    assert_eq!(admitted(&gate, 15), 15);
    let mut new = gate.taken_over();
    assert_eq!(admitted(&new, 15), 15);
    new.signal(Signal::TERM);
    assert_eq!(new.exit_code(), 0);
    assert_eq!(admitted(&new.restart(), 100), 55);
}

#[test]
fn the_file_is_its_owners_and_holds_no_key() {
    let origin = Origin::start();
    let gate = Tollgate::start(&kept(&origin, 100).key("acme-2", "plaintext", ""));
    gate.get("/orders").key("plaintext").send().admitted();
    let file = gate.folder().join("quotas");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
    assert!(text.contains("acme-2") && !text.contains("plaintext"), "{text}");
}

#[test]
fn a_file_that_is_not_what_was_written_is_not_trusted() {
    let origin = Origin::start();
    let gate = Tollgate::start(&kept(&origin, 100));
    assert_eq!(admitted(&gate, 30), 30);
    gate.restart_after(|config| {
        let file = config.with_file_name("quotas");
        let whole = fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        bytes[40] ^= 1;
        fs::write(&file, bytes).unwrap();
        let finished = tollgate(&["run", "--config", config.to_str().unwrap()], "");
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains("checkpoint_file"), "{finished:?}");
        fs::write(&file, whole).unwrap();
    });
}
