//! The native side of the admin API.

use serde_json::{Value as Json, json};

use super::House;
use crate::support::{Admin, Response};

/// Asks something below `/api`.
pub(super) fn ask(admin: &Admin, method: &str, target: &str, body: Option<&Json>) -> Response {
    match body {
        Some(body) => admin.ask(method, target, body),
        None => admin.native(method, target).send(),
    }
}

pub(super) fn make(admin: &Admin, target: &str, body: &Json) -> Json {
    let made = ask(admin, "POST", target, Some(body));
    assert_eq!(made.status, 200, "{made:?}");
    made.json()
}

pub(super) fn id(json: &Json) -> &str {
    json["id"].as_str().unwrap()
}

#[test]
fn organizations_have_groups_and_stay_while_something_is_theirs() {
    let house = House::start();
    let organization = make(&house.admin, "/organizations", &json!({ "name": "north" }));
    let target = format!("/organizations/{}", id(&organization));
    let groups = format!("{target}/groups");
    let group = make(&house.admin, &groups, &json!({ "name": "shops" }));
    let twin = ask(&house.admin, "POST", &groups, Some(&json!({ "name": "shops" })));
    assert_eq!(twin.refusal(), (400, "invalid".to_owned()));
    assert_eq!(twin.problem()["errors"][0]["property"], "name");
    let role = json!([{
        "name": "Group Admin", "organization": id(&organization), "group": id(&group),
    }]);
    let lee = house.member("lee", &role);
    assert_eq!(ask(&lee, "GET", &groups, None).json(), json!([group]));
    let other = ask(&lee, "POST", &groups, Some(&json!({ "name": "x" })));
    assert_eq!(other.refusal(), (403, "forbidden".to_owned()));
    let delete = |target: &str| ask(&house.admin, "DELETE", target, None);
    let one = format!("{groups}/{}", id(&group));
    assert_eq!(delete(&target).refusal(), (409, "conflict".to_owned()));
    // His role is bound to it.
    assert_eq!(delete(&one).refusal(), (409, "conflict".to_owned()));
    let member = house.admin.read("/members?filter=username:lee");
    assert_eq!(house.admin.delete(&format!("/members/{}", id(&member[0]))).status, 200);
    assert_eq!(delete(&one).status, 200);
    assert_eq!(delete(&target).status, 200);
    assert_eq!(ask(&house.admin, "GET", &target, None).refusal(), (404, "not_found".to_owned()));
}

#[test]
fn a_client_shows_its_secret_once_and_takes_its_logins_along() {
    let house = House::start();
    let made = make(&house.admin, "/clients", &json!({ "id": "portal" }));
    let secret = made["secret"].as_str().unwrap();
    let listed = ask(&house.admin, "GET", "/clients?filter=id:portal", None);
    assert!(listed.json()[0].get("secret").is_none(), "{listed:?}");
    house.member("kim", &json!([{ "name": "Contributor" }]));
    let mut portal = house.admin.clone();
    portal.client = ("portal".to_owned(), secret.to_owned());
    let kim = portal.as_member("kim", "correct+horse+battery");
    assert_eq!(kim.get("/members").status, 200);
    let denied = ask(&kim, "POST", "/clients", Some(&json!({ "id": "other" })));
    assert_eq!(denied.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(ask(&house.admin, "DELETE", "/clients/portal", None).status, 200);
    assert_eq!(kim.get("/members").status, 403);
    assert_eq!(portal.token("grant_type=password&username=kim&password=x").status, 401);
}

#[test]
fn a_token_that_lasts_is_its_members_until_it_ends() {
    let house = House::start();
    let kim = house.member("kim", &json!([{ "name": "Contributor", "group": "g1" }]));
    let made = make(&kim, "/tokens", &json!({ "name": "script", "expires": "2099-12-31" }));
    let mut script = kim.clone();
    script.tokens = json!({ "access_token": made["secret"] });
    assert_eq!(script.get("/members").status, 200);
    assert_eq!(ask(&kim, "GET", "/tokens", None).json()[0]["name"], "script");
    assert_eq!(ask(&house.admin, "GET", "/tokens", None).json(), json!([]));
    let past = json!({ "name": "x", "expires": "1999-12-31" });
    assert_eq!(ask(&kim, "POST", "/tokens", Some(&past)).refusal(), (400, "invalid".to_owned()));
    assert_eq!(ask(&kim, "DELETE", &format!("/tokens/{}", id(&made)), None).status, 200);
    assert_eq!(ask(&script, "GET", "/tokens", None).refusal(), (401, "bad_token".to_owned()));
    assert_eq!(kim.get("/members").status, 200);
}

/// Whether a text is like `2026-11-26T17:31:05Z`.
fn is_instant(text: &str) -> bool {
    let form = text.replace(|letter: char| letter.is_ascii_digit(), "0");
    form == "0000-00-00T00:00:00Z"
}

#[test]
fn instants_are_in_one_form_and_described_as_that() {
    let house = House::that_tells();
    let admin = &house.admin;
    let organization = make(admin, "/organizations", &json!({ "name": "north" }));
    let groups = format!("/organizations/{}/groups", id(&organization));
    let group = make(admin, &groups, &json!({ "name": "shops" }));
    let policy = json!({ "name": "strict", "expirationMonths": 12, "services": ["orders"] });
    let policy = make(admin, "/policies", &policy);
    let client = make(admin, "/clients", &json!({ "id": "portal" }));
    let token = make(admin, "/tokens", &json!({ "name": "ci", "expires": "2126-01-01" }));
    let ear = crate::support::Origin::start();
    let webhook = house.tell(&ear, &json!({}));
    let deliveries = format!("/webhooks/{}/deliveries", id(&webhook));
    let delivery = make(admin, &deliveries, &json!({}));
    let description = admin.look("/openapi.json");
    for (target, path, made) in [
        ("/organizations", "/organizations", &organization),
        (&*groups, "/organizations/{organization}/groups", &group),
        ("/policies", "/policies", &policy),
        ("/clients", "/clients", &client),
        ("/tokens", "/tokens", &token),
        ("/webhooks", "/webhooks", &webhook),
        (&*deliveries, "/webhooks/{webhook}/deliveries", &delivery),
    ] {
        let created = made["created"].as_str().unwrap();
        assert!(is_instant(created), "{made}");
        let one = admin.look(&format!("{target}/{}", id(made)));
        assert_eq!(one["created"], created);
        // What is shown can be asked for.
        let found = admin.look(&format!("{target}?filter=created:{created}&sort=created:desc"));
        let found = found.as_array().unwrap();
        assert!(found.iter().any(|each| each["id"] == made["id"]), "{found:?}");
        let answer = &description["paths"][format!("/api{path}/{{id}}")]["get"]["responses"]["200"];
        let schema = answer["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let schema = description.pointer(schema.strip_prefix('#').unwrap()).unwrap();
        for (name, property) in schema["properties"].as_object().unwrap() {
            let told = property["format"] == "date-time";
            let is = one[name].as_str().is_some_and(is_instant);
            assert!(told || !is, "{path}: {name} is an instant, {property}");
        }
        assert_eq!(schema["properties"]["created"]["format"], "date-time", "{path}");
    }
    // A date is all of its day.
    assert_eq!(token["expires"], "2126-01-02T00:00:00Z");
}
