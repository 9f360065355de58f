//! Who may do what with key sets, and who sees what of them.

use serde_json::{Value as Json, json};

use super::{Sets, id};
use crate::support::{Admin, done};

#[test]
fn s4_8_values_of_keys_are_shown_to_those_who_may_retrieve_them() {
    let sets = Sets::with(|config| {
        config.section("control.permissions", "key_retrieve = \"contributor\"")
    });
    let (set, key) = sets.active();
    let target = format!("/key-sets/{set}/credentials");
    let shown = sets.admin().native("GET", &target).send();
    assert_eq!((shown.status, shown.header("cache-control")), (200, Some("no-store")));
    assert_eq!(shown.json()[0]["apikey"], key.as_str());
    sets.does(&set, "suspend", &json!({}));
    assert_eq!(sets.admin().look(&target)[0]["apikey"], key.as_str(), "also while suspended");
    let kim = sets.house.member("kim", &json!([{ "name": "Consumer" }]));
    let denied = kim.native("GET", &target).send();
    assert_eq!(denied.refusal(), (403, "forbidden".to_owned()));
    let details = kim.native("GET", &format!("/key-sets/{set}")).send();
    assert!(!details.text().contains(&key), "{details:?}");
    let actions = details.json()["actions"].clone();
    assert!(!actions.as_array().unwrap().contains(&json!("retrieve")), "{actions}");
}

#[test]
fn what_is_shown_once_is_in_no_later_answer() {
    let sets = Sets::with(|config| {
        let control = "address = \"127.0.0.1:0\"\nkey_retrieval = \"once\"";
        config.section("control", control)
    });
    let (set, key) = sets.active();
    sets.call(&key).admitted();
    let later = sets.admin().native("GET", &format!("/key-sets/{set}/credentials")).send();
    assert_eq!(later.status, 200);
    assert!(!later.text().contains(&key) && later.json()[0].get("apikey").is_none(), "{later:?}");
    assert!(!sets.look(&set)["actions"].as_array().unwrap().contains(&json!("retrieve")));
}

#[test]
fn s4_26_each_thing_that_is_done_takes_its_role() {
    let sets = Sets::open();
    sets.policy(&json!({ "manualRegeneration": true }));
    let application = json!({
        "name": "theirs", "organization": { "id": "north" }, "group": { "id": "shops" },
    });
    let theirs = id(&sets.admin().make("/members/jo/applications", &application));
    let subscribed = done(&sets.try_subscribe(&theirs, "orders"))[0].clone();
    let set = id(&subscribed["keySet"]);
    let member = |username: &str, role: &str, group: &str| {
        let roles = json!([{ "name": role, "organization": "north", "group": group }]);
        sets.house.member(username, &roles)
    };
    let [consumer, admin, stranger] = [
        member("kim", "Consumer", "shops"),
        member("lee", "Group Admin", "shops"),
        member("max", "Group Admin", "others"),
    ];
    let act = |by: &Admin, verb: &str, body: &Json| {
        by.ask("POST", &format!("/key-sets/{set}/{verb}"), body).status
    };
    let confirmed = json!({ "confirm": true });
    for (verb, body) in [("activate", &json!({})), ("suspend", &json!({})), ("revoke", &confirmed)]
    {
        assert_eq!(act(&consumer, verb, body), 403, "{verb}");
        assert_eq!(act(&stranger, verb, body), 403, "{verb}");
    }
    assert_eq!(act(&stranger, "regenerate", &json!({})), 403);
    let look = |by: &Admin| by.native("GET", &format!("/key-sets/{set}")).send();
    assert_eq!(look(&stranger).refusal(), (403, "forbidden".to_owned()));
    assert_eq!(look(&consumer).json()["actions"], json!(["retrieve"]));
    assert_eq!(act(&admin, "activate", &json!({})), 200);
    assert_eq!(look(&consumer).json()["actions"], json!(["regenerate", "rotate", "retrieve"]));
    assert_eq!(act(&consumer, "regenerate", &json!({})), 200);
    for (verb, body) in
        [("suspend", &json!({})), ("reactivate", &json!({})), ("revoke", &confirmed)]
    {
        assert_eq!(act(&consumer, verb, body), 403, "{verb}");
        assert_eq!(act(&admin, verb, body), 200, "{verb}");
    }
    let subscribe = |by: &Admin| {
        let body = json!({
            "application": theirs, "service": "orders", "package": "basic", "plan": "free",
        });
        by.ask("POST", "/subscriptions", &body)
    };
    assert_eq!(subscribe(&stranger).refusal(), (403, "forbidden".to_owned()));
    assert_eq!(subscribe(&consumer).status, 200);
    // What is nobody's is everybody's to look at; what is another group's is not.
    sets.subscribe();
    let listed = |by: &Admin| by.look("/key-sets").as_array().unwrap().len();
    assert_eq!([listed(&consumer), listed(&stranger), listed(sets.admin())], [3, 1, 3]);
}
