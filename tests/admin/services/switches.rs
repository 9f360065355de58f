//! What an endpoint asks of a call beside its key.

use serde_json::json;

use super::Market;
use crate::support::done;

#[test]
fn a_key_stands_where_the_endpoint_looks_for_it() {
    let market = Market::open(&json!({}));
    let value = market.value().to_owned();
    let place = |locations: &str, key: &str| {
        let wanted = json!({ "apiKeyValueLocations": [locations], "apiKeyValueLocationKey": key });
        market.change(&market.endpoint(), &wanted);
    };
    place("request-header", "X-Key");
    market.bare("GET", "/items").header("x-key", &value).send().admitted();
    market.get("/items").refused(401, "key_missing");
    place("request-body", "k");
    let form = market
        .bare("POST", "/items")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(&format!("a=1&k={value}"));
    form.send().admitted();
    place("request-path", "1");
    market.bare("GET", &format!("/items/{value}/7")).send().admitted();
    assert_eq!(market.house.origin.targets().last().unwrap(), "/v2/7");
    assert!(!format!("{:?}", market.house.origin.requests()).contains(&value));
    market.bare("GET", "/items").send().refused(401, "key_missing");
}

#[test]
fn what_an_endpoint_says_of_its_calls_is_enforced() {
    let market = Market::open(&json!({ "headersToExcludeFromIncomingCall": ["X-Internal"] }));
    market.request("GET", "/items").header("X-Internal", "1").send().admitted();
    assert_eq!(market.house.origin.requests()[0].header("x-internal"), None);
    let set = |change: serde_json::Value| drop(market.change(&market.endpoint(), &change));
    set(json!({ "inboundSslRequired": true }));
    market.get("/items").refused(403, "tls_required");
    set(json!({ "inboundSslRequired": false }));
    market.get("/items").admitted();
    set(json!({ "rateLimitHeadersEnabled": true }));
    market.change(&market.plan(), &json!({ "rateLimitExempt": false, "rateLimitCeiling": 9 }));
    assert_eq!(market.get("/items").admitted().header("x-plan-quota-allotted"), Some("9"));
    set(json!({ "rateLimitHeadersEnabled": false }));
    assert_eq!(market.get("/items").admitted().header("x-plan-quota-allotted"), None);
    assert_eq!(market.get("/items").header("x-mashery-message-id"), None);
    set(json!({ "returnedHeaders": ["mashery-message-id"] }));
    let admitted = market.get("/items").admitted();
    let id = admitted.header("x-mashery-message-id").unwrap().to_owned();
    assert_eq!(market.house.origin.requests().last().unwrap().header("x-request-id"), Some(&*id));
    market.change(&market.service(), &json!({ "errorDialect": "mashery" }));
    let refused = market.bare("GET", "/items").send();
    assert_eq!(refused.header("x-mashery-error-code"), Some("ERR_403_DEVELOPER_INACTIVE"));
}

#[test]
fn an_endpoint_is_closed_while_its_maintenance_lasts() {
    let market = Market::open(&json!({}));
    let event = |event: serde_json::Value| {
        market.change(&market.endpoint(), &json!({ "scheduledMaintenanceEvent": event }));
    };
    event(json!({ "id": "e1" }));
    market.get("/items").refused(503, "maintenance");
    event(json!({}));
    market.get("/items").admitted();
    event(json!({ "startDateTime": "2099-01-01T00:00:00.000+0000" }));
    market.get("/items").admitted();
    let past = "2020-01-01T00:00:00.000+0000";
    event(json!({ "startDateTime": past, "endDateTime": "2099-01-01T00:00:00Z" }));
    let refused = market.get("/items").refused(503, "maintenance");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 365 * 24 * 60 * 60, "{seconds}");
    event(json!({ "startDateTime": past, "endDateTime": "2020-01-02T00:00:00Z" }));
    market.get("/items").admitted();
}

#[test]
fn calls_without_a_key_are_charged_to_the_key_that_stands_for_none() {
    let market = Market::open(&json!({ "allowMissingApiKey": true }));
    market.bare("GET", "/items").send().refused(401, "key_rejected");
    let key = market.make_key(&json!({ "apikey": "noapikey", "rateLimitCeiling": 1 }));
    market.bare("GET", "/items").send().admitted();
    market.get("/items").admitted();
    let keys = format!("/packageKeys/{}", key["id"].as_str().unwrap());
    market.change(&keys, &json!({ "status": "disabled" }));
    market.bare("GET", "/items").send().refused(401, "key_rejected");
    market.change(&keys, &json!({ "status": "active" }));
    market.change(&market.endpoint(), &json!({ "allowMissingApiKey": false }));
    market.bare("GET", "/items").send().refused(401, "key_missing");
    done(&market.house.admin.delete(&keys));
}
