//! The catalogue of the native API.

use serde_json::json;

use super::House;

#[test]
fn an_api_stands_in_the_catalogue_with_what_opens_it() {
    let house = House::start();
    let package = house.admin.make("/packages", &json!({ "name": "gold" }));
    let plans = format!("/packages/{}/plans", package["id"].as_str().unwrap());
    let plan = json!({ "name": "paid", "services": [{ "id": "orders" }] });
    let plan = house.admin.make(&plans, &plan);
    let listed = house.admin.native("GET", "/catalogue").send();
    assert_eq!(listed.header("x-total-count"), Some("1"));
    let api = &listed.json()[0];
    assert_eq!(api["address"], "/api/catalogue/orders");
    assert_eq!(house.admin.look("/catalogue/orders"), *api);
    assert_eq!(
        (&api["authTypes"], &api["environment"]),
        (&json!(["api_key"]), &json!("production"))
    );
    assert_eq!(api["endpoints"][0]["id"], "all");
    assert_eq!(
        api["plans"],
        json!([
            {
                "package": { "id": "basic", "name": "basic" },
                "plan": { "id": "free", "name": "free" },
                "active": true,
            },
            {
                "package": { "id": package["id"], "name": "gold" },
                "plan": { "id": plan["id"], "name": "paid" },
                "active": true,
            },
        ])
    );
    let nothing = house.admin.native("GET", "/catalogue/none").send();
    assert_eq!(nothing.refusal(), (404, "not_found".to_owned()));
    assert_eq!(house.admin.look("/catalogue?offset=1"), json!([]));
}
