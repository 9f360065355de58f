//! What is done with key sets, and what the gate makes of it.

use serde_json::{Value as Json, json};

use super::{Sets, conflict, id};
use crate::admin::violations;

#[test]
fn s4_7_details_show_what_there_is_to_know() {
    let sets = Sets::open();
    sets.policy(&json!({ "rotationMonths": 1, "expirationMonths": 2, "manualRegeneration": true }));
    let set = id(&sets.subscribe()["keySet"]);
    let pending = sets.look(&set);
    assert_eq!(pending["status"], "pending");
    assert_eq!(pending["actions"], json!(["activate", "retrieve", "change"]));
    assert!(pending["keys"][0].get("rotation").is_none(), "nothing is planned yet: {pending}");
    sets.does(&set, "activate", &json!({}));
    let active = sets.look(&set);
    assert_eq!(
        active["actions"],
        json!(["suspend", "regenerate", "rotate", "revoke", "retrieve", "change"])
    );
    let key = &active["keys"][0];
    for milestone in ["rotation", "expiration"] {
        assert!(key[milestone]["planned"].is_string(), "{key}");
        assert_eq!(key[milestone]["cancelled"], false);
    }
    assert!(key["provisioned"].is_string());
    assert_eq!((&active["environment"], &active["username"]), (&json!("production"), &json!("jo")));
    sets.does(&set, "suspend", &json!({}));
    assert_eq!(sets.look(&set)["status"], "suspended");
    sets.does(&set, "revoke", &json!({ "confirm": true }));
    let revoked = sets.look(&set);
    assert_eq!((&revoked["status"], &revoked["actions"]), (&json!("revoked"), &json!([])));
    assert_eq!(revoked["keys"][0]["rotation"]["cancelled"], true);
    assert!(revoked["revoked"].is_string());
}

#[test]
fn s4_12_only_an_active_key_set_is_suspended_and_then_calls_are_refused() {
    let sets = Sets::open();
    let subscribed = sets.subscribe();
    let (set, key) = (id(&subscribed["keySet"]), subscribed["issued"]["apikey"].as_str().unwrap());
    conflict(&sets.act(&set, "suspend", &json!({})));
    sets.refuses(key);
    sets.does(&set, "activate", &json!({}));
    sets.call(key).admitted();
    assert_eq!(sets.does(&set, "suspend", &json!({}))["status"], "suspended");
    sets.refuses(key);
    conflict(&sets.act(&set, "suspend", &json!({})));
}

#[test]
fn s4_15_only_a_suspended_key_set_is_activated_again_and_then_calls_succeed() {
    let sets = Sets::open();
    let (set, key) = sets.active();
    conflict(&sets.act(&set, "reactivate", &json!({})));
    conflict(&sets.act(&set, "activate", &json!({})));
    sets.does(&set, "suspend", &json!({}));
    conflict(&sets.act(&set, "activate", &json!({})));
    sets.does(&set, "reactivate", &json!({}));
    sets.call(&key).admitted();
    sets.does(&set, "revoke", &json!({ "confirm": true }));
    conflict(&sets.act(&set, "reactivate", &json!({})));
    sets.refuses(&key);
}

#[test]
fn s4_9_latest_is_the_key_that_was_generated_last_and_no_other() {
    let sets = Sets::open();
    sets.policy(&json!({ "manualRegeneration": true, "overlapSeconds": 3600 }));
    let (set, _) = sets.active();
    for generated in 2..5 {
        let done = sets.does(&set, "regenerate", &json!({}));
        let keys = done["keys"].as_array().unwrap();
        assert_eq!(keys.len(), generated);
        let latest: Vec<_> = keys.iter().filter(|key| key["latest"] == true).collect();
        assert_eq!(latest.len(), 1, "{keys:?}");
        assert_eq!((&latest[0]["id"], &latest[0]["id"]), (&done["latest"], &done["issued"]["key"]));
        assert_eq!(latest[0]["number"], generated);
    }
}

#[test]
fn s4_17_a_key_is_regenerated_where_the_policy_allows_it_and_it_is_latest() {
    let sets = Sets::open();
    let (without, key) = sets.active();
    conflict(&sets.act(&without, "regenerate", &json!({})));
    conflict(&sets.act(&without, "rotate", &json!({ "overlapSeconds": 60 })));
    sets.call(&key).admitted();
    sets.policy(&json!({ "manualRegeneration": true }));
    let (set, _) = sets.active();
    let first = sets.look(&set)["latest"].clone();
    sets.does(&set, "regenerate", &json!({ "key": first }));
    conflict(&sets.act(&set, "regenerate", &json!({ "key": first })));
    let unknown = sets.act(&set, "regenerate", &json!({ "key": "none" }));
    assert_eq!(violations(&unknown), ["key"]);
    assert_eq!(sets.look(&set)["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn s4_18_regeneration_revokes_the_key_for_good_and_issues_another() {
    let sets = Sets::open();
    sets.policy(&json!({ "manualRegeneration": true }));
    let (set, old) = sets.active();
    let done = sets.does(&set, "regenerate", &json!({}));
    let new = done["issued"]["apikey"].as_str().unwrap();
    assert_ne!(new, old);
    sets.refuses(&old);
    sets.call(new).admitted();
    assert_eq!(done["keys"][1]["status"], "revoked");
    assert_eq!(done["application"]["id"], sets.application.as_str());
}

#[test]
fn s4_19_the_new_key_is_suspended_if_the_old_one_was() {
    let sets = Sets::open();
    sets.policy(&json!({ "manualRegeneration": true }));
    let (set, old) = sets.active();
    sets.does(&set, "suspend", &json!({}));
    let done = sets.does(&set, "regenerate", &json!({}));
    let new = done["issued"]["apikey"].as_str().unwrap().to_owned();
    assert_eq!(
        (&done["status"], &done["issued"]["status"]),
        (&json!("suspended"), &json!("suspended"))
    );
    sets.refuses(&new);
    sets.does(&set, "reactivate", &json!({}));
    sets.call(&new).admitted();
    sets.refuses(&old);
}

#[test]
fn a_rotated_key_works_on_until_its_overlap_is_ended_or_it_is_revoked_alone() {
    let sets = Sets::open();
    sets.policy(&json!({ "manualRegeneration": true }));
    let (set, first) = sets.active();
    let rotate = || {
        let done = sets.does(&set, "rotate", &json!({ "overlapSeconds": 3600 }));
        assert!(done["keys"][1]["supersededUntil"].is_string(), "{done}");
        done["issued"]["apikey"].as_str().unwrap().to_owned()
    };
    assert_eq!(violations(&sets.act(&set, "rotate", &json!({}))), ["overlapSeconds"]);
    conflict(&sets.act(&set, "end-overlap", &json!({})));
    let second = rotate();
    sets.call(&first).admitted();
    sets.call(&second).admitted();
    assert!(sets.look(&set)["actions"].as_array().unwrap().contains(&json!("end-overlap")));
    sets.does(&set, "end-overlap", &json!({}));
    sets.refuses(&first);
    sets.call(&second).admitted();
    let third = rotate();
    let superseded = sets.look(&set)["keys"][1]["id"].clone();
    sets.does(&set, "revoke", &json!({ "confirm": true, "key": superseded }));
    sets.refuses(&second);
    sets.call(&third).admitted();
    assert_eq!(sets.look(&set)["status"], "active");
    rotate();
    sets.does(&set, "revoke", &json!({ "confirm": true }));
    sets.refuses(&third);
    assert_eq!(sets.look(&set)["status"], "revoked");
}

#[test]
fn s4_25_a_revocation_is_confirmed_and_lasts() {
    let sets = Sets::open();
    sets.policy(&json!({ "manualRegeneration": true }));
    let subscribed = sets.subscribe();
    let (set, key) = (id(&subscribed["keySet"]), subscribed["issued"]["apikey"].as_str().unwrap());
    conflict(&sets.act(&set, "revoke", &json!({ "confirm": true })));
    sets.does(&set, "activate", &json!({}));
    for unconfirmed in [json!({}), json!({ "confirm": false })] {
        assert_eq!(violations(&sets.act(&set, "revoke", &unconfirmed)), ["confirm"]);
    }
    sets.call(key).admitted();
    sets.does(&set, "suspend", &json!({}));
    sets.does(&set, "revoke", &json!({ "confirm": true }));
    sets.refuses(key);
    for (verb, body) in [
        ("activate", json!({})),
        ("suspend", json!({})),
        ("reactivate", json!({})),
        ("regenerate", json!({})),
        ("rotate", json!({ "overlapSeconds": 9 })),
        ("end-overlap", json!({})),
        ("revoke", json!({ "confirm": true })),
    ] {
        let before = sets.look(&set);
        conflict(&sets.act(&set, verb, &body));
        assert_eq!(sets.look(&set), before, "{verb}");
    }
}

#[test]
fn what_somebody_else_has_changed_is_not_changed_by_accident() {
    let sets = Sets::open();
    let (set, key) = sets.active();
    let target = format!("/key-sets/{set}");
    let tag = sets.admin().native("GET", &target).send().header("etag").unwrap().to_owned();
    let suspend = |tag: &str| {
        let target = format!("{target}/suspend");
        sets.admin().native("POST", &target).header("If-Match", tag).body("{}").send()
    };
    sets.does(&set, "suspend", &json!({}));
    sets.does(&set, "reactivate", &json!({}));
    assert_eq!(suspend(&tag).refusal(), (412, "changed".to_owned()));
    sets.call(&key).admitted();
    let tag = sets.admin().native("GET", &target).send().header("etag").unwrap().to_owned();
    let done = suspend(&tag);
    assert_eq!(done.status, 200);
    assert_ne!(done.header("etag"), Some(&*tag));
}

#[test]
fn a_body_says_what_it_may_and_nothing_else() {
    let sets = Sets::open();
    let (set, _) = sets.active();
    for (body, property) in [
        (json!({ "confirm": true, "canary": 1 }), "canary"),
        (json!({ "confirm": "canary" }), "confirm"),
        (Json::from("canary"), "body"),
    ] {
        let refused = sets.act(&set, "revoke", &body);
        assert_eq!(violations(&refused), [property], "{body}");
        let errors = refused.problem()["errors"][0]["message"].to_string();
        assert!(!errors.contains("canary"), "{errors}");
    }
}

#[test]
fn s4_10_the_timeline_shows_what_has_been_and_what_is_planned() {
    let sets = Sets::open();
    let kinds = |set: &str| {
        let timeline = sets.admin().look(&format!("/key-sets/{set}/timeline"));
        let milestones = timeline["milestones"].as_array().unwrap().clone();
        milestones.iter().map(|each| each["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (without, _) = sets.active();
    assert_eq!(kinds(&without), ["provisioning"]);
    sets.policy(&json!({ "rotationMonths": 2, "expirationMonths": 3, "manualRegeneration": true }));
    let set = id(&sets.subscribe()["keySet"]);
    assert_eq!(kinds(&set), [""; 0], "it is not activated");
    sets.does(&set, "activate", &json!({}));
    assert_eq!(kinds(&set), ["provisioning", "rotation", "expiration"]);
    let timeline = sets.admin().look(&format!("/key-sets/{set}/timeline"));
    let entries = timeline["entries"].as_array().unwrap();
    let what: Vec<_> = entries.iter().map(|each| each["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["provisioned", "became"]);
    assert_eq!(entries[1]["status"], "active");
}

#[test]
fn s4_20_regeneration_writes_its_dates_to_the_timeline() {
    let sets = Sets::open();
    sets.policy(&json!({ "rotationMonths": 2, "expirationMonths": 3, "manualRegeneration": true }));
    let (set, _) = sets.active();
    let planned = |number: u64| {
        let timeline = sets.admin().look(&format!("/key-sets/{set}/timeline"));
        let milestones = timeline["milestones"].as_array().unwrap().clone();
        let of = |kind: &str| {
            let mut found = milestones.iter();
            found.find(|each| each["number"] == number && each["kind"] == kind).cloned()
        };
        ["revocation", "rotation", "expiration"].map(of)
    };
    sets.does(&set, "regenerate", &json!({}));
    let [revocation, rotation, expiration] = planned(1).map(Option::unwrap);
    assert!(revocation["actual"].is_string(), "{revocation}");
    assert_eq!([&rotation["cancelled"], &expiration["cancelled"]], [&json!(true); 2]);
    let [revocation, rotation, expiration] = planned(2);
    assert_eq!(revocation, None);
    for planned in [rotation.unwrap(), expiration.unwrap()] {
        assert!(planned["planned"].is_string() && planned.get("actual").is_none(), "{planned}");
        assert_eq!(planned["cancelled"], false);
    }
}
