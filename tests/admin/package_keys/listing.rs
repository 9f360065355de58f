//! Lists of keys, and who may see what of them.

use serde_json::{Value as Json, json};

use super::{Shop, id};
use crate::admin::{refused, violations};

fn apikeys(list: &Json) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(|key| key["apikey"].as_str()).collect()
}

#[test]
fn s3_20_keys_of_other_applications_are_never_listed() {
    let shop = Shop::open();
    let made = shop.make(&json!({ "apikey": "mine" }));
    let other = shop.house.admin.make("/members/jo/applications", &json!({ "name": "other" }));
    let keys = format!("/applications/{}/packageKeys", id(&other));
    shop.house.admin.make(&keys, &shop.body(&json!({ "apikey": "theirs" })));
    assert_eq!(apikeys(&shop.house.admin.read(&shop.keys())), ["mine"]);
    assert_eq!(apikeys(&shop.house.admin.read(&keys)), ["theirs"]);
    let foreign = format!("{keys}/{}", id(&made));
    for response in [
        shop.house.admin.get(&foreign),
        shop.house.admin.put(&foreign, &json!({ "status": "active" })),
        shop.house.admin.delete(&foreign),
        shop.house.admin.get("/applications/none/packageKeys"),
        shop.house.admin.get("/applications//packageKeys"),
    ] {
        assert_eq!(response.status, 404, "{response:?}");
    }
    assert_eq!(shop.house.admin.read(&shop.key(&made))["status"], "waiting");
}

#[test]
fn s3_15_a_key_shows_its_implicit_properties() {
    let shop = Shop::open();
    let made = shop.make(&json!({ "eav": { "a": 1 } }));
    let read = shop.house.admin.read(&shop.key(&made));
    let names: Vec<_> = read.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "apikey",
        "created",
        "id",
        "package",
        "plan",
        "qpsLimitCeiling",
        "qpsLimitExempt",
        "rateLimitCeiling",
        "rateLimitExempt",
        "secret",
        "status",
        "updated",
    ];
    assert_eq!(names, expected);
    let target = format!("{}?fields=*,%20application.name,%20member.username", shop.key(&made));
    let export = shop.house.admin.read(&target);
    assert_eq!(export["application"], json!({ "name": "shop" }));
    assert_eq!(export["member"], json!({ "username": "kim" }));
    assert_eq!(export["apikey"], made["apikey"]);
}

#[test]
fn s3_16_keys_are_found_by_their_value_and_not_by_their_secret() {
    let shop = Shop::open();
    for apikey in ["one", "two"] {
        shop.make(&json!({ "apikey": apikey, "secret": "same" }));
    }
    let found = |query: &str| {
        let list = shop.house.admin.read(&format!("/packageKeys?{query}"));
        apikeys(&list).join(" ")
    };
    assert_eq!(found("filter=apikey:two"), "two");
    assert_eq!(found("filter=apikey:tw"), "");
    assert_eq!(found("filter=apikey:two&filter=status:waiting"), "two");
    assert_eq!(found("filter=apikey:two,status:active"), "");
    assert_eq!(found("filter=apikey:two&filter=apikey:one"), "");
    assert_eq!(found(&format!("filter=plan.id:{}&sort=created", shop.plans[0])), "one two");
    assert_eq!(found("filter=application.name:shop&sort=created:desc"), "two one");
    let secret = shop.house.admin.get("/packageKeys?filter=secret:same");
    assert_eq!(violations(&secret), ["filter"]);
    for secret in ["apikey", "secret", "status,apikey:desc"] {
        let response = shop.house.admin.get(&format!("/packageKeys?sort={secret}"));
        assert_eq!(violations(&response), ["sort"], "{secret}");
    }
}

#[test]
fn s3_18_pages_go_from_keys_of_the_file_to_those_of_the_store() {
    let shop = Shop::open();
    let made: Vec<_> = (0..3).map(|_| id(&shop.make(&json!({})))).collect();
    let all: Vec<_> = std::iter::once("acme-1").chain(made.iter().map(String::as_str)).collect();
    for offset in 0..6 {
        for limit in 0..6 {
            let target = format!("/packageKeys?fields=id&offset={offset}&limit={limit}");
            let response = shop.house.admin.get(&target);
            let list = response.json();
            let ids = list.as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap());
            let expected = all.iter().copied().skip(offset).take(limit);
            assert_eq!(ids.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{target}");
            assert_eq!(response.header("x-total-count"), Some("4"));
        }
    }
}

#[test]
fn s3_19_search_looks_at_the_application_of_a_key() {
    let shop = Shop::open();
    shop.make(&json!({ "apikey": "mine" }));
    let found = |search: &str| {
        let list = shop.house.admin.read(&format!("/packageKeys?search={search}"));
        apikeys(&list).join(" ")
    };
    for search in ["name:sho", "description:things", "username:ki", "type:web,name:none"] {
        assert_eq!(found(search), "mine", "{search}");
    }
    assert_eq!(found("name:none"), "");
    assert_eq!(violations(&shop.house.admin.get("/packageKeys?search=apikey:min")), ["search"]);
}

#[test]
fn s4_26_values_of_keys_are_for_those_who_may_retrieve_them() {
    let shop = Shop::open();
    let made = shop.make(&json!({ "apikey": "mine" }));
    let bound = json!([{ "name": "Consumer", "organization": "o1" }]);
    let stranger = shop.house.member("stranger", &bound);
    // What belongs to nobody is everybody's to look at.
    assert_eq!(stranger.read(&shop.key(&made))["apikey"], "mine");
    let application = format!("/applications/{}", shop.application);
    let theirs = json!({ "organization": { "id": "o2" } });
    assert_eq!(shop.house.admin.put(&application, &theirs).status, 200);
    assert_eq!(refused(&stranger.get(&shop.key(&made))), (403, "ERR_403_NOT_AUTHORIZED"));
    assert_eq!(stranger.read("/packageKeys?filter=apikey:mine"), json!([]));
    let applications = stranger.read("/applications?filter=packageKeys.apikey:mine");
    assert_eq!(applications, json!([]));
}

#[test]
fn who_may_look_at_keys_and_not_retrieve_them_sees_no_value() {
    let origin = crate::support::Origin::start();
    let config = crate::support::Config::new(&origin);
    let config = config.section(
        "control",
        "address = \"127.0.0.1:0\"\npermissions.key_retrieve = \"group_admin\"",
    );
    let gate = crate::support::Tollgate::start(&config);
    let admin = crate::support::Admin::first(&gate);
    let body = json!({ "package": { "id": "basic" }, "plan": { "id": "free" }, "apikey": "mine" });
    let made = admin.make("/applications/acme/packageKeys", &body);
    let member = json!({
        "username": "kim", "email": "", "passwdNew": "correct horse battery",
        "roles": [{ "name": "Consumer" }],
    });
    admin.make("/members", &member);
    let kim = admin.as_member("kim", "correct+horse+battery");
    let target = format!("/packageKeys/{}", id(&made));
    let seen = kim.read(&target);
    assert_eq!(seen["status"], "waiting");
    assert!(seen.get("apikey").is_none() && seen.get("secret").is_none(), "{seen}");
    let seen = kim.read("/applications/acme?fields=packageKeys");
    assert!(!seen.to_string().contains("mine"), "{seen}");
    assert_eq!(admin.read(&target)["apikey"], "mine");
}
