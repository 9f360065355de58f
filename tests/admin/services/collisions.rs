//! No call leads to two endpoints, of whichever source.

use serde_json::json;

use super::{HOST, Market, with};
use crate::support::Origin;

/// A section of a file that takes what the market's endpoint takes.
const SAME: &str = "\n[services.mine]\nhosts = [\"api.example.com\"]\npath = \"/items\"\n\
                    upstream = \"demo\"\n[services.mine.endpoints.all]\n";

#[test]
fn two_endpoints_of_the_store_never_take_the_same_calls() {
    let market = Market::open(&json!({}));
    let usual = json!({
        "name": "more", "requestPathAlias": "/items/", "publicDomains": [{ "address": HOST }],
        "upstream": "demo",
    });
    let endpoints = format!("{}/endpoints", market.service());
    let refused = market.house.admin.post(&endpoints, &usual);
    assert_eq!(refused.status, 409, "{refused:?}");
    let message = refused.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message.contains(&market.endpoint) && message.contains(&market.service), "{message}");
    let other = json!({ "name": "others", "endpoints": [usual] });
    let refused = market.house.admin.post("/services", &other);
    assert_eq!(refused.status, 409, "{refused:?}");
    // Of another host or a longer path they are apart, and of other HTTP methods too.
    for apart in [
        json!({ "publicDomains": [{ "address": "other.example.com" }] }),
        json!({ "requestPathAlias": "/items/special" }),
    ] {
        market.house.admin.make(&endpoints, &with(usual.clone(), &apart));
    }
    market.change(&market.endpoint(), &json!({ "supportedHttpMethods": ["GET"] }));
    let post = with(usual.clone(), &json!({ "supportedHttpMethods": ["POST"] }));
    market.house.admin.make(&endpoints, &post);
    market.get("/items").admitted();
    let by_query = format!("/items?api_key={}", market.value());
    market.bare("POST", &by_query).send().refused(403, "not_entitled");
    // Where keys stand in paths, all that is below is the endpoint's own.
    let keyed = json!({
        "requestPathAlias": "/", "apiKeyValueLocations": ["request-path"],
        "apiKeyValueLocationKey": "0",
    });
    assert_eq!(market.house.admin.post(&endpoints, &with(usual, &keyed)).status, 409);
}

#[test]
fn a_file_and_the_store_never_take_the_same_calls() {
    let market = Market::open(&json!({}));
    let gate = &market.house.gate;
    let file = std::fs::read_to_string(gate.config()).unwrap();
    gate.refuses(&format!("{file}{SAME}"));
    gate.wait_for_log("services.mine.endpoints.all at ");
    gate.wait_for_log(&format!("the endpoint {}/{}", market.service, market.endpoint));
    market.get("/items").admitted();
    market.change(&market.endpoint(), &json!({ "requestPathAlias": "/goods" }));
    gate.apply(&format!("{file}{SAME}"));
    let back = json!({ "requestPathAlias": "/items" });
    let refused = market.house.admin.put(&market.endpoint(), &back);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.text().contains("services.mine.endpoints.all at "), "{refused:?}");
    market.get("/goods").admitted();
    market.get("/items").refused(401, "key_missing");
}

#[test]
fn a_file_that_drops_the_upstream_of_a_service_is_refused_and_loses_nothing() {
    let other = Origin::start();
    let market = Market::open(&json!({}));
    let gate = &market.house.gate;
    let file = std::fs::read_to_string(gate.config()).unwrap();
    let spare = format!("{file}\n[upstreams.spare]\nurl = \"http://{}\"\n", other.address());
    gate.apply(&spare);
    market.change(&market.endpoint(), &json!({ "upstream": "spare" }));
    market.get("/items").admitted();
    assert_eq!(other.targets(), ["/v2"]);
    gate.refuses(&file);
    gate.wait_for_log(&format!(
        "upstream spare is gone, but endpoint {}/{} of the store needs it",
        market.service, market.endpoint
    ));
    market.get("/items").admitted();
    market.change(&market.endpoint(), &json!({ "upstream": "" }));
    gate.apply(&file);
    market.get("/items").admitted();
    assert_eq!(other.targets().len(), 2);
}
