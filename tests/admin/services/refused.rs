//! What cannot be carried out is refused, or kept and closed.

use serde_json::{Value as Json, json};

use super::{Market, id};
use crate::admin::violations;
use crate::support::{Origin, Response};

/// The properties that a validation response names, each once.
fn named(response: &Response) -> Vec<String> {
    let mut named = violations(response);
    named.dedup();
    named
}

#[test]
fn what_cannot_be_carried_out_is_refused_by_its_name() {
    let market = Market::open(&json!({}));
    for (property, value) in [
        ("requestAuthenticationType", json!("oauth")),
        ("requestAuthenticationType", json!("custom")),
        ("apiKeyValueLocations", json!(["custom"])),
        ("apiKeyValueLocations", json!(["request-path", "request-header"])),
        ("apiKeyValueLocations", json!([1])),
        ("apiKeyValueLocationKey", json!("host")),
        ("apiKeyValueLocationKey", json!("a b")),
        ("strictSecurity", json!(true)),
        ("highSecurity", json!(true)),
        ("customRequestAuthenticationAdapter", json!("my-adapter")),
        ("processor", json!({ "adapter": "x", "preProcessEnabled": true })),
        ("outboundTransportProtocol", json!("https")),
        ("publicDomains", json!([{ "address": "http://api.example.com" }])),
        ("publicDomains", json!(["api.example.com"])),
        ("requestPathAlias", json!("/items/{id}")),
        ("requestPathAlias", json!("/items/../secret")),
        ("outboundRequestTargetPath", json!("/v2?x=1")),
        ("headersToExcludeFromIncomingCall", json!(["Host"])),
        ("supportedHttpMethods", json!(["GET POST"])),
        ("scheduledMaintenanceEvent", json!({ "endDateTime": "soon" })),
        ("upstream", json!("nowhere")),
        ("returnedHeaders", json!(["server"])),
        ("authTypes", json!(["api_key_and_secret"])),
        ("authTypes", json!(["password"])),
    ] {
        let change = json!({ property: value });
        let response = market.house.admin.put(&market.endpoint(), &change);
        assert_eq!(named(&response), [property], "{change}");
        // As a part of its service, likewise.
        let mut whole = market.house.admin.read(&format!("{}?fields=endpoints", market.service()));
        whole["endpoints"][0][property] = value;
        let response = market.house.admin.put(&market.service(), &whole);
        assert_eq!(named(&response), [property], "{change}");
    }
    let both = json!({
        "requestAuthenticationType": "apiKeyAndSecret_SHA256", "allowMissingApiKey": true,
    });
    let response = market.house.admin.put(&market.endpoint(), &both);
    assert_eq!(violations(&response), ["allowMissingApiKey"]);
    let within = json!({ "apiKeyValueLocations": ["request-path"], "apiKeyValueLocationKey": "0" });
    let response = market.house.admin.put(&market.endpoint(), &within);
    assert_eq!(violations(&response), ["apiKeyValueLocationKey"]);
    let sig = json!({
        "requestAuthenticationType": "apiKeyAndSecret_MD5",
        "apiKeyValueLocations": ["request-parameters"], "apiKeyValueLocationKey": "sig",
    });
    let response = market.house.admin.put(&market.endpoint(), &sig);
    assert_eq!(violations(&response), ["apiKeyValueLocationKey"]);
    // Of two with one id one would be called as the other says.
    let mut whole = market.house.admin.read(&format!("{}?fields=endpoints", market.service()));
    let mut twin = whole["endpoints"][0].clone();
    twin["requestPathAlias"] = json!("/twin");
    whole["endpoints"].as_array_mut().unwrap().push(twin);
    let response = market.house.admin.put(&market.service(), &whole);
    assert_eq!(violations(&response), ["endpoints.id"]);
    whole["endpoints"][1]["id"] = json!("a/b");
    let response = market.house.admin.put(&market.service(), &whole);
    assert_eq!(violations(&response), ["endpoints.id"]);
    let methods = format!("{}/methods", market.endpoint());
    market.house.admin.make(&methods, &json!({ "name": "read", "httpMethods": ["GET"] }));
    let again = json!({ "name": "look", "httpMethods": ["GET"] });
    assert_eq!(violations(&market.house.admin.post(&methods, &again)), ["httpMethods"]);
    let method = id(&market.house.admin.read(&methods)[0]);
    let filter = json!({ "id": method, "responseFilter": { "jsonFilterFields": "/price" } });
    let opened = format!("{}/methods", market.opened());
    assert_eq!(violations(&market.house.admin.post(&opened, &filter)), ["responseFilter"]);
    market.get("/items").admitted();
}

#[test]
fn what_is_for_the_portal_is_kept_and_returned() {
    let more = json!({
        "dropApiKeyFromIncomingCall": false,
        "connectionTimeoutForSystemDomainRequest": 30, "numberOfHttpRedirectsToFollow": 2,
        "processor": { "adapter": "", "preProcessEnabled": false },
    });
    let market = Market::open(&more);
    let read = market.house.admin.read(&market.endpoint());
    for (name, value) in more.as_object().unwrap() {
        assert_eq!(read[name], *value, "{name}");
    }
    market.get("/items").admitted();
}

fn routed(market: &Market) -> (Json, String) {
    let read = market.house.admin.read(&market.endpoint());
    let whole = market.house.admin.read(&format!("{}?fields=endpoints", market.service()));
    assert_eq!(whole["endpoints"][0]["routed"], read["routed"]);
    (read["routed"].clone(), read["notRoutedBecause"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn an_endpoint_that_leads_nowhere_is_kept_and_closed_and_says_why() {
    let origin = Origin::start();
    let domain = json!([{ "address": origin.address().to_string() }]);
    let market = Market::open(&json!({ "systemDomains": domain }));
    let address = origin.address().to_string();
    let reason = format!("systemDomains: no upstream of the file has the address {address:?}");
    assert_eq!(routed(&market), (json!(false), reason.clone()));
    market.get("/items").refused(404, "route_not_found");
    market.house.gate.wait_for_log(&address);
    let gate = &market.house.gate;
    let file = std::fs::read_to_string(gate.config()).unwrap();
    let found = format!("{file}\n[upstreams.found]\nurl = \"http://{address}\"\n");
    gate.apply(&found);
    assert_eq!(routed(&market).0, true);
    market.get("/items").admitted();
    assert_eq!(origin.targets(), ["/v2"]);
    // Two of them are one too many, and a file that makes it so is refused.
    gate.refuses(&format!("{found}\n[upstreams.again]\nurl = \"http://{address}\"\n"));
    gate.wait_for_log("upstream 127.0.0.1");
    market.get("/items").admitted();
    gate.refuses(&file);
    market.get("/items").admitted();
    for (change, missing) in [
        (json!({ "systemDomains": [] }), "systemDomains"),
        (json!({ "publicDomains": [] }), "publicDomains"),
        (json!({ "requestPathAlias": "" }), "requestPathAlias"),
    ] {
        market.change(&market.endpoint(), &change);
        let (is, why) = routed(&market);
        assert_eq!(is, false);
        assert!(why.contains(missing), "{why}");
        market.get("/items").refused(404, "route_not_found");
    }
}
