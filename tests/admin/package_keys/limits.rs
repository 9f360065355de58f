//! `limits` of a key.

use serde_json::{Value as Json, json};

use super::Shop;

#[test]
fn s3_12_limits_are_returned_where_they_are_named_and_never_written() {
    let shop = Shop::open();
    let made = shop.make(&json!({ "limits": [{ "period": "day", "ceiling": 1 }] }));
    assert!(made.get("limits").is_none());
    let limits = || shop.house.admin.read(&format!("{}?fields=limits", shop.key(&made)));
    let entry = |period: &str, source: &str, ceiling: Json| json!({ "period": period, "source": source, "ceiling": ceiling });
    let expected = [entry("second", "plan", json!(2)), entry("hour", "plan", json!(5000))];
    assert_eq!(limits(), json!({ "limits": expected }));
    let put = |body: &Json| assert_eq!(shop.house.admin.put(&shop.key(&made), body).status, 200);
    // The lower of the two where the plan allows no override.
    put(&json!({ "qpsLimitCeiling": 1, "rateLimitCeiling": 9000, "limits": [] }));
    let expected = [entry("second", "key", json!(1)), entry("hour", "plan", json!(5000))];
    assert_eq!(limits(), json!({ "limits": expected }));
    let plan = format!("/packages/{}/plans/{}", shop.package, shop.plans[0]);
    let overrides =
        json!({ "qpsLimitKeyOverrideAllowed": true, "rateLimitKeyOverrideAllowed": true });
    assert_eq!(shop.house.admin.put(&plan, &overrides).status, 200);
    put(&json!({ "qpsLimitExempt": true }));
    let expected = [entry("second", "key", Json::Null), entry("hour", "key", json!(9000))];
    assert_eq!(limits(), json!({ "limits": expected }));
}
