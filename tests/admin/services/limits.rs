//! Limits, and what plans open of a service.

use serde_json::json;

use super::{Market, id};
use crate::admin::violations;
use crate::support::done;

#[test]
fn the_limit_over_all_keys_holds_for_all_endpoints_together() {
    let market = Market::open(&json!({}));
    let other = market.make_endpoint(&json!({ "name": "others", "requestPathAlias": "/others" }));
    market.open_endpoint(&other);
    market.get("/others").admitted();
    market.change(&market.service(), &json!({ "qpsLimitOverall": 1 }));
    market.get("/items").admitted();
    market.get("/others").refused(429, "service_over_qps");
    market.change(&market.service(), &json!({ "qpsLimitOverall": 0 }));
    market.get("/items").refused(429, "service_over_qps");
    market.change(&market.service(), &json!({ "qpsLimitOverall": 1_000_000 }));
    market.get("/items").admitted();
}

#[test]
fn a_plan_opens_an_endpoint_and_its_methods_and_limits_them() {
    let market = Market::open(&json!({}));
    let methods = format!("{}/methods", market.endpoint());
    let read = json!({ "name": "read", "httpMethods": ["get", "HEAD"] });
    let read = id(&market.house.admin.make(&methods, &read));
    let write = id(&market.house.admin.make(&methods, &json!({ "name": "POST" })));
    let call = |method: &str| market.request(method, "/items/7").send();
    for method in ["GET", "POST", "DELETE"] {
        call(method).admitted();
    }
    let opened = format!("{}/methods", market.opened());
    let limited = json!({ "id": read, "rateLimitCeiling": 2, "rateLimitPeriod": "day" });
    market.house.admin.make(&opened, &limited);
    (0..2).for_each(|_| drop(call("GET").admitted()));
    call("HEAD");
    assert_eq!(call("GET").refusal(), (429, "over_quota".to_owned()));
    call("POST").refused(403, "not_entitled");
    call("DELETE").refused(403, "not_entitled");
    market.house.admin.make(&opened, &json!({ "id": write }));
    call("POST").admitted();
    call("DELETE").refused(403, "not_entitled");
    market.change(&market.opened(), &json!({ "undefinedMethodsAllowed": true }));
    call("DELETE").admitted();
    call("GET").refused(429, "over_quota");
    // A call that could be of a method by which none is known is of that, as far as it matters.
    let unknown = id(&market.house.admin.make(&methods, &json!({ "name": "getItem" })));
    call("DELETE").refused(403, "not_entitled");
    done(&market.house.admin.delete(&format!("{methods}/{unknown}")));
    call("DELETE").admitted();
    // What is left when the last method is taken away is nothing, not everything.
    market.change(&market.opened(), &json!({ "undefinedMethodsAllowed": false }));
    for method in [&read, &write] {
        done(&market.house.admin.delete(&format!("{opened}/{method}")));
    }
    call("POST").refused(403, "not_entitled");
    call("DELETE").refused(403, "not_entitled");
}

#[test]
fn a_limit_of_a_method_is_never_lost_for_how_it_is_written() {
    let market = Market::open(&json!({}));
    let methods = format!("{}/methods", market.endpoint());
    let get = id(&market.house.admin.make(&methods, &json!({ "name": "GET" })));
    let opened = format!("{}/methods", market.opened());
    market.house.admin.make(&opened, &json!({ "id": get, "rateLimitCeiling": 1 }));
    market.get("/items").admitted();
    market.get("/items").refused(429, "over_quota");
    let plan = market.house.admin.read(&format!("{}?fields=services", market.plan()));
    for (property, value) in [
        ("rateLimitCeiling", json!("9")),
        ("qpsLimitCeiling", json!(-1)),
        ("rateLimitPeriod", json!("second")),
    ] {
        let mut plan = plan.clone();
        plan["services"][0]["endpoints"][0]["methods"][0][property] = value;
        let response = market.house.admin.put(&market.plan(), &plan);
        assert_eq!(violations(&response), [property]);
    }
    market.get("/items").refused(429, "over_quota");
}

#[test]
fn an_endpoint_takes_the_http_methods_that_it_supports() {
    let market = Market::open(&json!({ "supportedHttpMethods": ["get", "post"] }));
    market.in_both(|send| {
        send(&market.request("GET", "/items")).admitted();
        let refused = send(&market.request("DELETE", "/items")).refused(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some("GET, POST"));
    });
    let methods = format!("{}/methods", market.endpoint());
    market.house.admin.make(&methods, &json!({ "name": "delete" }));
    market.request("DELETE", "/items").send().refused(405, "method_not_allowed");
    market.request("POST", "/items").send().admitted();
}

#[test]
fn a_plan_that_opens_no_method_says_whether_that_is_all_or_none() {
    let market = Market::open(&json!({}));
    market.get("/items").admitted();
    market.change(&market.opened(), &json!({ "undefinedMethodsAllowed": false }));
    market.get("/items").refused(403, "not_entitled");
    market.change(&market.opened(), &json!({ "undefinedMethodsAllowed": true }));
    market.get("/items").admitted();
}
