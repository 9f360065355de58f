//! The list of key sets, and what it can be held to.

use serde_json::{Value as Json, json};

use super::{Sets, id};
use crate::support::{Admin, Config, done};

/// Another API, of the same plan.
fn two(config: Config) -> Config {
    config
        .section("services.items", "path = \"/items\"\nupstream = \"demo\"")
        .section("services.items.endpoints.all", "")
        .section("packages.basic.plans.free.services.items", "")
}

fn found(by: &Admin, query: &str) -> Vec<String> {
    let listed = by.look(&format!("/key-sets?{query}"));
    listed.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn s4_1_key_sets_are_listed_and_filtered_by_all_that_is_known_of_them() {
    let sets = Sets::with(two);
    sets.policy(&json!({ "rotationMonths": 1, "expirationMonths": 2, "manualRegeneration": true }));
    let (active, _) = sets.active();
    let other = sets.admin().make("/members/jo/applications", &json!({ "name": "Other_%" }));
    let pending = done(&sets.try_subscribe(&id(&other), "items"))[0].clone();
    let pending = id(&pending["keySet"]);
    let both = [active.clone(), pending.clone()];
    let find = |query: &str| found(sets.admin(), query);
    assert_eq!(find(""), both);
    let planned = sets.look(&active)["expiration"].as_str().unwrap().to_owned();
    let day = planned[..10].to_owned();
    for (query, expected) in [
        ("status=active".to_owned(), &both[..1]),
        ("status=pending".to_owned(), &both[1..]),
        ("status=pending&status=active".to_owned(), &both[..]),
        ("status=revoked".to_owned(), &[]),
        ("authType=api_key".to_owned(), &both[..]),
        ("authType=other".to_owned(), &[]),
        ("api=orders".to_owned(), &both[..1]),
        ("api=items".to_owned(), &both[1..]),
        ("environment=production".to_owned(), &both[..]),
        ("environment=sandbox".to_owned(), &[]),
        (format!("application={}", sets.application), &both[..1]),
        ("search=oTHer_%25".to_owned(), &both[1..]),
        ("search=jo".to_owned(), &both[..]),
        ("search=nothing".to_owned(), &[]),
        (format!("expirationFrom={day}&expirationTo={day}"), &both[..1]),
        (format!("expirationFrom={planned}&expirationTo={planned}"), &both[..1]),
        ("expirationTo=2020-01-01".to_owned(), &[]),
        ("rotationFrom=2020-01-01".to_owned(), &both[..1]),
        ("provisionedFrom=2020-01-01".to_owned(), &both[..1]),
        ("provisionedTo=2020-01-01".to_owned(), &[]),
        ("revokedFrom=2020-01-01".to_owned(), &[]),
        ("createdFrom=2020-01-01".to_owned(), &both[..]),
        ("createdTo=2020-01-01".to_owned(), &[]),
        ("status=active&api=items".to_owned(), &[]),
    ] {
        assert_eq!(find(&query), expected, "{query}");
    }
    sets.does(&active, "revoke", &json!({ "confirm": true }));
    assert_eq!(find("revokedFrom=2020-01-01"), [active.as_str()]);
    let page = sets.admin().native("GET", "/key-sets?limit=1&offset=1").send();
    assert_eq!(page.header("x-total-count"), Some("2"));
    assert_eq!(id(&page.json()[0]), pending);
}

#[test]
fn s4_2_the_list_is_filtered_by_organization_and_group() {
    let sets = Sets::open();
    let of = |name: &str, realm: &Json| {
        let mut application = realm.clone();
        application["name"] = json!(name);
        let made = sets.admin().make("/members/jo/applications", &application);
        id(&done(&sets.try_subscribe(&id(&made), "orders"))[0]["keySet"])
    };
    let north = json!({ "organization": { "id": "north" } });
    let shops = json!({ "organization": { "id": "north" }, "group": { "id": "shops" } });
    let [north, shops, nobody] = [of("a", &north), of("b", &shops), of("c", &json!({}))];
    let find = |query: &str| found(sets.admin(), query);
    assert_eq!(find("organization=north"), [north.as_str(), shops.as_str()]);
    assert_eq!(find("group=shops"), [shops.as_str()]);
    assert_eq!(find("organization=south"), [""; 0]);
    // Whoever is somebody in a group sees what is the group's, and what is nobody's.
    let role = json!([{ "name": "Consumer", "organization": "north", "group": "shops" }]);
    let kim = sets.house.member("kim", &role);
    assert_eq!(found(&kim, ""), [shops.as_str(), nobody.as_str()]);
    assert_eq!(found(&kim, "organization=north"), [shops.as_str()]);
}

#[test]
fn a_key_set_follows_its_application_to_another_name_and_group() {
    let sets = Sets::open();
    let set = id(&sets.subscribe()["keySet"]);
    let change = json!({ "name": "Market", "organization": { "id": "north" } });
    done(&sets.admin().put(&format!("/applications/{}", sets.application), &change));
    assert_eq!(found(sets.admin(), "search=market"), [set.as_str()]);
    assert_eq!(found(sets.admin(), "organization=north"), [set.as_str()]);
    let role = json!([{ "name": "Consumer", "organization": "south" }]);
    assert_eq!(found(&sets.house.member("kim", &role), ""), [""; 0]);
}

#[test]
fn a_key_set_takes_another_name_and_another_policy() {
    let sets = Sets::open();
    let (set, _) = sets.active();
    let target = format!("/key-sets/{set}");
    let put = |body: &Json| sets.admin().ask("PUT", &target, body);
    let renamed = done(&put(&json!({ "name": "checkout" })));
    assert_eq!(renamed["name"], "checkout");
    assert_eq!(found(sets.admin(), "search=CHECK"), [set.as_str()]);
    let policy = json!({ "expirationMonths": 3, "manualRegeneration": true });
    let changed = done(&put(&json!({ "policy": policy })));
    assert_eq!(changed["policy"]["expirationMonths"], 3);
    assert!(changed.get("expiration").is_none(), "what is planned does not move: {changed}");
    let next = sets.does(&set, "regenerate", &json!({}));
    assert!(next["expiration"].is_string(), "the next key follows it: {next}");
    let template = sets.policy(&json!({ "rotationMonths": 6 }));
    let changed = done(&put(&json!({ "policy": { "template": template } })));
    assert_eq!(changed["policy"]["template"], template.as_str());
    for (body, property) in [
        (json!({ "name": "" }), "name"),
        (json!({ "policy": { "template": "none" } }), "policy.template"),
        (json!({ "policy": { "template": template, "rotationMonths": 1 } }), "policy.template"),
        (json!({ "policy": { "rotationMonths": 0 } }), "policy.rotationMonths"),
        (json!({ "policy": { "expirationMonths": -1 } }), "policy.expirationMonths"),
    ] {
        assert_eq!(crate::admin::violations(&put(&body)), [property], "{body}");
    }
    sets.does(&set, "revoke", &json!({ "confirm": true }));
    super::conflict(&put(&json!({ "name": "late" })));
}
