//! Revisions: what each one changed, and undoing limits and plans.

use serde_json::{Value as Json, json};

use super::package_keys::Shop;
use crate::support::{Admin, Response, done};

fn id(json: &Json) -> &str {
    json["id"].as_str().unwrap()
}

/// The number of the newest revision.
fn newest(admin: &Admin) -> u64 {
    admin.look("/revisions?limit=1")[0]["number"].as_u64().unwrap()
}

fn roll_back(admin: &Admin, number: u64) -> Response {
    admin.native("POST", &format!("/revisions/{number}/rollback")).send()
}

fn would_roll_back(admin: &Admin, number: u64) -> Response {
    admin.native("POST", &format!("/revisions/{number}/rollback?dryRun=true")).send()
}

/// Why it was refused with 409.
fn conflict(response: &Response) -> String {
    assert_eq!(response.refusal(), (409, "conflict".to_owned()), "{response:?}");
    response.problem()["detail"].as_str().unwrap().to_owned()
}

impl Shop {
    fn plan(&self) -> String {
        format!("/packages/{}/plans/{}", self.package, self.plans[0])
    }

    fn change_plan(&self, change: &Json) -> u64 {
        done(&self.house.admin.put(&self.plan(), change));
        newest(&self.house.admin)
    }

    fn of_plan(&self, names: &[&str]) -> Json {
        let plan = self.house.admin.read(&self.plan());
        names.iter().map(|name| plan[*name].clone()).collect()
    }
}

#[test]
fn revisions_say_what_they_changed_the_newest_first() {
    let shop = Shop::that_sells();
    let admin = &shop.house.admin;
    let key = shop.make(&json!({ "status": "active" }));
    let before = newest(admin);
    let number = shop.change_plan(&json!({ "rateLimitCeiling": 7 }));
    assert_eq!(number, before + 1);
    let response = admin.native("GET", "/revisions?limit=2").send();
    let listed = response.json();
    assert_eq!(listed[0]["number"], number);
    assert_eq!(listed[1]["number"], before);
    assert_eq!(response.header("x-total-count").unwrap().parse::<u64>().unwrap(), number);
    assert_eq!(listed[0]["action"], "plan.update");
    assert_eq!(listed[0]["touched"], json!([{ "kind": "package", "id": shop.package }]));
    assert_eq!(listed[1]["touched"], json!([{ "kind": "key", "id": id(&key) }]));
    let details = admin.look(&format!("/revisions/{number}"));
    let properties = json!({ "rateLimitCeiling": { "from": 5000, "to": 7 } });
    let change = json!({ "kind": "plan", "id": shop.plans[0], "properties": properties });
    assert_eq!(details["changes"], json!([change]));
    assert_eq!(details["epoch"], listed[0]["epoch"]);
    let of_keys = admin.look("/revisions?kind=package_key");
    assert_eq!(of_keys.as_array().unwrap().len(), 1);
    let made = admin.look(&format!("/revisions/{before}")).to_string();
    for secret in ["apikey", "secret"] {
        assert!(!made.contains(key[secret].as_str().unwrap()), "{secret}");
    }
    for nothing in ["0", "999999", "x"] {
        let response = admin.native("GET", &format!("/revisions/{nothing}")).send();
        assert_eq!(response.refusal(), (404, "not_found".to_owned()), "{nothing}");
    }
}

#[test]
fn limits_of_a_plan_are_rolled_back_and_enforced() {
    let shop = Shop::that_sells();
    let admin = &shop.house.admin;
    let key = shop.make(&json!({ "status": "active" }));
    shop.call(&key).admitted();
    let number = shop.change_plan(&json!({ "rateLimitCeiling": 0, "description": "closed" }));
    shop.call(&key).refused(429, "over_quota");
    let names = ["rateLimitCeiling", "description"];
    let would = done(&would_roll_back(admin, number));
    assert_eq!(would["dryRun"], true);
    assert_eq!(shop.of_plan(&names), json!([0, "closed"]), "it was only asked");
    assert_eq!(newest(admin), number);
    let did = done(&roll_back(admin, number));
    assert_eq!(did["undone"], would["undone"]);
    assert_eq!(
        did["undone"][0]["properties"]["rateLimitCeiling"],
        json!({ "from": 0, "to": 5000 })
    );
    assert_eq!(did["left"], json!([]));
    assert_eq!(shop.of_plan(&names), json!([5000, null]));
    shop.call(&key).admitted();
    // It is a revision like any other, and can be undone like one.
    let rollback = newest(admin);
    assert_eq!(admin.look(&format!("/revisions/{rollback}"))["action"], "revision.rollback");
    assert!(conflict(&roll_back(admin, number)).contains("nothing of it"), "it is undone already");
    done(&roll_back(admin, rollback));
    assert_eq!(shop.of_plan(&names), json!([0, "closed"]));
    shop.call(&key).refused(429, "over_quota");
}

#[test]
fn what_has_changed_since_is_not_overwritten() {
    let shop = Shop::that_sells();
    let admin = &shop.house.admin;
    let number = shop.change_plan(&json!({ "rateLimitCeiling": 7, "keyLifespan": 3 }));
    let later = shop.change_plan(&json!({ "rateLimitCeiling": 8 }));
    for refused in [roll_back(admin, number), would_roll_back(admin, number)] {
        let said = conflict(&refused);
        assert!(said.contains("rateLimitCeiling") && said.contains('8'), "{said}");
    }
    assert_eq!(shop.of_plan(&["rateLimitCeiling", "keyLifespan"]), json!([8, 3]), "none of it");
    done(&roll_back(admin, later));
    done(&roll_back(admin, number));
    assert_eq!(shop.of_plan(&["rateLimitCeiling", "keyLifespan"]), json!([5000, null]));
}

#[test]
fn of_a_key_limits_are_rolled_back_and_its_state_never() {
    let shop = Shop::that_sells();
    let admin = &shop.house.admin;
    let key = shop.make(&json!({ "status": "active" }));
    let other = json!({ "id": shop.plans[1] });
    shop.change(&key, &json!({ "status": "disabled", "qpsLimitCeiling": 1, "plan": other }));
    let did = done(&roll_back(admin, newest(admin)));
    let undone = did["undone"][0]["properties"].as_object().unwrap();
    assert_eq!(undone.keys().collect::<Vec<_>>(), ["plan", "qpsLimitCeiling"]);
    assert_eq!(
        did["left"],
        json!([{ "kind": "package_key", "id": id(&key), "property": "status" }])
    );
    let now = admin.read(&shop.key(&key));
    assert_eq!(now["plan"]["id"], shop.plans[0].as_str());
    assert_eq!(now["status"], "disabled");
    assert_eq!(now.get("qpsLimitCeiling").unwrap_or(&Json::Null), &Json::Null);
    shop.call(&key).refused(401, "key_rejected");
    // A suspension by itself, a deletion and a creation.
    shop.change(&key, &json!({ "status": "active" }));
    shop.change(&key, &json!({ "status": "disabled" }));
    conflict(&roll_back(admin, newest(admin)));
    let made = shop.make(&json!({ "status": "active", "qpsLimitCeiling": 3 }));
    conflict(&roll_back(admin, newest(admin)));
    shop.change(&made, &json!({ "qpsLimitCeiling": 4 }));
    let limited = newest(admin);
    done(&admin.delete(&shop.key(&made)));
    conflict(&roll_back(admin, newest(admin)));
    assert!(conflict(&roll_back(admin, limited)).contains("is gone"));
    shop.call(&made).refused(401, "key_rejected");
}

#[test]
fn what_a_plan_opens_is_rolled_back_unless_it_is_gone() {
    let shop = Shop::that_sells();
    let admin = &shop.house.admin;
    let key = shop.make(&json!({ "status": "active" }));
    shop.call(&key).admitted();
    let opened = format!("{}/services/orders", shop.plan());
    done(&admin.delete(&opened));
    let closed = newest(admin);
    shop.call(&key).refused(403, "not_entitled");
    done(&roll_back(admin, closed));
    shop.call(&key).admitted();
    let service = admin.make("/services", &json!({ "name": "gone", "crossdomainPolicy": "" }));
    admin.make(&format!("{}/services", shop.plan()), &json!({ "id": id(&service) }));
    done(&admin.delete(&format!("{}/services/{}", shop.plan(), id(&service))));
    let number = newest(admin);
    done(&admin.delete(&format!("/services/{}", id(&service))));
    conflict(&roll_back(admin, number));
}

#[test]
fn only_who_may_roll_back_does() {
    let shop = Shop::that_sells();
    let number = shop.change_plan(&json!({ "rateLimitCeiling": 7 }));
    let lee = shop.house.member("lee", &json!([{ "name": "Organization Admin" }]));
    // Making lee was a revision of its own.
    assert_eq!(lee.look("/revisions?limit=1&offset=1")[0]["number"], number);
    for refused in [roll_back(&lee, number), would_roll_back(&lee, number)] {
        assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    }
    let max = shop.house.member("max", &json!([{ "name": "Contributor" }]));
    for target in ["/revisions", "/revisions/1", "/audit"] {
        assert_eq!(max.native("GET", target).send().refusal(), (403, "forbidden".to_owned()));
    }
    assert_eq!(shop.of_plan(&["rateLimitCeiling"]), json!([7]));
    let told = shop.house.admin.look("/audit?action=revision.rollback");
    assert_eq!(told[0]["outcome"], "forbidden");
    assert_eq!(told[0]["object"], number.to_string());
}
