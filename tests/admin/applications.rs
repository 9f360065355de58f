//! Applications.

use serde_json::json;

use super::{House, refused, violations};

#[test]
fn s0_3_an_application_needs_a_name_and_an_owner_that_exists() {
    let house = House::start();
    let nobody = house.admin.post("/members/nobody/applications", &json!({ "name": "shop" }));
    assert_eq!(refused(&nobody).0, 404);
    for nameless in [json!({}), json!({ "name": null }), json!({ "name": "" })] {
        let response = house.admin.post("/members/jo/applications", &nameless);
        assert_eq!(violations(&response), ["name"], "{nameless}");
    }
    let other = json!({ "name": "shop", "username": "admin" });
    let response = house.admin.post("/members/jo/applications", &other);
    assert_eq!(violations(&response), ["username"]);
    // There is no other way.
    assert_eq!(house.admin.post("/applications", &json!({ "name": "shop" })).status, 405);
    let made = house.admin.make("/members/jo/applications", &json!({ "name": "shop" }));
    assert_eq!((&made["name"], &made["username"]), (&json!("shop"), &json!("jo")));
    let id = made["id"].as_str().unwrap();
    assert_eq!(house.admin.read(&format!("/applications/{id}")), made);
    assert_eq!(house.admin.read(&format!("/members/jo/applications/{id}")), made);
    assert_eq!(house.admin.read("/members/jo/applications").as_array().unwrap().len(), 2);
}

#[test]
fn s0_3_a_lookup_by_a_part_of_the_name_lists_users() {
    let house = House::start();
    for name in ["kim", "kimberly", "joachim", "lee"] {
        house.admin.make("/members", &json!({ "username": name, "email": "" }));
    }
    let found = |text: &str| {
        let target = format!("/members?search=username:{text}&fields=username&sort=username");
        let found = house.admin.read(&target);
        let names = found.as_array().unwrap().iter();
        names.map(|each| each["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("kim"), ["kim", "kimberly"]);
    assert_eq!(found("JO"), ["jo", "joachim"]);
    assert_eq!(found("im"), ["joachim", "kim", "kimberly"].map(str::to_owned));
    assert!(found("nobody").is_empty());
}

#[test]
fn what_a_client_writes_of_an_application_it_reads_again() {
    let house = House::start();
    let body = json!({
        "name": "shop", "description": "sells", "type": "web", "commercial": true, "ads": false,
        "adsSystem": "none", "usageModel": "b2b", "tags": "a,b", "notes": "n", "externalId": "7",
        "howDidYouHear": "friend", "preferredProtocol": "REST", "preferredOutput": "JSON",
        "uri": "https://example.com", "oauthRedirectUri": "https://example.com/back",
        "isPackaged": true, "costCentre": "4711",
    });
    let made = house.admin.make("/members/jo/applications", &body);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    let target = format!("/applications/{}", made["id"].as_str().unwrap());
    assert_eq!(house.admin.read("/applications?filter=costCentre:4711")[0], made);
    let changed = house.admin.put(&target, &json!({ "costCentre": "4712" }));
    assert_eq!(changed.json()["costCentre"], "4712");
    assert_eq!(changed.json()["description"], "sells");
    assert_eq!(house.admin.delete(&target).text(), r#"[""]"#);
    assert_eq!(house.admin.get(&target).status, 404);
}

#[test]
fn a_member_with_applications_stays() {
    let house = House::start();
    let kim = house.admin.make("/members", &json!({ "username": "kim", "email": "" }));
    let target = format!("/members/{}", kim["id"].as_str().unwrap());
    let made = house.admin.make(&format!("{target}/applications"), &json!({ "name": "shop" }));
    assert_eq!(refused(&house.admin.delete(&target)).0, 409);
    let shown = house.admin.read(&format!("{target}?fields=username,applications.name"));
    assert_eq!(shown, json!({ "username": "kim", "applications": [{ "name": "shop" }] }));
    house.admin.delete(&format!("/applications/{}", made["id"].as_str().unwrap()));
    assert_eq!(house.admin.delete(&target).status, 200);
}
