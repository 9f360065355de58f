//! What clients in the field demand of the wire (domain.md §1.5), and what a listener owes.

use serde_json::json;

use super::{House, refused};
use crate::support::{Http1, Request};

#[test]
fn s3_25_instants_look_like_the_vendors() {
    let house = House::start();
    let made = house.admin.make("/members/jo/applications", &json!({ "name": "shop" }));
    for name in ["created", "updated"] {
        let instant = made[name].as_str().unwrap();
        let form: String =
            instant.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(form, "0000-00-00T00:00:00.000+0000", "{instant}");
    }
}

#[test]
fn head_is_a_get_without_a_body() {
    let house = House::start();
    let mut connection = Http1::connect(house.gate.admin());
    let head = house.admin.v3("HEAD", "/applications").over(&mut connection);
    assert_eq!((head.status, head.header("x-total-count")), (200, Some("1")));
    // What follows is not taken for a body.
    let get = house.admin.v3("GET", "/applications").over(&mut connection);
    assert_eq!((get.status, get.header("x-total-count")), (200, Some("1")));
}

#[test]
fn unknown_parameters_are_tolerated_and_unknown_things_are_not() {
    let house = House::start();
    assert_eq!(house.admin.get("/applications?method=get&x").status, 200);
    assert_eq!(refused(&house.admin.get("/applications/none")), (404, "ERR_404_NOT_FOUND"));
    assert_eq!(house.admin.get("/nothing").status, 404);
    let wrong = house.admin.delete("/applications");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, PUT")));
    assert!(wrong.header("x-request-id").is_some());
}

#[test]
fn s3_4_the_id_stands_in_the_path_or_in_the_body() {
    let house = House::start();
    let made = house.admin.make("/members/jo/applications", &json!({ "name": "shop" }));
    let id = &made["id"];
    let target = format!("/applications/{}", id.as_str().unwrap());
    let renamed = |name: &str| house.admin.read(&target)["name"] == name;
    assert_eq!(house.admin.put("/applications", &json!({ "id": id, "name": "a" })).status, 200);
    assert!(renamed("a"));
    assert_eq!(house.admin.put(&target, &json!({ "name": "b" })).status, 200);
    assert!(renamed("b"));
    assert_eq!(house.admin.put(&target, &json!({ "id": id, "name": "c" })).status, 200);
    assert!(renamed("c"));
    let missing = house.admin.put("/applications", &json!({ "name": "d" }));
    assert_eq!(super::violations(&missing), ["id"]);
    let other = house.admin.put(&target, &json!({ "id": "other", "name": "d" }));
    assert_eq!(super::violations(&other), ["id"]);
    assert!(renamed("c"));
}

#[test]
fn a_change_can_ask_that_nobody_else_has_changed_the_object() {
    let house = House::start();
    let made = house.admin.make("/members/jo/applications", &json!({ "name": "shop" }));
    let target = format!("/applications/{}", made["id"].as_str().unwrap());
    let tag = house.admin.get(&target).header("etag").unwrap().to_owned();
    let put = |tag: &str, name: &str| {
        let body = json!({ "name": name }).to_string();
        house.admin.v3("PUT", &target).header("If-Match", tag).body(&body).send()
    };
    let first = put(&tag, "a");
    assert_eq!(first.status, 200);
    assert_eq!(put(&tag, "b").status, 412);
    assert_eq!(put(first.header("etag").unwrap(), "c").status, 200);
    assert_eq!(put("*", "d").status, 200);
    assert_eq!(house.admin.v3("DELETE", &target).header("If-Match", &tag).send().status, 412);
    let now = house.admin.get(&target).header("etag").unwrap().to_owned();
    let again = house.admin.v3("GET", &target).header("If-None-Match", &now).send();
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[test]
fn a_body_has_an_end() {
    let house = House::start();
    let huge = json!({ "name": "x".repeat(2 << 20) });
    assert_eq!(house.admin.post("/members/jo/applications", &huge).status, 413);
    let login = "grant_type=password&password=".to_owned() + &"x".repeat(2 << 20);
    assert_eq!(house.admin.token(&login).status, 413);
}

#[test]
fn nothing_secret_is_logged() {
    let house = House::with(|config| config.section("log", "level = \"debug\""));
    let password = "canary-password-1";
    let body = json!({ "username": "kim", "email": "", "passwdNew": password });
    house.admin.make("/members", &body);
    house.admin.as_member("kim", password);
    house.admin.get("/applications?filter=externalId:canary-filter");
    Request::new(house.gate.admin(), "GET", "/v3/rest/members")
        .header("Authorization", "Bearer canary-token")
        .send();
    let token = house.admin.tokens["access_token"].as_str().unwrap();
    house.gate.wait_for_log("admin request");
    let log = house.gate.log();
    for secret in ["canary", token] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
