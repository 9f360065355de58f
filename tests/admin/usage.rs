//! What keys have used.

use std::fs;

use serde_json::{Value as Json, json};

use super::native::{ask, id};
use super::package_keys::Shop;

fn usage(shop: &Shop, key: &str) -> Json {
    let usage = ask(&shop.house.admin, "GET", &format!("/package-keys/{key}/usage"), None);
    assert_eq!(usage.status, 200, "{usage:?}");
    let all = usage.json();
    let [only] = &all.as_array().unwrap()[..] else { panic!("{usage:?}") };
    only.clone()
}

#[test]
fn a_package_key_tells_what_was_used_of_its_limits_and_when() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active", "rateLimitCeiling": 3 }));
    let fresh = usage(&shop, id(&key));
    let quota = &fresh["quota"];
    assert_eq!((&quota["ceiling"], &quota["used"]), (&json!(3), &json!(0)));
    assert_eq!(fresh["keys"][0]["lastUse"], json!(null));
    (0..3).for_each(|_| drop(shop.call(&key).admitted()));
    shop.call(&key).refused(429, "over_quota");
    let used = usage(&shop, id(&key));
    assert_eq!((&used["services"], &used["qps"]), (&json!(["orders"]), &json!(null)));
    let quota = &used["quota"];
    assert_eq!((&quota["used"], &quota["left"]), (&json!(3), &json!(0)));
    assert_eq!((&quota["period"], &quota["source"]), (&json!("hour"), &json!("key")));
    let resets = quota["resets"].as_str().unwrap();
    assert!(resets.ends_with(":00:00Z"), "{resets}");
    let [only] = &used["keys"].as_array().unwrap()[..] else { panic!("{used}") };
    assert_eq!((&only["latest"], &only["status"]), (&json!(true), &json!("active")));
    assert!(only["lastUse"].as_str().unwrap() <= used["at"].as_str().unwrap());
    assert_eq!(usage(&shop, id(&key))["quota"]["used"], 3, "looking uses nothing");
}

#[test]
fn a_key_of_the_file_tells_too_and_a_guest_is_told_nothing() {
    let shop = Shop::that_sells();
    let guest = shop.house.member("pat", &json!([{ "name": "Guest" }]));
    let used = usage(&shop, "acme-1");
    assert_eq!((&used["package"], &used["keys"][0]["status"]), (&json!("basic"), &json!("active")));
    let gate = &shop.house.gate;
    let file = fs::read_to_string(gate.config()).unwrap();
    gate.apply(&file.replace("[keys.acme-1]\n", "[keys.acme-1]\nstatus = \"suspended\"\n"));
    assert_eq!(usage(&shop, "acme-1")["keys"][0]["status"], "suspended");
    let denied = ask(&guest, "GET", "/package-keys/acme-1/usage", None);
    assert_eq!(denied.refusal(), (403, "forbidden".to_owned()));
    let missing = ask(&shop.house.admin, "GET", "/key-sets/acme-1/usage", None);
    assert_eq!(missing.refusal(), (404, "not_found".to_owned()));
}
