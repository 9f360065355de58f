//! Services, packages and plans.

use serde_json::{Value as Json, json};

use super::{House, violations};

/// A service with an endpoint and a method, and a package with a plan that opens the endpoint.
struct Shop {
    service: String,
    endpoint: String,
    method: String,
    package: String,
    plan: String,
}

fn id(json: &Json) -> String {
    json["id"].as_str().unwrap().to_owned()
}

impl Shop {
    fn open(house: &House) -> Self {
        let service = id(&house.admin.make("/services", &json!({ "name": "shop" })));
        let endpoints = format!("/services/{service}/endpoints");
        let endpoint = json!({
            "name": "items", "requestPathAlias": "/items", "requestAuthenticationType": "apiKey",
            "publicDomains": [{ "address": "api.example.com" }],
        });
        let endpoint = id(&house.admin.make(&endpoints, &endpoint));
        let methods = format!("{endpoints}/{endpoint}/methods");
        let method = id(&house.admin.make(&methods, &json!({ "name": "read" })));
        let package = id(&house.admin.make("/packages", &json!({ "name": "gold" })));
        let plans = format!("/packages/{package}/plans");
        let plan = id(&house.admin.make(&plans, &json!({ "name": "free" })));
        let opened = format!("{plans}/{plan}/services");
        house.admin.make(&opened, &json!({ "id": service }));
        house.admin.make(&format!("{opened}/{service}/endpoints"), &json!({ "id": endpoint }));
        Self { service, endpoint, method, package, plan }
    }

    fn plan(&self) -> String {
        format!("/packages/{}/plans/{}", self.package, self.plan)
    }

    fn opened(&self) -> String {
        format!("{}/services/{}/endpoints/{}", self.plan(), self.service, self.endpoint)
    }
}

#[test]
fn a_service_holds_endpoints_and_methods() {
    let house = House::start();
    let shop = Shop::open(&house);
    let service = format!("/services/{}", shop.service);
    let whole =
        house.admin.read(&format!("{service}?fields=name,endpoints.name,endpoints.methods.name"));
    let endpoints = json!([{ "name": "items", "methods": [{ "name": "read" }] }]);
    assert_eq!(whole, json!({ "name": "shop", "endpoints": endpoints }));
    let endpoint = format!("{service}/endpoints/{}", shop.endpoint);
    let read = house.admin.read(&endpoint);
    assert_eq!(read["publicDomains"], json!([{ "address": "api.example.com" }]));
    assert!(read["created"].is_string() && read.get("methods").is_none(), "{read}");
    let changed = house.admin.put(&endpoint, &json!({ "inboundSslRequired": true })).json();
    assert_eq!((&changed["name"], &changed["inboundSslRequired"]), (&json!("items"), &json!(true)));
    assert_eq!(house.admin.read(&format!("{endpoint}/methods"))[0]["name"], "read");
    let found = house.admin.read("/services?filter=endpoints.methods.name:read&fields=name");
    assert_eq!(found, json!([{ "name": "shop" }]));
    assert_eq!(house.admin.get(&format!("{service}/endpoints/none/methods")).status, 404);
    assert_eq!(house.admin.get("/services/none/endpoints").status, 404);
    let wrong = json!({ "requestAuthenticationType": "password", "highSecurity": "yes" });
    let response = house.admin.post(&format!("{service}/endpoints"), &wrong);
    assert_eq!(violations(&response), ["name", "requestAuthenticationType", "highSecurity"]);
}

#[test]
fn a_plan_is_never_without_a_limit_by_omission() {
    let house = House::start();
    let shop = Shop::open(&house);
    let plan = house.admin.read(&shop.plan());
    for (name, expected) in [
        ("status", json!("active")),
        ("qpsLimitCeiling", json!(2)),
        ("qpsLimitExempt", json!(false)),
        ("rateLimitCeiling", json!(5000)),
        ("rateLimitPeriod", json!("day")),
    ] {
        assert_eq!(plan[name], expected, "{name}");
    }
    let wrong = json!({
        "rateLimitPeriod": "year", "qpsLimitCeiling": -1, "rateLimitCeiling": 1.5, "status": "on",
        "keyLifespan": "30",
    });
    let response = house.admin.put(&shop.plan(), &wrong);
    let expected =
        ["status", "keyLifespan", "qpsLimitCeiling", "rateLimitCeiling", "rateLimitPeriod"];
    assert_eq!(violations(&response), expected);
    let package = format!("/packages/{}", shop.package);
    assert_eq!(violations(&house.admin.put(&package, &json!({ "keyLength": 8 }))), ["keyLength"]);
}

#[test]
fn a_plan_opens_only_what_is_there() {
    let house = House::start();
    let shop = Shop::open(&house);
    let none = json!({ "id": "none" });
    let services = format!("{}/services", shop.plan());
    assert_eq!(violations(&house.admin.post(&services, &none)), ["services.id"]);
    assert_eq!(violations(&house.admin.post(&services, &json!({}))), ["id"]);
    let methods = format!("{}/methods", shop.opened());
    assert_eq!(violations(&house.admin.post(&methods, &none)), ["methods.id"]);
    let again = house.admin.post(&services, &json!({ "id": shop.service }));
    assert_eq!(violations(&again), ["id"]);
    let limit =
        json!({ "id": shop.method, "qpsLimitCeiling": 1, "responseFilter": { "name": "f" } });
    assert_eq!(house.admin.make(&methods, &limit)["qpsLimitCeiling"], 1);
    let whole = house.admin.read(&format!("{}?fields=services.endpoints.methods.id", shop.plan()));
    let methods = json!([{ "id": shop.method }]);
    assert_eq!(whole, json!({ "services": [{ "endpoints": [{ "methods": methods }] }] }));
    // Services of the file can be opened too.
    house.admin.make(&services, &json!({ "id": "orders" }));
}

#[test]
fn what_others_refer_to_stays() {
    let house = House::start();
    let shop = Shop::open(&house);
    let service = format!("/services/{}", shop.service);
    let method = format!("{service}/endpoints/{}/methods/{}", shop.endpoint, shop.method);
    for opened in [&service, &format!("{service}/endpoints/{}", shop.endpoint)] {
        let response = house.admin.delete(opened);
        assert_eq!(response.status, 409, "{response:?}");
    }
    // No plan opens the method by itself.
    assert_eq!(house.admin.delete(&method).status, 200);
    assert_eq!(house.admin.delete(&shop.opened()).text(), r#"[""]"#);
    assert_eq!(house.admin.delete(&format!("{service}/endpoints/{}", shop.endpoint)).status, 200);
    assert_eq!(house.admin.delete(&format!("/packages/{}", shop.package)).status, 200);
    assert_eq!(house.admin.get(&shop.plan()).status, 404);
    assert_eq!(house.admin.delete(&service).status, 200);
}

#[test]
fn the_catalogue_of_a_file_can_be_read_and_not_changed() {
    let house = House::start();
    let plan = house.admin.read("/packages/basic/plans/free?fields=*,services");
    assert_eq!(
        (&plan["qpsLimitExempt"], &plan["services"][0]["id"]),
        (&json!(true), &json!("orders"))
    );
    let package = house.admin.read("/packages/basic?fields=name,plans.name");
    assert_eq!(package, json!({ "name": "basic", "plans": [{ "name": "free" }] }));
    let endpoint = house.admin.read("/services/orders/endpoints/all");
    assert_eq!(endpoint["requestPathAlias"], "/orders/**");
    assert_eq!(house.admin.read("/packages/basic/plans/free/services")[0]["name"], "orders");
    for response in [
        house.admin.put("/services/orders", &json!({ "description": "x" })),
        house.admin.post("/services/orders/endpoints", &json!({ "name": "x" })),
        house.admin.put("/packages/basic/plans/free", &json!({ "status": "inactive" })),
        house.admin.post("/packages/basic/plans", &json!({ "name": "x" })),
        house.admin.delete("/packages/basic/plans/free/services/orders"),
        house.admin.delete("/packages/basic"),
    ] {
        assert_eq!(response.status, 409, "{response:?}");
        let message = response.json()["errorMessage"].as_str().unwrap().to_owned();
        assert!(message.contains("tollgate.toml, line "), "{message}");
    }
}
