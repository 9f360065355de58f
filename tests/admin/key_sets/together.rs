//! Many key sets at once: those of an application, and those of a list.

use serde_json::{Value as Json, json};

use super::{Sets, conflict, id};
use crate::support::{Config, Response, done};

/// An API with a proof, so that an application has two key sets.
fn safe(config: Config) -> Config {
    config
        .section("services.safe", "path = \"/safe\"\nupstream = \"demo\"")
        .section("services.safe.proof", "kind = \"secret\"")
        .section("services.safe.endpoints.all", "")
        .section("packages.basic.plans.secure", "qps_limit_exempt = true\nrate_limit_exempt = true")
        .section("packages.basic.plans.secure.services.safe", "")
}

impl Sets {
    /// Two active key sets of the application, and a key of each.
    fn two_active(&self) -> [(String, String); 2] {
        ["orders", "safe"].map(|service| {
            let joined = done(&self.try_subscribe(&self.application, service))[0].clone();
            let set = id(&joined["keySet"]);
            self.does(&set, "activate", &json!({}));
            (set, joined["issued"]["apikey"].as_str().unwrap().to_owned())
        })
    }

    fn application(&self, verb: &str, body: &Json) -> Response {
        let target = format!("/applications/{}/{verb}", self.application);
        self.admin().ask("POST", &target, body)
    }

    fn status(&self, set: &str) -> Json {
        self.look(set)["status"].clone()
    }
}

#[test]
fn s4_14_an_application_that_is_suspended_suspends_its_active_key_sets() {
    let sets = Sets::with(safe);
    let [(one, key), (other, _)] = sets.two_active();
    let foreign = id(&done(&sets.try_subscribe("acme", "orders"))[0]["keySet"]);
    sets.does(&foreign, "activate", &json!({}));
    let suspended = done(&sets.application("suspend", &json!({})));
    assert_eq!(
        (&suspended["status"], &suspended["reached"]),
        (&json!("suspended"), &json!([one, other]))
    );
    sets.refuses(&key);
    assert_eq!([sets.status(&one), sets.status(&other)], ["suspended", "suspended"]);
    assert_eq!(sets.status(&foreign), "active");
    conflict(&sets.application("suspend", &json!({})));
    // It comes back with its application, and not before.
    conflict(&sets.act(&one, "reactivate", &json!({})));
}

#[test]
fn s4_16_an_application_that_is_reactivated_reactivates_its_suspended_key_sets() {
    let sets = Sets::with(safe);
    let [(one, key), (other, _)] = sets.two_active();
    conflict(&sets.application("reactivate", &json!({})));
    let round = |keep: Json| {
        sets.does(&one, "suspend", &json!({}));
        done(&sets.application("suspend", &json!({})));
        done(&sets.application("reactivate", &keep));
        [sets.status(&one), sets.status(&other)]
    };
    assert_eq!(round(json!({})), ["active", "active"]);
    sets.call(&key).admitted();
    assert_eq!(round(json!({ "keepSuspended": true })), ["suspended", "active"]);
    sets.refuses(&key);
    sets.does(&one, "revoke", &json!({ "confirm": true }));
    done(&sets.application("suspend", &json!({})));
    done(&sets.application("reactivate", &json!({})));
    assert_eq!(sets.status(&one), "revoked");
}

#[test]
fn an_application_of_a_file_is_suspended_there() {
    let sets = Sets::open();
    let refused = sets.admin().ask("POST", "/applications/acme/suspend", &json!({}));
    assert_eq!(refused.refusal(), (409, "owned_by_file".to_owned()));
    let kim = sets.house.member("kim", &json!([{ "name": "Contributor" }]));
    let target = format!("/applications/{}/suspend", sets.application);
    assert_eq!(kim.ask("POST", &target, &json!({})).refusal(), (403, "forbidden".to_owned()));
}

#[test]
fn many_are_revoked_each_by_itself() {
    let sets = Sets::with(safe);
    let [(one, key), (other, _)] = sets.two_active();
    let pending = id(&done(&sets.try_subscribe("acme", "orders"))[0]["keySet"]);
    let body = json!({ "confirm": true, "ids": [one, pending, "none", other] });
    let unconfirmed = json!({ "confirm": false, "ids": [one] });
    let refused = sets.admin().ask("POST", "/key-sets/revoke", &unconfirmed);
    assert_eq!(crate::admin::violations(&refused), ["confirm"]);
    sets.call(&key).admitted();
    let revoked = done(&sets.admin().ask("POST", "/key-sets/revoke", &body));
    let outcomes = revoked.as_array().unwrap().iter();
    let outcomes: Vec<_> = outcomes.map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "not_in_this_state", "not_found", "done"]);
    sets.refuses(&key);
    assert_eq!([sets.status(&one), sets.status(&other)], ["revoked", "revoked"]);
    assert_eq!(sets.status(&pending), "pending");
}
