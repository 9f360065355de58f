//! Making keys.

use serde_json::{Value as Json, json};

use super::{Shop, id};
use crate::admin::{refused, violations};

#[test]
fn s2_1_a_key_is_made_for_an_application_that_is_there() {
    let shop = Shop::open();
    let nowhere = shop.house.admin.post("/applications/none/packageKeys", &shop.body(&json!({})));
    assert_eq!(refused(&nowhere).0, 404);
    let top = |more: &Json| shop.house.admin.post("/packageKeys", &shop.body(more));
    assert_eq!(violations(&top(&json!({}))), ["application"]);
    assert_eq!(violations(&top(&json!({ "application": { "id": "none" } }))), ["application"]);
    assert_eq!(top(&json!({ "application": { "id": shop.application } })).status, 200);
    assert_eq!(shop.house.admin.read(&shop.keys()).as_array().unwrap().len(), 1);
}

#[test]
fn s0_5_a_key_is_generated_or_the_callers_own() {
    let shop = Shop::open();
    let [one, other] = [shop.make(&json!({})), shop.make(&json!({ "apikey": "" }))];
    assert_ne!(one["apikey"], other["apikey"]);
    assert_eq!(shop.make(&json!({ "apikey": "mine" }))["apikey"], "mine");
}

#[test]
fn s0_4_a_key_takes_a_package_and_a_plan_of_it() {
    let shop = Shop::open();
    let response = shop.house.admin.post(&shop.keys(), &json!({}));
    assert_eq!(violations(&response), ["package", "plan"]);
    let other = id(&shop.house.admin.make("/packages", &json!({ "name": "other" })));
    let wrong = |more: &Json| violations(&shop.house.admin.post(&shop.keys(), &shop.body(more)));
    assert_eq!(wrong(&json!({ "package": { "id": other } })), ["plan"]);
    assert_eq!(wrong(&json!({ "plan": { "id": "none" } })), ["plan"]);
    assert_eq!(wrong(&json!({ "package": { "id": "none" } })), ["package"]);
    let made = shop.make(&json!({}));
    assert_eq!(made["package"], json!({ "id": shop.package, "name": "gold" }));
    assert_eq!(made["plan"], json!({ "id": shop.plans[0], "name": "free" }));
}

#[test]
fn s2_3_nobody_who_is_not_active_gets_a_key() {
    let shop = Shop::open();
    for (number, status) in ["waiting", "disabled"].into_iter().enumerate() {
        let name = format!("m{number}");
        let body = json!({ "username": name, "email": "", "areaStatus": status });
        let member = id(&shop.house.admin.make("/members", &body));
        let applications = format!("/members/{member}/applications");
        let application = id(&shop.house.admin.make(&applications, &json!({ "name": "x" })));
        let keys = format!("/applications/{application}/packageKeys");
        let response = shop.house.admin.post(&keys, &shop.body(&json!({})));
        assert_eq!(violations(&response), ["member"], "{status}");
        let target = format!("/members/{member}");
        shop.house.admin.put(&target, &json!({ "areaStatus": "active" }));
        shop.house.admin.make(&keys, &shop.body(&json!({})));
    }
}

#[test]
fn s2_4_the_application_is_the_users_whose_name_is_given() {
    let shop = Shop::open();
    let wrong = shop.body(&json!({ "username": "jo" }));
    assert_eq!(violations(&shop.house.admin.post(&shop.keys(), &wrong)), ["username"]);
    let right = json!({
        "username": "kim", "expires": "2099-12-31", "apikey": "mine", "status": "active",
    });
    let made = shop.make(&right);
    assert_eq!((&made["expires"], &made["status"]), (&json!("2099-12-31"), &json!("active")));
}

#[test]
fn s2_5_a_package_without_a_plan_is_of_no_use() {
    let shop = Shop::open();
    let empty = id(&shop.house.admin.make("/packages", &json!({ "name": "empty" })));
    let body = shop.body(&json!({ "package": { "id": empty } }));
    let response = shop.house.admin.post(&shop.keys(), &body);
    assert_eq!(violations(&response), ["plan"]);
    assert!(response.text().contains("the package has no plan"), "{response:?}");
}

#[test]
fn s2_7_a_generated_key_is_as_long_as_the_package_says() {
    let shop = Shop::with(&json!({ "name": "long", "keyLength": 64, "sharedSecretLength": 20 }));
    let made = shop.make(&json!({}));
    assert_eq!(made["apikey"].as_str().unwrap().len(), 64);
    assert_eq!(made["secret"].as_str().unwrap().len(), 20);
    let shop = Shop::with(&json!({ "name": "bare", "sharedSecretLength": 0 }));
    assert!(shop.make(&json!({})).get("secret").is_none());
}

#[test]
fn s2_8_a_custom_key_has_letters_digits_and_four_signs() {
    let shop = Shop::open();
    let long = "x".repeat(255);
    for right in ["AZaz09_-.:", "x", &long] {
        assert_eq!(shop.make(&json!({ "apikey": right }))["apikey"], right);
    }
    for wrong in ["a b", "a/b", "a+b", "schlüssel", "a\n", &"x".repeat(256)] {
        let body = shop.body(&json!({ "apikey": wrong }));
        let response = shop.house.admin.post(&shop.keys(), &body);
        assert_eq!(violations(&response), ["apikey"], "{wrong}");
        assert!(!response.text().contains(wrong), "{wrong}");
    }
    // One that is there already, also in the file.
    for taken in ["x", "demo"] {
        let body = shop.body(&json!({ "apikey": taken }));
        assert_eq!(violations(&shop.house.admin.post(&shop.keys(), &body)), ["apikey"], "{taken}");
    }
}

#[test]
fn s3_3_what_the_server_sets_is_ignored() {
    let shop = Shop::open();
    let then = "1999-01-01T00:00:00.000+0000";
    let made = shop.make(&json!({ "id": "mine", "created": then, "updated": then, "limits": 7 }));
    for (name, given) in [("id", "mine"), ("created", then), ("updated", then)] {
        assert_ne!(made[name], given, "{name}");
    }
}

#[test]
fn s3_6_a_secret_can_be_given_and_changed() {
    let shop = Shop::open();
    assert_eq!(shop.make(&json!({}))["secret"].as_str().unwrap().len(), 10);
    let made = shop.make(&json!({ "secret": "first" }));
    assert_eq!(made["secret"], "first");
    let target = shop.key(&made);
    assert_eq!(shop.house.admin.put(&target, &json!({ "secret": "second" })).status, 200);
    assert_eq!(shop.house.admin.read(&target)["secret"], "second");
    assert_eq!(violations(&shop.house.admin.put(&target, &json!({ "secret": 7 }))), ["secret"]);
}

#[test]
fn s3_11_status_can_be_left_to_the_plan() {
    let shop = Shop::open();
    let status = |more: &Json| shop.make(more)["status"].as_str().unwrap().to_owned();
    assert_eq!(status(&json!({})), "waiting");
    for given in ["waiting", "active", "disabled"] {
        assert_eq!(status(&json!({ "status": given })), given);
    }
    let wrong = shop.body(&json!({ "status": "enabled" }));
    assert_eq!(violations(&shop.house.admin.post(&shop.keys(), &wrong)), ["status"]);
    let plan = format!("/packages/{}/plans/{}", shop.package, shop.plans[1]);
    shop.house.admin.put(&plan, &json!({ "numKeysBeforeReview": 1 }));
    let other = json!({ "plan": { "id": shop.plans[1] } });
    assert_eq!([status(&other), status(&other)], ["active", "waiting"]);
}

#[test]
fn s0_2_a_key_is_replaced_by_one_of_a_new_application() {
    let shop = Shop::open();
    let old = shop.make(&json!({ "status": "active" }));
    let member = id(&shop.house.admin.read("/members?filter=username:kim")[0]);
    let applications = format!("/members/{member}/applications");
    let application = id(&shop.house.admin.make(&applications, &json!({ "name": "shop 2" })));
    let keys = format!("/applications/{application}/packageKeys");
    let new = shop.house.admin.make(&keys, &shop.body(&json!({})));
    assert_eq!((&new["status"], &old["status"]), (&json!("waiting"), &json!("active")));
    assert_eq!(new["plan"], old["plan"]);
    let target = format!("{keys}/{}", id(&new));
    shop.house.admin.put(&target, &json!({ "status": "active" }));
    let mut after = shop.house.admin.read(&keys);
    assert_eq!(after[0].take()["status"], "active");
    assert_eq!(shop.house.admin.read(&shop.key(&old)), old);
}

#[test]
fn what_go_clients_send_is_understood() {
    let shop = Shop::open();
    let made = shop.make(&json!({
        "apikey": null, "secret": null, "status": "waiting", "rateLimitCeiling": null,
        "rateLimitExempt": false, "qpsLimitCeiling": null, "qpsLimitExempt": false, "limits": null,
    }));
    assert_eq!(made["rateLimitCeiling"], Json::Null);
    let fields = "id,apikey,secret,created,updated,rateLimitCeiling,rateLimitExempt,\
                  qpsLimitCeiling,qpsLimitExempt,status,limits,package,plan";
    let read = shop.house.admin.read(&format!("{}?fields={fields}", shop.key(&made)));
    let mut names: Vec<_> = read.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected: Vec<_> = fields.split(',').collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn s3_21_a_failure_names_every_property_that_is_wrong() {
    let shop = Shop::that_sells();
    let wrong = json!({ "qpsLimitCeiling": "many", "status": "sleeping", "rateLimitExempt": 1 });
    let mut named = violations(&shop.house.admin.post(&shop.keys(), &shop.body(&wrong)));
    named.sort();
    assert_eq!(named, ["qpsLimitCeiling", "rateLimitExempt", "status"]);
}
