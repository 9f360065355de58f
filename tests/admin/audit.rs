//! The audit log, from the command line.

use serde_json::{Value as Json, json};

use super::House;
use crate::support::{Finished, Tollgate, done, tollgate};

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
    house.member("kim", &json!([]));
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

#[test]
fn the_log_is_read_over_the_api_as_from_the_command_line() {
    let house = House::start();
    house.member("kim", &json!([]));
    house.admin.delete("/members/nobody");
    let all = entries(&house.gate, &[]);
    assert_eq!(house.admin.look("/audit"), json!(all));
    let page = house.admin.native("GET", "/audit?limit=2&offset=1").send();
    assert_eq!(page.json(), json!(all[1..3]));
    assert_eq!(page.header("x-total-count"), Some(&*all.len().to_string()));
    let refused = house.admin.look("/audit?kind=member&outcome=not_found");
    assert_eq!(refused.as_array().unwrap().len(), 1);
    assert_eq!(refused[0]["object"], "nobody");
    let at = all[0]["at"].as_str().unwrap();
    let today = at.split('T').next().unwrap();
    assert_eq!(house.admin.look(&format!("/audit?from={today}&to={today}")), json!(all));
    assert_eq!(house.admin.look("/audit?to=2020-01-01"), json!([]));
    for wrong in ["/audit?from=yesterday", "/audit?actr=jo", "/audit?limit=0x"] {
        let response = house.admin.native("GET", wrong).send();
        assert_eq!(response.refusal(), (400, "invalid".to_owned()), "{wrong}");
    }
}

#[test]
fn s4_26_who_is_somebody_in_one_organization_sees_what_was_done_there() {
    let house = House::start();
    let make = |target: &str, body: &Json| done(&house.admin.ask("POST", target, body));
    let [north, south] = ["north", "south"].map(|name| {
        make("/organizations", &json!({ "name": name }))["id"].as_str().unwrap().to_owned()
    });
    let lee =
        house.member("lee", &json!([{ "name": "Organization Admin", "organization": north }]));
    let of = |organization: &str, username: &str| {
        let body =
            json!({ "username": username, "email": "", "organization": { "id": organization } });
        house.admin.make("/members", &body)["id"].as_str().unwrap().to_owned()
    };
    let (mine, other) = (of(&north, "mine"), of(&south, "other"));
    let seen = |query: &str| {
        let response = lee.native("GET", &format!("/audit{query}")).send();
        let entries = response.json().as_array().unwrap().clone();
        let total = response.header("x-total-count").unwrap().parse::<usize>().unwrap();
        (entries, total)
    };
    let (entries, total) = seen("?limit=1000");
    assert_eq!(entries.len(), total);
    let has = |object: &str| entries.iter().any(|entry| entry["object"] == object);
    assert!(has(&mine) && has(&north), "{entries:?}");
    assert!(!has(&other) && !has(&south), "{entries:?}");
    let (page, all) = seen("?limit=1&offset=1");
    assert_eq!((&page[..], all), (&entries[1..2], total));
    assert_eq!(seen(&format!("?object={other}")), (Vec::new(), 0));
    // What they did themselves they see, whatever it was.
    lee.delete("/members/nobody");
    assert_eq!(seen("?object=nobody").1, 1);
}
