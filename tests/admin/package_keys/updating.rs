//! Changing keys.

use serde_json::json;

use super::Shop;
use crate::admin::violations;
use crate::support::done;

#[test]
fn s2_2_the_value_of_a_key_stays_and_its_settings_change() {
    let shop = Shop::open();
    let made = shop.make(&json!({ "apikey": "mine" }));
    let change = json!({ "apikey": "other", "qpsLimitCeiling": 7, "eav": { "a": 1 } });
    let changed = done(&shop.house.admin.put(&shop.key(&made), &change));
    assert_eq!((&changed["apikey"], &changed["qpsLimitCeiling"]), (&json!("mine"), &json!(7)));
    let read = shop.house.admin.read(&format!("{}?fields=apikey,eav", shop.key(&made)));
    assert_eq!(read, json!({ "apikey": "mine", "eav": { "a": 1 } }));
}

#[test]
fn s2_10_settings_are_changed_from_every_page_of_a_key() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    let id = made["id"].as_str().unwrap();
    let member = shop.house.admin.read("/members?filter=username:kim")[0]["id"].clone();
    let pages = [
        shop.key(&made),
        format!("/packageKeys/{id}"),
        format!("/members/{}/packageKeys/{id}", member.as_str().unwrap()),
    ];
    for (ceiling, page) in pages.iter().enumerate() {
        let change = json!({ "qpsLimitCeiling": ceiling });
        assert_eq!(done(&shop.house.admin.put(page, &change))["qpsLimitCeiling"], ceiling);
        for page in &pages {
            assert_eq!(shop.house.admin.read(page)["qpsLimitCeiling"], ceiling, "{page}");
        }
    }
}

#[test]
fn s3_5_a_key_is_optional_when_made_and_ignored_when_changed() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    for apikey in [json!("other"), json!(7), json!(null)] {
        let changed = shop.house.admin.put(&shop.key(&made), &json!({ "apikey": apikey }));
        assert_eq!(done(&changed)["apikey"], made["apikey"]);
    }
}

#[test]
fn s3_13_a_package_is_ignored_when_a_key_changes() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    let change = json!({ "package": { "id": "basic" }, "rateLimitExempt": true });
    let changed = done(&shop.house.admin.put(&shop.key(&made), &change));
    assert_eq!(changed["package"], made["package"]);
    assert_eq!(changed["rateLimitExempt"], true);
}

#[test]
fn s3_14_a_key_moves_to_another_plan_of_its_package() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    let put =
        |plan: &str| shop.house.admin.put(&shop.key(&made), &json!({ "plan": { "id": plan } }));
    let moved = done(&put(&shop.plans[1]));
    assert_eq!(moved["plan"]["name"], "paid");
    assert_eq!(moved["apikey"], made["apikey"]);
    assert_eq!(violations(&put("free")), ["plan"]);
    assert_eq!(violations(&put("none")), ["plan"]);
    assert_eq!(shop.house.admin.read(&shop.key(&made))["plan"]["name"], "paid");
}

#[test]
fn s3_7_limits_of_a_key_are_given_changed_and_returned() {
    let shop = Shop::open();
    let own = json!({
        "rateLimitCeiling": 10, "rateLimitExempt": false, "qpsLimitCeiling": 3, "qpsLimitExempt": true,
    });
    let made = shop.make(&own);
    for (name, value) in own.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    let other = json!({ "rateLimitCeiling": 0, "rateLimitExempt": true, "qpsLimitExempt": false });
    done(&shop.house.admin.put(&shop.key(&made), &other));
    let read = shop.house.admin.read(&shop.key(&made));
    for (name, value) in other.as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
    assert_eq!(read["qpsLimitCeiling"], 3);
    let wrong = json!({
        "rateLimitCeiling": "10", "rateLimitExempt": 1, "qpsLimitCeiling": -1,
        "qpsLimitExempt": "yes",
    });
    let expected = ["rateLimitCeiling", "rateLimitExempt", "qpsLimitCeiling", "qpsLimitExempt"];
    assert_eq!(violations(&shop.house.admin.put(&shop.key(&made), &wrong)), expected);
}

#[test]
fn s0_7_waiting_becomes_enabled_in_the_list_of_the_application() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    let status = || shop.house.admin.read(&shop.keys())[0]["status"].clone();
    assert_eq!(status(), "waiting");
    done(&shop.house.admin.put(&shop.key(&made), &json!({ "status": "active" })));
    assert_eq!(status(), "active");
    let back = json!({ "status": "waiting" });
    assert_eq!(violations(&shop.house.admin.put(&shop.key(&made), &back)), ["status"]);
    for next in ["disabled", "active", "active", "disabled"] {
        done(&shop.house.admin.put(&shop.key(&made), &json!({ "status": next })));
        assert_eq!(status(), next);
    }
}

#[test]
fn s3_22_an_update_returns_the_key_as_it_is_kept_and_as_fields_say() {
    let shop = Shop::open();
    let made = shop.make(&json!({}));
    let target = shop.key(&made);
    let changed = done(&shop.house.admin.put(&target, &json!({ "qpsLimitCeiling": 9 })));
    assert_eq!(changed, shop.house.admin.read(&target));
    let fields = format!("{target}?fields=id,plan.name");
    let changed = done(&shop.house.admin.put(&fields, &json!({ "qpsLimitCeiling": 8 })));
    assert_eq!(changed, json!({ "id": made["id"], "plan": { "name": "free" } }));
}

#[test]
fn s2_6_an_empty_date_takes_the_end_away() {
    let shop = Shop::open();
    let made = shop.make(&json!({ "expires": "2099-12-31" }));
    let put =
        |expires: &str| shop.house.admin.put(&shop.key(&made), &json!({ "expires": expires }));
    assert!(done(&put("")).get("expires").is_none());
    assert_eq!(done(&put("2098-01-01"))["expires"], "2098-01-01");
    assert_eq!(done(&put("2098-01-01T12:00:00Z"))["expires"], "2098-01-01T12:00:00.000+0000");
    for wrong in ["2098-02-30", "soon", "01/02/2098"] {
        assert_eq!(violations(&put(wrong)), ["expires"], "{wrong}");
    }
}
