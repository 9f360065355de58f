//! Package keys over the v3 API.

mod creating;
mod deleting;
mod limits;
mod listing;
mod updating;

use serde_json::{Value as Json, json};

use super::House;

/// A package with two plans, and an application of an active member.
pub(super) struct Shop {
    pub(super) house: House,
    application: String,
    pub(super) package: String,
    pub(super) plans: [String; 2],
}

fn id(json: &Json) -> String {
    json["id"].as_str().unwrap().to_owned()
}

impl Shop {
    pub(super) fn open() -> Self {
        Self::with(&json!({ "name": "gold" }))
    }

    fn with(package: &Json) -> Self {
        Self::in_house(House::start(), package)
    }

    pub(super) fn in_house(house: House, package: &Json) -> Self {
        let kim = id(&house.admin.make("/members", &json!({ "username": "kim", "email": "" })));
        let applications = format!("/members/{kim}/applications");
        let application = json!({ "name": "shop", "type": "web", "description": "sells things" });
        let application = id(&house.admin.make(&applications, &application));
        let package = id(&house.admin.make("/packages", package));
        let plans = ["free", "paid"].map(|name| {
            let plan = json!({ "name": name, "rateLimitPeriod": "hour" });
            id(&house.admin.make(&format!("/packages/{package}/plans"), &plan))
        });
        Self { house, application, package, plans }
    }

    pub(super) fn keys(&self) -> String {
        format!("/applications/{}/packageKeys", self.application)
    }

    pub(super) fn key(&self, key: &Json) -> String {
        format!("{}/{}", self.keys(), key["id"].as_str().unwrap())
    }

    /// What a key of the first plan takes at least, with more.
    pub(super) fn body(&self, more: &Json) -> Json {
        let mut body =
            json!({ "package": { "id": self.package }, "plan": { "id": self.plans[0] } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    pub(super) fn make(&self, more: &Json) -> Json {
        self.house.admin.make(&self.keys(), &self.body(more))
    }
}
