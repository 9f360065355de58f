//! What the keys of a key set have used, by the requests that they made.

use serde_json::{Value as Json, json};

use super::{Sets, conflict, id};
use crate::support::{Config, Response, done, wait_for};

const DAY: i64 = 86_400;

/// Two APIs in a plan with a quota, of which one is opened with a method that has its own.
fn limited(config: Config) -> Config {
    let plan = "qps_limit_ceiling = 50\nrate_limit_ceiling = 5\nrate_limit_period = \"month\"";
    config
        .plan(plan)
        .section("services.items", "path = \"/items\"\nupstream = \"demo\"")
        .section("services.items.endpoints.all", "")
        .section("packages.basic.plans.free.services.items", "")
}

impl Sets {
    /// What is told of what a key set has used, by API.
    fn usage(&self, set: &str) -> Vec<Json> {
        let used = self.admin().look(&format!("/key-sets/{set}/usage"));
        used.as_array().unwrap().clone()
    }

    fn used_of(&self, set: &str, service: &str) -> Json {
        let used = self.usage(set);
        let found = used.iter().find(|entry| entry["services"] == json!([service]));
        found.unwrap_or_else(|| panic!("nothing of {service}: {used:?}")).clone()
    }

    fn get(&self, path: &str, key: &str) -> Response {
        self.house.gate.get(path).key(key).send()
    }
}

#[test]
fn each_subscription_of_a_key_set_tells_what_was_used_of_it() {
    let sets = Sets::with(limited);
    let (set, key) = sets.active();
    done(&sets.try_subscribe(&sets.application, "items"));
    for service in ["orders", "items"] {
        let fresh = sets.used_of(&set, service);
        assert_eq!((&fresh["quota"]["used"], &fresh["quota"]["ceiling"]), (&json!(0), &json!(5)));
    }
    (0..5).for_each(|_| drop(sets.get("/orders", &key).admitted()));
    sets.get("/orders", &key).refused(429, "over_quota");
    (0..2).for_each(|_| drop(sets.get("/items", &key).admitted()));
    let orders = sets.used_of(&set, "orders");
    assert_eq!((&orders["package"], &orders["plan"]), (&json!("basic"), &json!("free")));
    let quota = &orders["quota"];
    assert_eq!((&quota["used"], &quota["left"]), (&json!(5), &json!(0)));
    assert_eq!((&quota["period"], &quota["source"]), (&json!("month"), &json!("plan")));
    assert!(quota["resets"].as_str().unwrap().ends_with("T00:00:00Z"), "{quota}");
    assert_eq!((&orders["qps"]["ceiling"], &orders["qps"]["burst"]), (&json!(50), &json!(50)));
    let items = sets.used_of(&set, "items");
    assert_eq!((&items["quota"]["used"], &items["quota"]["left"]), (&json!(2), &json!(3)));
    assert_eq!(sets.usage(&set).len(), 2);
    // A subscription that is over is told of no more.
    let subscription = id(&sets.look(&set)["subscriptions"][0]);
    let target = format!("/subscriptions/{subscription}");
    sets.house.gate.enforced_after(|| done(&sets.admin().native("DELETE", &target).send()));
    let left = sets.usage(&set);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["services"], json!(["items"]));
    conflict(&sets.admin().native("DELETE", &target).send());
}

#[test]
fn every_key_of_a_key_set_tells_when_it_was_last_used() {
    let mut sets = Sets::by_clock();
    sets.policy(&json!({ "rotationMonths": 1, "overlapSeconds": 10 * DAY }));
    let (set, old) = sets.active();
    let keys = |sets: &Sets| {
        let used = sets.usage(&set);
        let [only] = &used[..] else { panic!("{used:?}") };
        only["keys"].as_array().unwrap().clone()
    };
    let [first] = &keys(&sets)[..] else { panic!() };
    assert_eq!((&first["lastUse"], &first["latest"]), (&json!(null), &json!(true)));
    sets.call(&old).admitted();
    let at_first = keys(&sets)[0]["lastUse"].clone();
    assert!(at_first.is_string(), "{at_first}");
    sets.move_past_rotation(&set);
    let new = sets.value_of_latest(&set);
    let two = keys(&sets);
    let [latest, superseded] = &two[..] else { panic!("{two:?}") };
    assert_eq!((&latest["number"], &latest["latest"]), (&json!(2), &json!(true)));
    assert_eq!((&latest["lastUse"], &superseded["lastUse"]), (&json!(null), &at_first));
    // Whoever has the old key still is seen, and that the new one is in use.
    wait_for("the new key", || (sets.call(&new).status == 200).then_some(()));
    let after = keys(&sets);
    assert_eq!(after[1]["lastUse"], at_first);
    let of_new = after[0]["lastUse"].as_str().unwrap();
    assert!(of_new > at_first.as_str().unwrap(), "{after:?}");
    sets.call(&old).admitted();
    let both = keys(&sets);
    assert!(both[1]["lastUse"].as_str().unwrap() >= of_new, "{both:?}");
    assert_eq!(both[1]["latest"], false);
    // What is refused is no use.
    sets.does(&set, "suspend", &json!({}));
    wait_for("the suspension", || (sets.call(&new).status == 401).then_some(()));
    sets.house.gate.move_clock(60);
    sets.refuses(&new);
    assert_eq!(keys(&sets)[0]["lastUse"], both[0]["lastUse"]);
}
