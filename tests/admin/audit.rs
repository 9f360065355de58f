//! The audit log, from the command line.

use serde_json::Value as Json;

use super::House;
use crate::support::{Finished, Tollgate, tollgate};

/// Runs `tollgate audit` over the store of a running gate.
pub(super) fn audit(gate: &Tollgate, arguments: &[&str]) -> Finished {
    let config = gate.config().to_str().unwrap();
    let all: Vec<_> =
        ["audit"].iter().chain(arguments).chain(&["--config", config]).copied().collect();
    tollgate(&all, "")
}

/// What `tollgate audit list --json` prints.
pub(super) fn entries(gate: &Tollgate, filters: &[&str]) -> Vec<Json> {
    let list: Vec<_> = ["list", "--json"].iter().chain(filters).copied().collect();
    let finished = audit(gate, &list);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

#[test]
fn the_log_is_checked_and_read_beside_the_process_that_writes_it() {
    let house = House::start();
    house.member("kim", &serde_json::json!([]));
    house.admin.delete("/members/nobody");
    let all = entries(&house.gate, &[]);
    let numbers: Vec<_> = all.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    let newest = *numbers.first().unwrap();
    assert_eq!(numbers, (1..=newest).rev().collect::<Vec<_>>(), "the newest first");
    let finished = audit(&house.gate, &["verify"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains(&format!("{newest} entries")), "{finished:?}");
    assert_eq!(entries(&house.gate, &["--limit", "2", "--offset", "1"]), all[1..3]);
    let made = entries(&house.gate, &["--action", "member.create", "--outcome", "done"]);
    assert_eq!(made.len(), 2);
    assert_eq!(made[0]["details"]["username"][1], "kim");
    let refused = entries(&house.gate, &["--kind", "member", "--outcome", "not_found"]);
    assert_eq!(refused.len(), 1);
    let actor = refused[0]["actor"].as_str().unwrap();
    let by_admin = entries(&house.gate, &["--actor", actor]);
    assert!(by_admin.len() >= 2 && by_admin.len() < all.len(), "{by_admin:?}");
    assert_eq!(entries(&house.gate, &["--object", "nobody"]).len(), 1);
    assert_eq!(entries(&house.gate, &["--from", "2020-01-01"]), all);
    assert_eq!(entries(&house.gate, &["--to", "2020-01-01"]), Vec::<Json>::new());
    let text = audit(&house.gate, &["list", "--limit", "1"]);
    assert_eq!(text.stdout.lines().count(), 1, "{text:?}");
    assert!(text.stderr.contains(&format!("1 of {newest}")), "{text:?}");
}

#[test]
fn nonsense_is_refused_in_words() {
    let house = House::start();
    let finished = audit(&house.gate, &["list", "--from", "yesterday"]);
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("--from: expected a date"), "{finished:?}");
}
