//! Services that are made over the v3 API, called through the data listener.

mod authentication;
mod collisions;
mod limits;
mod preview;
mod refused;
mod running;
mod switches;

use serde_json::{Value as Json, json};

use super::House;
use crate::support::{Connection, Http1, Http2, Request, Response, done};

/// The host of every service here.
const HOST: &str = "api.example.com";

/// A service with one endpoint, made as a client of the vendor's API makes it, and a key whose plan
/// opens the endpoint.
struct Market {
    house: House,
    service: String,
    endpoint: String,
    package: String,
    plan: String,
    application: String,
    key: Json,
}

fn id(json: &Json) -> String {
    json["id"].as_str().unwrap().to_owned()
}

/// `json` with what `more` has.
fn with(mut json: Json, more: &Json) -> Json {
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json
}

impl Market {
    fn open(endpoint: &Json) -> Self {
        Self::of(House::start(), endpoint)
    }

    /// In a house, with more of the endpoint.
    fn of(house: House, endpoint: &Json) -> Self {
        let admin = &house.admin;
        let service = id(&admin.make("/services", &json!({ "name": "wares" })));
        let domain = json!([{ "address": house.origin.address().to_string() }]);
        let usual = json!({
            "name": "items", "requestPathAlias": "/items",
            "publicDomains": [{ "address": HOST }], "systemDomains": domain,
            "outboundRequestTargetPath": "/v2", "requestAuthenticationType": "apiKey",
            "apiKeyValueLocations": ["request-header", "request-parameters"],
            "apiKeyValueLocationKey": "api_key",
        });
        let endpoints = format!("/services/{service}/endpoints");
        let endpoint = id(&admin.make(&endpoints, &with(usual, endpoint)));
        let package = id(&admin.make("/packages", &json!({ "name": "gold" })));
        let exempt = json!({ "name": "free", "qpsLimitExempt": true, "rateLimitExempt": true });
        let plan = id(&admin.make(&format!("/packages/{package}/plans"), &exempt));
        let member = id(&admin.make("/members", &json!({ "username": "kim", "email": "" })));
        let application = json!({ "name": "shop" });
        let applications = format!("/members/{member}/applications");
        let application = id(&admin.make(&applications, &application));
        let mut market =
            Self { house, service, endpoint, package, plan, application, key: Json::Null };
        market.open_endpoint(&market.endpoint.clone());
        market.key = market.make_key(&json!({}));
        market
    }

    /// Has the plan open an endpoint.
    fn open_endpoint(&self, endpoint: &str) {
        let services = format!("{}/services", self.plan());
        if self.house.admin.get(&format!("{services}/{}", self.service)).status == 404 {
            self.house.admin.make(&services, &json!({ "id": self.service }));
        }
        let endpoints = format!("{services}/{}/endpoints", self.service);
        self.house.admin.make(&endpoints, &json!({ "id": endpoint }));
    }

    fn make_key(&self, more: &Json) -> Json {
        let body = json!({
            "package": { "id": self.package }, "plan": { "id": self.plan }, "status": "active",
        });
        let keys = format!("/applications/{}/packageKeys", self.application);
        self.house.admin.make(&keys, &with(body, more))
    }

    fn service(&self) -> String {
        format!("/services/{}", self.service)
    }

    fn endpoint(&self) -> String {
        format!("{}/endpoints/{}", self.service(), self.endpoint)
    }

    fn plan(&self) -> String {
        format!("/packages/{}/plans/{}", self.package, self.plan)
    }

    fn opened(&self) -> String {
        format!("{}/services/{}/endpoints/{}", self.plan(), self.service, self.endpoint)
    }

    /// Makes another endpoint beside the first, like it but for `more`.
    fn make_endpoint(&self, more: &Json) -> String {
        let mut usual = self.house.admin.read(&self.endpoint());
        for own in ["id", "created", "updated", "routed"] {
            usual.as_object_mut().unwrap().remove(own);
        }
        let endpoints = format!("{}/endpoints", self.service());
        id(&self.house.admin.make(&endpoints, &with(usual, more)))
    }

    fn change(&self, target: &str, change: &Json) -> Json {
        done(&self.house.admin.put(target, change))
    }

    fn value(&self) -> &str {
        self.key["apikey"].as_str().unwrap()
    }

    /// A request without a key.
    fn bare(&self, method: &str, target: &str) -> Request {
        self.house.gate.request(method, target).host(HOST)
    }

    fn request(&self, method: &str, target: &str) -> Request {
        self.bare(method, target).header("api_key", self.value())
    }

    fn get(&self, target: &str) -> Response {
        self.request("GET", target).send()
    }

    /// Sends requests in each version of HTTP.
    fn in_both(&self, check: impl Fn(&mut dyn FnMut(&Request) -> Response)) {
        let data = self.house.gate.data();
        let (mut one, mut two) = (Http1::connect(data), Http2::connect(data));
        check(&mut |request| one.send(request));
        check(&mut |request| two.send(request));
    }
}

#[test]
fn a_service_made_over_the_api_is_called_through_the_gate() {
    let market = Market::open(&json!({}));
    assert_eq!(market.house.admin.read(&market.endpoint())["routed"], true);
    market.in_both(|send| {
        let admitted = send(&market.request("GET", "/items/7?a=1")).admitted();
        assert_eq!(admitted.header("x-ratelimit-limit"), None);
        let by_query = format!("/items?api_key={}", market.value());
        send(&market.bare("POST", &by_query)).admitted();
        send(&market.bare("GET", "/items")).refused(401, "key_missing");
        send(&market.bare("GET", "/items").header("api_key", "guess")).refused(401, "key_rejected");
        send(&market.request("GET", "/others")).refused(404, "route_not_found");
        send(&market.request("GET", "/itemsets")).refused(404, "route_not_found");
        let elsewhere = market.request("GET", "/items").host("www.example.com");
        send(&elsewhere).refused(404, "route_not_found");
    });
    assert_eq!(market.house.origin.targets(), ["/v2/7?a=1", "/v2", "/v2/7?a=1", "/v2"]);
    for seen in market.house.origin.requests() {
        assert!(!format!("{seen:?}").contains(market.value()), "{seen:?}");
        assert_eq!(seen.header("x-tollgate-plan"), Some(&*market.plan), "{seen:?}");
    }
    // All parts of a service are counted as one.
    let answered = |status| {
        let labels = [("service", &*market.service), ("status", status)];
        market.house.gate.metrics().sum("tollgate_requests_total", &labels)
    };
    assert_eq!((answered("2xx"), answered("4xx")), (4.0, 4.0));
}

#[test]
fn a_service_that_moves_is_where_it_went_and_what_was_spent_stays_spent() {
    let market = Market::open(&json!({}));
    market.change(&market.plan(), &json!({ "rateLimitExempt": false, "rateLimitCeiling": 3 }));
    (0..2).for_each(|_| drop(market.get("/items").admitted()));
    let moved = json!({
        "requestPathAlias": "/goods", "outboundRequestTargetPath": "",
        "publicDomains": [{ "address": "*.example.com" }],
    });
    market.change(&market.endpoint(), &moved);
    market.get("/items").refused(404, "route_not_found");
    market.request("GET", "/goods/7").host("shop.example.com").send().admitted();
    assert_eq!(market.house.origin.targets().last().unwrap(), "/7");
    market.get("/goods").refused(429, "over_quota");
}

#[test]
fn a_service_goes_once_no_plan_opens_it() {
    let market = Market::open(&json!({}));
    market.get("/items").admitted();
    for opened in [market.service(), market.endpoint()] {
        assert_eq!(market.house.admin.delete(&opened).status, 409);
    }
    market.get("/items").admitted();
    done(&market.house.admin.delete(&market.opened()));
    // What is left when the last endpoint is taken away is nothing, not everything.
    market.get("/items").refused(403, "not_entitled");
    let opened = format!("{}/services/{}", market.plan(), market.service);
    done(&market.house.admin.delete(&opened));
    market.get("/items").refused(403, "not_entitled");
    done(&market.house.admin.delete(&market.service()));
    market.get("/items").refused(404, "route_not_found");
}

#[test]
fn services_of_the_store_are_there_after_a_restart() {
    let market = Market::open(&json!({}));
    let request = |gate: &crate::support::Tollgate| {
        gate.get("/items").host(HOST).header("api_key", market.key["apikey"].as_str().unwrap())
    };
    request(&market.house.gate).send().admitted();
    let gate = market.house.gate.restart();
    let value = market.key["apikey"].as_str().unwrap();
    gate.get("/items").host(HOST).header("api_key", value).send().admitted();
}
