//! What the admin API answered is what the very next request meets.

use serde_json::{Value as Json, json};

use super::House;
use super::package_keys::Shop;
use crate::support::{Config, Http1, Http2, Origin, Response, done};

impl Shop {
    /// With a first plan that opens the service of the file, and a second one that opens nothing.
    pub(super) fn that_sells() -> Self {
        Self::sells(Self::open())
    }

    /// The same, with an access log.
    pub(super) fn that_sells_and_logs() -> Self {
        let log = |config: Config| config.section("access_log", "path = \"access.log\"");
        Self::sells(Self::in_house(House::with(log), &json!({ "name": "gold" })))
    }

    /// The same, with keys that are shown once.
    pub(super) fn that_sells_once() -> Self {
        let once = |config: Config| {
            config.section("control", "address = \"127.0.0.1:0\"\nkey_retrieval = \"once\"")
        };
        Self::sells(Self::in_house(House::with(once), &json!({ "name": "gold" })))
    }

    pub(super) fn sells(shop: Self) -> Self {
        let plan = format!("/packages/{}/plans/{}", shop.package, shop.plans[0]);
        done(&shop.house.admin.put(&plan, &json!({ "qpsLimitExempt": true })));
        shop.house.admin.make(&format!("{plan}/services"), &json!({ "id": "orders" }));
        shop
    }

    pub(super) fn change(&self, key: &Json, change: &Json) {
        done(&self.house.admin.put(&self.key(key), change));
    }

    pub(super) fn call(&self, key: &Json) -> Response {
        self.house.gate.get("/orders").key(key["apikey"].as_str().unwrap()).send()
    }
}

#[test]
fn a_key_works_from_its_activation_to_its_end_and_not_a_request_longer() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "waiting" }));
    shop.call(&key).refused(401, "key_rejected");
    shop.change(&key, &json!({ "status": "active" }));
    shop.call(&key).admitted();
    shop.change(&key, &json!({ "status": "disabled" }));
    shop.call(&key).refused(401, "key_rejected");
    shop.change(&key, &json!({ "status": "active" }));
    shop.call(&key).admitted();
    done(&shop.house.admin.delete(&shop.key(&key)));
    shop.call(&key).refused(401, "key_rejected");
}

#[test]
fn a_disabled_key_ends_on_connections_that_are_warm() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    let request = shop.house.gate.get("/orders").key(key["apikey"].as_str().unwrap());
    let mut warm: Vec<_> = (0..8).map(|_| Http1::connect(shop.house.gate.data())).collect();
    let warm2: Vec<_> = (0..4).map(|_| Http2::connect(shop.house.gate.data())).collect();
    let mut everywhere = |check: fn(Response)| {
        warm.iter_mut().for_each(|connection| check(request.over(connection)));
        warm2.iter().for_each(|connection| check(connection.start(&request).read().unwrap()));
    };
    for _ in 0..5 {
        everywhere(|response| drop(response.admitted()));
        shop.change(&key, &json!({ "status": "disabled" }));
        everywhere(|response| drop(response.refused(401, "key_rejected")));
        shop.change(&key, &json!({ "status": "active" }));
    }
}

#[test]
fn a_key_that_moves_to_another_plan_has_what_that_one_opens() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    shop.call(&key).admitted();
    shop.change(&key, &json!({ "plan": { "id": shop.plans[1] } }));
    shop.call(&key).refused(403, "not_entitled");
    shop.change(&key, &json!({ "plan": { "id": shop.plans[0] } }));
    shop.call(&key).admitted();
}

#[test]
fn a_limit_changes_with_the_key_and_what_was_spent_stays_spent() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active", "rateLimitCeiling": 3 }));
    (0..3).for_each(|_| drop(shop.call(&key).admitted()));
    shop.call(&key).refused(429, "over_quota");
    shop.change(&key, &json!({ "rateLimitCeiling": 4 }));
    shop.call(&key).admitted();
    shop.call(&key).refused(429, "over_quota");
    shop.change(&key, &json!({ "rateLimitExempt": true }));
    shop.call(&key).admitted();
}

#[test]
fn a_member_who_is_disabled_takes_their_keys_along() {
    let shop = Shop::that_sells();
    let key = shop.make(&json!({ "status": "active" }));
    let member = shop.house.admin.read("/members?filter=username:kim")[0]["id"].clone();
    let member = format!("/members/{}", member.as_str().unwrap());
    shop.call(&key).admitted();
    done(&shop.house.admin.put(&member, &json!({ "areaStatus": "disabled" })));
    shop.call(&key).refused(401, "key_rejected");
}

#[test]
fn a_file_that_drops_the_plan_of_a_key_of_the_store_is_refused_and_loses_nothing() {
    let shop = Shop::that_sells();
    let of_file = json!({ "package": { "id": "basic" }, "plan": { "id": "free" } });
    let key = shop.make(
        &json!({ "status": "active", "package": of_file["package"], "plan": of_file["plan"] }),
    );
    shop.call(&key).admitted();
    let gate = &shop.house.gate;
    let file = std::fs::read_to_string(gate.config()).unwrap();
    let origin = Origin::start();
    gate.refuses(&Config::new(&origin).control().without("packages").without("keys"));
    gate.wait_for_log("basic");
    shop.call(&key).admitted();
    shop.change(&key, &json!({ "status": "disabled" }));
    shop.call(&key).refused(401, "key_rejected");
    // What is in force already is no change.
    let (before, revision) = (gate.metrics().reloads("unchanged"), gate.metrics().revision());
    gate.write(&file);
    gate.wait_for("a reload", |metrics| metrics.reloads("unchanged") > before);
    assert_eq!(gate.metrics().revision(), revision);
    shop.call(&key).refused(401, "key_rejected");
}

#[test]
fn keys_of_the_store_are_there_after_a_restart_as_they_were_left() {
    let shop = Shop::that_sells();
    let [stays, goes] =
        [shop.make(&json!({ "status": "active" })), shop.make(&json!({ "status": "active" }))];
    shop.change(&goes, &json!({ "status": "disabled" }));
    let gate = shop.house.gate.restart();
    let call = |key: &Json| gate.get("/orders").key(key["apikey"].as_str().unwrap()).send();
    call(&stays).admitted();
    call(&goes).refused(401, "key_rejected");
}
