//! How key sets come to be, and to what they belong.

use serde_json::{Value as Json, json};

use super::{Sets, conflict, id};
use crate::support::{Config, done};

/// Two APIs that are called by the key alone, and one that takes a secret too.
fn three(config: Config) -> Config {
    let service =
        |path: &str, more: &str| format!("path = \"{path}\"\nupstream = \"demo\"\n{more}");
    config
        .section("services.items", &service("/items", ""))
        .section("services.items.endpoints.all", "")
        .section("services.safe", &service("/safe", ""))
        .section("services.safe.proof", "kind = \"secret\"")
        .section("services.safe.endpoints.all", "")
        .section("packages.basic.plans.free.services.items", "")
        .section("packages.basic.plans.secure", "qps_limit_exempt = true\nrate_limit_exempt = true")
        .section("packages.basic.plans.secure.services.safe", "")
}

#[test]
fn s4_3_a_subscription_makes_a_key_set_for_the_authentication_type_or_reuses_one() {
    let sets = Sets::with(three);
    let first = sets.subscribe();
    assert_eq!((&first["reused"], &first["keySet"]["status"]), (&json!(false), &json!("pending")));
    assert_eq!(first["keySet"]["authType"], "api_key");
    let second = done(&sets.try_subscribe(&sets.application, "items"))[0].clone();
    assert_eq!((&second["reused"], id(&second["keySet"])), (&json!(true), id(&first["keySet"])));
    assert!(second.get("issued").is_none(), "{second}");
    let other = done(&sets.try_subscribe(&sets.application, "safe"))[0].clone();
    assert_eq!(other["reused"], false);
    assert_eq!(other["keySet"]["authType"], "api_key_and_secret");
    assert!(other["issued"]["secret"].is_string(), "{other}");
    for (application, service, status) in [("none", "orders", 404), ("acme", "none", 404)] {
        assert_eq!(sets.try_subscribe(application, service).status, status);
    }
}

#[test]
fn s4_3_an_api_of_two_authentication_types_takes_a_key_set_for_each() {
    let sets = Sets::with(|config| {
        let both = "auth_types = [\"api_key\", \"api_key_and_secret\"]";
        let proof = "kind = \"secret\"\nplaces = [{ header = \"X-Api-Secret\" }]";
        let both = format!("path = \"/safe\"\nupstream = \"demo\"\n{both}");
        three(config).section("services.safe", &both).section("services.safe.proof", proof)
    });
    let subscribe = || {
        let subscribed = done(&sets.try_subscribe(&sets.application, "safe"));
        let [alone, proven] = &subscribed.as_array().unwrap()[..] else { panic!("{subscribed}") };
        [alone.clone(), proven.clone()]
    };
    let made = subscribe();
    let types = made.each_ref().map(|set| set["keySet"]["authType"].as_str().unwrap());
    assert_eq!(types, ["api_key", "api_key_and_secret"]);
    assert!(made.iter().all(|set| set["reused"] == false), "{made:?}");
    let sets_of_both = made.each_ref().map(|set| id(&set["keySet"]));
    for set in &sets_of_both {
        sets.does(set, "activate", &json!({}));
    }
    let issued = |set: &Json, what: &str| set["issued"][what].as_str().map(str::to_owned);
    let call = |set: &Json| sets.house.gate.get("/safe").key(&issued(set, "apikey").unwrap());
    assert_eq!(issued(&made[0], "secret"), None, "{}", made[0]);
    call(&made[0]).send().admitted();
    call(&made[1]).send().refused(401, "proof_missing");
    let secret = issued(&made[1], "secret").unwrap();
    call(&made[1]).header("X-Api-Secret", &secret).send().admitted();
    // Both are there now; one that is revoked is made anew, and the other one stays.
    let again = subscribe();
    assert!(again.iter().all(|set| set["reused"] == true), "{again:?}");
    assert_eq!(again.each_ref().map(|set| id(&set["keySet"])), sets_of_both);
    sets.does(&sets_of_both[1], "revoke", &json!({ "confirm": true }));
    let third = subscribe();
    let reused = third.each_ref().map(|set| set["reused"].as_bool().unwrap());
    assert_eq!(reused, [true, false]);
    assert_eq!(id(&third[0]["keySet"]), sets_of_both[0]);
    assert_ne!(id(&third[1]["keySet"]), sets_of_both[1]);
    assert_eq!(third[1]["keySet"]["authType"], "api_key_and_secret");
    call(&made[0]).send().admitted();
    call(&made[1]).header("X-Api-Secret", &secret).send().refused(401, "key_rejected");
}

#[test]
fn s4_4_a_key_set_is_reused_while_it_is_neither_expired_nor_revoked() {
    let sets = Sets::open();
    let first = sets.subscribe();
    let set = id(&first["keySet"]);
    let again = |expected: bool, when: &str| {
        let joined = sets.subscribe();
        assert_eq!(joined["reused"], expected, "{when}");
        assert_eq!(id(&joined["keySet"]) == set, expected, "{when}");
    };
    again(true, "pending");
    sets.does(&set, "activate", &json!({}));
    again(true, "active");
    sets.does(&set, "suspend", &json!({}));
    again(true, "suspended");
    let other = done(&sets.try_subscribe("acme", "orders"))[0].clone();
    assert_eq!(other["reused"], false, "another application");
    sets.does(&set, "revoke", &json!({ "confirm": true }));
    again(false, "revoked");
    sets.policy(&json!({ "manualRegeneration": true }));
    let with_policy = sets.subscribe();
    assert_eq!(with_policy["reused"], false, "another policy");
}

#[test]
fn s4_5_the_name_holds_authentication_type_and_application() {
    let sets = Sets::open();
    assert_eq!(sets.subscribe()["keySet"]["name"], "api_key Shop");
}

#[test]
fn s4_6_the_policy_is_that_of_the_template_of_the_api() {
    let sets = Sets::open();
    let template = sets.policy(&json!({
        "rotationMonths": 12, "expirationMonths": 13, "manualRegeneration": true,
        "overlapSeconds": 60,
    }));
    let expected = json!({
        "template": template, "rotationMonths": 12, "rotationLeadSeconds": 0,
        "expirationMonths": 13, "manualRegeneration": true, "overlapSeconds": 60,
    });
    assert_eq!(sets.subscribe()["keySet"]["policy"], expected);
}

#[test]
fn s4_11_authorized_apis_lead_to_the_catalogue_and_subscriptions_are_opened_one_by_one() {
    let sets = Sets::with(three);
    let orders = sets.subscribe();
    done(&sets.try_subscribe(&sets.application, "items"));
    done(&sets.try_subscribe(&sets.application, "safe"));
    let set = id(&orders["keySet"]);
    let apis = |details: &Json| {
        let apis = details["authorizedApis"].as_array().unwrap().iter();
        apis.map(|api| api["catalogue"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let details = sets.look(&set);
    assert_eq!(apis(&details), ["/api/catalogue/orders", "/api/catalogue/items"]);
    let subscriptions = details["subscriptions"].as_array().unwrap();
    assert_eq!(subscriptions.len(), 2);
    for subscription in subscriptions {
        let target = format!("/subscriptions/{}", id(subscription));
        assert_eq!(&sets.admin().look(&target), subscription);
    }
}

#[test]
fn a_subscription_that_is_cancelled_takes_its_api_along_and_nothing_else() {
    let sets = Sets::with(three);
    let (set, key) = sets.active();
    done(&sets.try_subscribe(&sets.application, "items"));
    let call = |path: &str| sets.house.gate.get(path).key(&key).send();
    call("/orders").admitted();
    call("/items").admitted();
    let orders = id(&sets.look(&set)["subscriptions"][0]);
    let target = format!("/subscriptions/{orders}");
    let cancelled = done(&sets.admin().native("DELETE", &target).send());
    assert!(cancelled["cancelled"].is_string(), "{cancelled}");
    call("/orders").refused(403, "not_entitled");
    call("/items").admitted();
    assert_eq!(sets.look(&set)["authorizedApis"].as_array().unwrap().len(), 1);
    conflict(&sets.admin().native("DELETE", &target).send());
    let items = id(&sets.look(&set)["subscriptions"][1]);
    sets.does(&set, "revoke", &json!({ "confirm": true }));
    conflict(&sets.admin().native("DELETE", &format!("/subscriptions/{items}")).send());
}
