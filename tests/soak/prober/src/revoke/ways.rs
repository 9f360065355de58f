//! What is taken away, and how: package keys over the v3 API, key sets over the native one.

use serde_json::{Value as Json, json};

use crate::Failure;
use crate::admin::Admin;

/// How keys are taken away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// A package key is disabled.
    Disabled,
    /// A package key is deleted.
    Deleted,
    /// A key set is revoked.
    Revoked,
    /// Several key sets are, by one call.
    RevokedTogether,
}

/// So many key sets are revoked by one call: each is of an application of its own.
const TOGETHER: usize = 3;

/// Whose keys they are.
pub(super) struct Shops(Vec<String>);

/// Keys that work and are about to be taken away.
pub(super) struct Doomed {
    way: Way,
    /// What they are called over the API: each key, or the key set of each.
    ids: Vec<String>,
    /// What calls are made with.
    pub(super) keys: Vec<String>,
}

impl Way {
    /// That of a revocation, by turns.
    pub(super) fn of(number: u64) -> Self {
        match number % 4 {
            0 => Self::Disabled,
            1 => Self::Deleted,
            2 => Self::Revoked,
            _ => Self::RevokedTogether,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
            Self::Revoked => "revoked",
            Self::RevokedTogether => "revoked together",
        }
    }
}

impl Shops {
    /// Makes the applications.
    pub(super) async fn open(admin: &mut Admin) -> Result<Self, Failure> {
        let mut shops = Vec::new();
        for number in 0..TOGETHER {
            let application = json!({ "name": format!("soak-{number}") });
            let made = admin.done("POST", "/members/soak/applications", &application).await?;
            shops.push(text(&made, "/id")?);
        }
        Ok(Self(shops))
    }

    fn first(&self) -> &[String] {
        self.0.get(..1).unwrap_or_default()
    }

    fn keys(&self) -> String {
        format!("/applications/{}/packageKeys", self.first().concat())
    }

    /// Makes what the revocation of a number takes away.
    pub(super) async fn make(&self, admin: &mut Admin, number: u64) -> Result<Doomed, Failure> {
        let way = Way::of(number);
        let shops = match way {
            Way::Disabled | Way::Deleted => {
                let key = format!("revoked-{number}");
                let body = json!({
                    "apikey": key, "package": { "id": "soak" }, "plan": { "id": "soak" },
                    "status": "active",
                });
                let made = admin.done("POST", &self.keys(), &body).await?;
                return Ok(Doomed { way, ids: vec![text(&made, "/id")?], keys: vec![key] });
            }
            Way::Revoked => self.first(),
            Way::RevokedTogether => &self.0,
        };
        let mut doomed = Doomed { way, ids: Vec::new(), keys: Vec::new() };
        for application in shops {
            let body = json!({
                "application": application, "service": "soak", "package": "soak", "plan": "soak",
            });
            let made = admin.native("POST", "/subscriptions", &body).await?;
            let set = text(&made, "/0/keySet/id")?;
            admin.native("POST", &format!("/key-sets/{set}/activate"), &json!({})).await?;
            doomed.keys.push(text(&made, "/0/issued/apikey")?);
            doomed.ids.push(set);
        }
        Ok(doomed)
    }

    /// Takes them away.
    pub(super) async fn take(&self, admin: &mut Admin, doomed: &Doomed) -> Result<(), Failure> {
        let id = doomed.ids.first().ok_or("nothing to take away")?;
        let key = format!("{}/{id}", self.keys());
        match doomed.way {
            Way::Disabled => {
                admin.done("PUT", &key, &json!({ "status": "disabled" })).await?;
            }
            Way::Deleted => {
                admin.done("DELETE", &key, &Json::Null).await?;
            }
            Way::Revoked => {
                let target = format!("/key-sets/{id}/revoke");
                admin.native("POST", &target, &json!({ "confirm": true })).await?;
            }
            Way::RevokedTogether => {
                let body = json!({ "confirm": true, "ids": doomed.ids });
                let told = admin.native("POST", "/key-sets/revoke", &body).await?;
                let told = told.as_array().ok_or("an answer that is no array")?;
                let done = told.iter().filter(|one| one["outcome"] == "done").count();
                if done != doomed.ids.len() {
                    return Err(format!("{done} of {} were revoked", doomed.ids.len()).into());
                }
            }
        }
        Ok(())
    }
}

fn text(json: &Json, at: &str) -> Result<String, Failure> {
    let found = json.pointer(at).and_then(Json::as_str);
    Ok(found.ok_or_else(|| format!("no {at} in {json}"))?.to_owned())
}
