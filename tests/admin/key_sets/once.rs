//! Requests that come again, and requests that fail.

use serde_json::{Value as Json, json};

use super::{Sets, id};
use crate::support::{Request, Response};

fn post(sets: &Sets, key: &str, target: &str, body: &Json) -> Response {
    let request: Request = sets.admin().native("POST", target);
    request.header("Idempotency-Key", key).body(&body.to_string()).send()
}

#[test]
fn a_request_that_comes_again_is_done_once_and_answered_alike() {
    let sets = Sets::open();
    sets.policy(&json!({ "manualRegeneration": true }));
    let (set, _) = sets.active();
    let target = format!("/key-sets/{set}/regenerate");
    let first = post(&sets, "a", &target, &json!({}));
    let again = post(&sets, "a", &target, &json!({}));
    assert_eq!((first.status, again.status), (200, 200), "{again:?}");
    assert_eq!(first.json(), again.json());
    assert_eq!(first.header("etag"), again.header("etag"));
    assert_eq!(again.header("cache-control"), Some("no-store"));
    assert_eq!(sets.look(&set)["keys"].as_array().unwrap().len(), 2);
    sets.call(again.json()["issued"]["apikey"].as_str().unwrap()).admitted();
    let other = post(&sets, "a", &target, &json!({ "overlapSeconds": 1 }));
    assert_eq!(other.refusal(), (409, "idempotency_mismatch".to_owned()));
    // Somebody else's key is another one.
    let kim = sets.house.member("kim", &json!([{ "name": "Owner" }]));
    let theirs = kim.native("POST", &target).header("Idempotency-Key", "a").body("{}").send();
    assert_eq!(theirs.status, 200);
    assert_eq!(sets.look(&set)["keys"].as_array().unwrap().len(), 3);
    let long = post(&sets, &"x".repeat(256), &target, &json!({}));
    assert_eq!(crate::admin::violations(&long), ["Idempotency-Key"]);
}

#[test]
fn a_refusal_is_not_kept() {
    let sets = Sets::open();
    let set = id(&sets.subscribe()["keySet"]);
    let target = format!("/key-sets/{set}/suspend");
    assert_eq!(post(&sets, "a", &target, &json!({})).status, 409);
    sets.does(&set, "activate", &json!({}));
    assert_eq!(post(&sets, "a", &target, &json!({})).status, 200);
}

#[test]
fn clients_of_the_vendors_api_can_ask_for_a_key_once() {
    let sets = Sets::open();
    let target = format!("/applications/{}/packageKeys", sets.application);
    let body =
        json!({ "package": { "id": "basic" }, "plan": { "id": "free" }, "status": "active" });
    let make = || {
        let request = sets.admin().v3("POST", &target).header("Idempotency-Key", "k");
        request.body(&body.to_string()).send()
    };
    let (first, again) = (make(), make());
    assert_eq!((first.status, first.json()), (200, again.json()), "{again:?}");
    assert_eq!(sets.admin().read(&target).as_array().unwrap().len(), 1);
    let with = |body: &Json| {
        let request = sets.admin().v3("POST", &target).header("Idempotency-Key", "k");
        request.body(&body.to_string()).send()
    };
    assert_eq!(crate::admin::refused(&with(&json!({}))).0, 400, "it is read first");
    let other = with(&json!({ "package": { "id": "basic" }, "plan": { "id": "free" } }));
    assert_eq!(crate::admin::refused(&other), (409, "ERR_409_CONFLICT"));
}

#[test]
fn what_is_shown_once_is_not_in_an_answer_that_is_given_again() {
    let sets = Sets::open();
    let client = json!({ "id": "portal" });
    let make = || post(&sets, "c", "/clients", &client);
    let (first, again) = (make(), make());
    assert!(first.json()["secret"].is_string(), "{first:?}");
    assert_eq!(again.status, 200);
    assert!(again.json().get("secret").is_none(), "{again:?}");
}

#[test]
fn s4_13_a_suspension_that_fails_changes_nothing_and_is_tried_again() {
    let sets = Sets::open();
    let (set, key) = sets.active();
    let store = rusqlite::Connection::open(sets.house.gate.folder().join("tollgate.db")).unwrap();
    let before = sets.look(&set);
    // The store takes no change of a chain any more, as one on a full disk would not.
    let full = "CREATE TRIGGER full BEFORE UPDATE ON chains BEGIN SELECT RAISE(ABORT, 'full'); END";
    store.execute_batch(full).unwrap();
    let failed = sets.act(&set, "suspend", &json!({}));
    assert_eq!(failed.refusal(), (500, "store".to_owned()));
    assert_eq!(sets.look(&set), before);
    sets.call(&key).admitted();
    store.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(sets.does(&set, "suspend", &json!({}))["status"], "suspended");
    sets.refuses(&key);
}
