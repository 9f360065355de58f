//! What a preview says of random changes, held against what a request meets after them.

use serde_json::{Value as Json, json};

use super::super::{Market, id};
use super::{met, of_key, preview, seen};

/// A few numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

impl Market {
    /// A small change of something that its keys depend on.
    fn any_change(&self, dice: &mut Dice, keys: &[Json], orders: &str) -> (String, String, Json) {
        let of = |method: &str, path: String, body: Json| (method.to_owned(), path, body);
        let plan = self.v3(&self.plan());
        let opened = self.v3(&format!("{}/services/{}/endpoints", self.plan(), self.service));
        let endpoint = dice.one_of(&[self.endpoint.as_str(), orders]).to_owned();
        let routed = format!("/v3/rest{}/endpoints/{endpoint}", self.service());
        let key = format!("/v3/rest/packageKeys/{}", id(&dice.one_of(keys)));
        match dice.below(9) {
            0 => of(
                "PUT",
                plan,
                json!({ "status": dice.one_of(&["active", "active", "active", "inactive"]) }),
            ),
            1 => {
                let exempt = dice.one_of(&[true, true, true, false]);
                let ceiling = dice.one_of(&[0, 1000]);
                let quota = json!({
                    "rateLimitExempt": exempt, "rateLimitCeiling": ceiling, "rateLimitPeriod": "hour",
                });
                of("PUT", plan, quota)
            }
            2 => of("DELETE", format!("{opened}/{endpoint}"), json!({})),
            3 | 4 => of("POST", opened, json!({ "id": endpoint })),
            5 => {
                let act = dice.one_of(&["suspend", "reactivate", "reactivate", "reactivate"]);
                of("POST", format!("/api/applications/{}/{act}", self.application), json!({}))
            }
            6 | 7 => of(
                "PUT",
                key,
                json!({ "status": dice.one_of(&["active", "active", "active", "disabled"]) }),
            ),
            _ => {
                let closed = json!({ "startDateTime": "2020-01-01T00:00:00Z" });
                let event = dice.one_of(&[json!({}), json!({}), json!({}), json!({}), closed]);
                of("PUT", routed, json!({ "scheduledMaintenanceEvent": event }))
            }
        }
    }
}

#[test]
fn what_a_preview_says_is_what_a_request_meets_after_the_change() {
    let market = Market::open(&json!({}));
    let orders = market.make_endpoint(&json!({ "name": "orders", "requestPathAlias": "/orders" }));
    market.open_endpoint(&orders);
    let keys: Vec<_> = (0..3).map(|_| market.make_key(&json!({}))).collect();
    let places = [("/items", market.endpoint.as_str()), ("/orders", orders.as_str())];
    let mut dice = Dice(7);
    let (mut told, mut refused) = (0, 0);
    for round in 0..90 {
        let (method, path, body) = market.any_change(&mut dice, &keys, &orders);
        let wanted = json!({ "method": method, "path": path, "body": body });
        let was: Vec<_> = keys
            .iter()
            .flat_map(|key| places.map(|(path, _)| met(&market.call_with(key, path))))
            .collect();
        let foreseen = preview(&market.house.admin, "", &wanted);
        let made = market.make(&method, &path, &body);
        if foreseen.status >= 300 {
            assert_eq!((foreseen.status, foreseen.json()), (made.status, made.json()), "{wanted}");
            refused += 1;
            continue;
        }
        assert!(made.status < 300, "{round} {wanted}: {made:?}");
        let foreseen = foreseen.json();
        let calls = keys.iter().flat_map(|key| places.map(|place| (key, place)));
        for ((key, (path, endpoint)), was) in calls.zip(&was) {
            let differences = of_key(&foreseen, key).map(|key| &key["differences"]);
            let differences = differences.and_then(Json::as_array).cloned().unwrap_or_default();
            let here = differences
                .iter()
                .find(|each| each.get("endpoint").is_none_or(|named| named == endpoint));
            let told_as = |side: &str| here.map(|each| seen(each[side].as_str().unwrap()));
            let expected = told_as("wouldBe").unwrap_or(was);
            let met = met(&market.call_with(key, path));
            // What is said of all that a key may call is not said of what is closed on both sides.
            let named = here.is_some_and(|each| each.get("endpoint").is_some());
            if was != "admitted" && met != "admitted" && !named {
                continue;
            }
            if let Some(told_was) = told_as("was") {
                told += 1;
                assert_eq!(told_was, was, "{wanted} {foreseen}");
            }
            assert_eq!(met, expected, "{round} {wanted} {path} {key} {foreseen}");
        }
    }
    assert!(told > 20 && refused > 3, "it says too little: {told} {refused}");
}
