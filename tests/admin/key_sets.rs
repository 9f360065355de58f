//! Key sets over the native API (S4).

mod acting;
mod listing;
mod once;
mod rescheduled;
mod roles;
mod scheduled;
mod subscribing;
mod together;
mod usage;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::House;
use crate::support::{Admin, Config, Response, done};

/// A house with an application of the store, whose key sets there can be.
pub(super) struct Sets {
    pub(super) house: House,
    pub(super) application: String,
    /// Where a clock stands that is moved.
    now: Timestamp,
}

pub(super) fn id(json: &Json) -> String {
    json["id"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
}

impl Sets {
    pub(super) fn open() -> Self {
        Self::with(|config| config)
    }

    pub(super) fn with(more: impl FnOnce(Config) -> Config) -> Self {
        Self::of(House::with(more))
    }

    /// A house whose clock can be moved.
    fn by_clock() -> Self {
        Self::of(House::by_clock())
    }

    fn of(house: House) -> Self {
        let shop = house.admin.make("/members/jo/applications", &json!({ "name": "Shop" }));
        Self { house, application: id(&shop), now: Timestamp::now() }
    }

    pub(super) fn admin(&self) -> &Admin {
        &self.house.admin
    }

    /// Assigns a policy to the API of the file.
    pub(super) fn policy(&self, policy: &Json) -> String {
        let mut policy = policy.clone();
        policy["name"] = json!("template");
        policy["services"] = json!(["orders"]);
        id(&done(&self.admin().ask("POST", "/policies", &policy)))
    }

    pub(super) fn try_subscribe(&self, application: &str, service: &str) -> Response {
        let plan = if service == "safe" { "secure" } else { "free" };
        let body = json!({
            "application": application, "service": service, "package": "basic", "plan": plan,
        });
        self.admin().ask("POST", "/subscriptions", &body)
    }

    /// Subscribes the application to the API of the file, which has one authentication type.
    pub(super) fn subscribe(&self) -> Json {
        done(&self.try_subscribe(&self.application, "orders"))[0].clone()
    }

    /// Subscribes, and activates what comes of it. Answers with its id and its first key.
    pub(super) fn active(&self) -> (String, String) {
        let subscribed = self.subscribe();
        let set = id(&subscribed["keySet"]);
        self.does(&set, "activate", &json!({}));
        (set, subscribed["issued"]["apikey"].as_str().unwrap().to_owned())
    }

    /// Has something done with a key set.
    pub(super) fn act(&self, set: &str, verb: &str, body: &Json) -> Response {
        self.admin().ask("POST", &format!("/key-sets/{set}/{verb}"), body)
    }

    /// Likewise; it has to succeed.
    pub(super) fn does(&self, set: &str, verb: &str, body: &Json) -> Json {
        done(&self.act(set, verb, body))
    }

    pub(super) fn look(&self, set: &str) -> Json {
        self.admin().look(&format!("/key-sets/{set}"))
    }

    /// What a call with a key comes to.
    pub(super) fn call(&self, key: &str) -> Response {
        self.house.gate.get("/orders").key(key).send()
    }

    pub(super) fn refuses(&self, key: &str) {
        self.call(key).refused(401, "key_rejected");
    }
}

/// The code of a refusal.
pub(super) fn conflict(response: &Response) {
    assert_eq!(response.refusal(), (409, "not_in_this_state".to_owned()), "{response:?}");
}
