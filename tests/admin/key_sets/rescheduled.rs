//! The schedule of a changed policy, enforced on present keys (domain.md §4.1).

use serde_json::{Value as Json, json};

use super::{Sets, conflict, id};
use crate::support::{Response, done, wait_for};

impl Sets {
    /// Another application's key set for the API of the file.
    fn another(&self, name: &str) -> String {
        let shop = self.admin().make("/members/jo/applications", &json!({ "name": name }));
        let subscribed = done(&self.try_subscribe(&id(&shop), "orders"))[0].clone();
        id(&subscribed["keySet"])
    }

    fn change_template(&self, template: &str, policy: &Json) {
        done(&self.admin().ask("PUT", &format!("/policies/{template}"), policy));
    }

    fn enforce(&self, template: &str, query: &str) -> Response {
        let target = format!("/policies/{template}/enforce-schedule{query}");
        self.admin().ask("POST", &target, &json!({}))
    }

    fn dates(&self, set: &str) -> [Json; 2] {
        let details = self.look(set);
        [details["rotation"].clone(), details["expiration"].clone()]
    }

    fn revision(&self) -> Json {
        self.admin().look("/revisions?limit=1")[0]["number"].clone()
    }
}

/// Whether an instant lies so many months behind another, to some days.
fn months_between(from: &Json, to: &Json) -> i64 {
    let second = |json: &Json| {
        let instant: jiff::Timestamp = json.as_str().unwrap().parse().unwrap();
        instant.as_second()
    };
    (second(to) - second(from) + 15 * 86_400) / (30 * 86_400)
}

#[test]
fn the_dates_of_present_keys_move_when_it_is_asked_for_and_a_dry_run_moves_nothing() {
    let sets = Sets::open();
    let template = sets.policy(&json!({ "rotationMonths": 12 }));
    let (set, key) = sets.active();
    let pending = sets.another("pending");
    let own = sets.another("own");
    sets.does(&own, "activate", &json!({}));
    let policy = json!({ "policy": { "rotationMonths": 9 } });
    done(&sets.admin().ask("PUT", &format!("/key-sets/{own}"), &policy));
    let own_dates = sets.dates(&own);
    sets.change_template(&template, &json!({ "rotationMonths": 3, "expirationMonths": 6 }));
    let before = sets.dates(&set);
    let provisioned = sets.look(&set)["provisioned"].clone();
    assert_eq!(months_between(&provisioned, &before[0]), 12);

    let revision = sets.revision();
    let would = done(&sets.enforce(&template, "?dryRun=true"));
    assert_eq!((&would["dryRun"], &would["unchanged"]), (&json!(true), &json!(0)));
    assert_eq!((sets.dates(&set), sets.revision()), (before.clone(), revision));

    let mut did = done(&sets.enforce(&template, ""));
    did["dryRun"] = json!(true);
    assert_eq!(did, would, "the dry run said what came of it");
    let moved = did["moved"].as_array().unwrap();
    let of = |set: &str| moved.iter().find(|each| each["id"] == set);
    let active = of(&set).unwrap();
    assert_eq!(active["before"]["rotation"], before[0]);
    assert_eq!([active["after"]["rotation"].clone(), active["after"]["expiration"].clone()], {
        sets.dates(&set)
    });
    assert_eq!(months_between(&provisioned, &active["after"]["rotation"]), 3);
    assert_eq!(months_between(&provisioned, &active["after"]["expiration"]), 6);
    assert_eq!(of(&pending).unwrap()["policyAdopted"], true);
    assert_eq!(of(&pending).unwrap()["after"], json!({}));
    assert!(of(&own).is_none(), "its policy is its own: {did}");
    assert_eq!(sets.dates(&own), own_dates);
    sets.does(&pending, "activate", &json!({}));
    let activated = sets.look(&pending);
    assert_eq!(months_between(&activated["provisioned"], &activated["rotation"]), 3);
    sets.call(&key).admitted();

    let timeline = sets.admin().look(&format!("/key-sets/{set}/timeline"));
    let last = timeline["entries"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["what"], &last["before"]["rotation"]), (&json!("rescheduled"), &before[0]));
    assert_eq!(last["after"], active["after"]);
    let milestones = timeline["milestones"].as_array().unwrap();
    let rotation = milestones.iter().find(|each| each["kind"] == "rotation").unwrap();
    assert_eq!(rotation["planned"], active["after"]["rotation"]);
    let audit = sets.admin().look(&format!("/audit?object={set}"));
    assert_eq!(audit[0]["action"], "key_set.enforce_schedule");
    let whole = sets.admin().look("/audit?action=policy.enforce_schedule");
    assert_eq!(whole.as_array().unwrap().len(), 1, "the dry run is none: {whole}");

    let again = done(&sets.enforce(&template, ""));
    assert_eq!((&again["moved"], &again["unchanged"]), (&json!([]), &json!(2)));
}

#[test]
fn one_key_set_is_brought_to_its_own_policy() {
    let sets = Sets::open();
    sets.policy(&json!({ "rotationMonths": 12 }));
    let (set, _) = sets.active();
    conflict(&sets.act(&set, "enforce-schedule", &json!({})));
    let target = format!("/key-sets/{set}");
    done(&sets.admin().ask("PUT", &target, &json!({ "policy": { "expirationMonths": 2 } })));
    let actions = sets.look(&set)["actions"].clone();
    assert!(actions.as_array().unwrap().contains(&json!("enforce-schedule")), "{actions}");
    let would = sets.does(&set, "enforce-schedule?dryRun=true", &json!({}));
    assert!(sets.dates(&set)[0].is_string(), "nothing has moved");
    assert_eq!(sets.does(&set, "enforce-schedule", &json!({})), would);
    let [rotation, expiration] = sets.dates(&set);
    assert_eq!((rotation, &expiration), (Json::Null, &would["after"]["expiration"]));
    conflict(&sets.act(&set, "enforce-schedule", &json!({})));
    let stale = sets.admin().native("POST", &format!("/key-sets/{set}/enforce-schedule"));
    let stale = stale.header("If-Match", "\"1\"").body("{}").send();
    assert_eq!(stale.refusal(), (412, "changed".to_owned()));
}

#[test]
fn dates_that_have_passed_by_the_new_policy_take_effect_at_once() {
    let mut sets = Sets::by_clock();
    let template = sets.policy(&json!({ "rotationMonths": 12, "overlapSeconds": 0 }));
    let (set, old) = sets.active();
    let dying = sets.another("dying");
    sets.does(&dying, "activate", &json!({}));
    let key = sets.value_of_latest(&dying);
    let provisioned = sets.look(&set)["provisioned"].clone();
    sets.move_to(&provisioned, 100 * 86_400);
    sets.change_template(&template, &json!({ "rotationMonths": 1 }));
    let would = done(&sets.enforce(&template, "?dryRun=true"));
    let at_once = would["moved"].as_array().unwrap().iter().map(|each| &each["atOnce"]);
    assert_eq!(at_once.collect::<Vec<_>>(), ["rotation", "rotation"]);
    sets.call(&old).admitted();
    // One of them is to expire instead.
    let policy = json!({ "policy": { "expirationMonths": 3 } });
    done(&sets.admin().ask("PUT", &format!("/key-sets/{dying}"), &policy));
    let moved = sets.does(&dying, "enforce-schedule", &json!({}));
    assert_eq!(moved["atOnce"], "expiration");
    sets.refuses(&key);
    done(&sets.enforce(&template, ""));
    sets.with_keys(&set, 2);
    wait_for("the old key to end", || (sets.call(&old).status == 401).then_some(()));
    // Whatever is too old by now stays so.
    let status = || sets.look(&dying)["status"] == "expired";
    wait_for("the expiry", || status().then_some(()));
    conflict(&sets.act(&dying, "enforce-schedule", &json!({})));
}

#[test]
fn only_who_may_write_policies_enforces_them() {
    let sets = Sets::open();
    let template = sets.policy(&json!({ "rotationMonths": 12 }));
    let (set, _) = sets.active();
    sets.change_template(&template, &json!({ "rotationMonths": 3 }));
    let lee = sets.house.member("lee", &json!([{ "name": "Organization Admin" }]));
    for target in [format!("/policies/{template}"), format!("/key-sets/{set}")] {
        for query in ["", "?dryRun=true"] {
            let target = format!("{target}/enforce-schedule{query}");
            let denied = lee.ask("POST", &target, &json!({}));
            assert_eq!(denied.refusal(), (403, "forbidden".to_owned()), "{target}");
        }
    }
    let unknown = sets.enforce("none", "");
    assert_eq!(unknown.refusal(), (404, "not_found".to_owned()));
}
