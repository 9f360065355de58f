//! Keys that come and go over the admin API, and what each proxy decides of them.

use std::process::Command;

use serde_json::{Value as Json, json};

use super::house::{House, Proxy};
use crate::Failure;
use crate::admin::{Admin, Answer};
use crate::connection::{Connection, Protocol};

/// An application that keys are made for.
#[derive(Clone)]
pub(super) struct Shop(String);

/// A key that was made.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) apikey: String,
    pub(super) id: String,
}

impl Shop {
    pub(super) async fn open(house: &mut House) -> Result<Self, Failure> {
        let name = json!({ "name": "fleet" });
        let made = house.admin.done("POST", "/members/soak/applications", &name).await?;
        Ok(Self(made["id"].as_str().ok_or("no application")?.to_owned()))
    }

    /// Asks for a key. `more` is what it has beside; `query` whether the answer waits.
    pub(super) async fn ask(
        &self,
        admin: &mut Admin,
        apikey: &str,
        more: Json,
        query: &str,
    ) -> Result<Answer, Failure> {
        let mut body = json!({
            "apikey": apikey, "package": { "id": "soak" }, "plan": { "id": "soak" },
            "status": "active",
        });
        if let (Some(body), Json::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let target = format!("/applications/{}/packageKeys{query}", self.0);
        admin.ask("POST", &target, &body).await
    }

    /// Makes a key that every proxy admits.
    pub(super) async fn make(&self, admin: &mut Admin, apikey: &str) -> Result<Made, Failure> {
        self.make_with(admin, apikey, Json::Null).await
    }

    pub(super) async fn make_with(
        &self,
        admin: &mut Admin,
        apikey: &str,
        more: Json,
    ) -> Result<Made, Failure> {
        let answer = self.ask(admin, apikey, more, "?wait=applied&timeout=30s").await?;
        let id = answer.body["result"]["id"].as_str().filter(|_| answer.status == 200);
        let id = id.ok_or_else(|| format!("{apikey} is not everywhere: {answer:?}"))?.to_owned();
        Ok(Made { apikey: apikey.to_owned(), id })
    }
}

/// Disables a key, and waits so long at most until every proxy enforces that.
pub(super) async fn disable(admin: &mut Admin, id: &str, timeout: &str) -> Result<Answer, Failure> {
    let target = format!("/packageKeys/{id}?wait=applied&timeout={timeout}");
    admin.ask("PUT", &target, &json!({ "status": "disabled" })).await
}

/// An instant, in seconds since 1970, as the API reads it.
pub(super) fn date(unix: i64) -> Result<String, Failure> {
    let when = format!("@{unix}");
    let output = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d", &when]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

impl Proxy {
    /// A connection to its listener for data.
    pub(super) async fn data(&self) -> Result<Connection, Failure> {
        Connection::open(self.process()?.data()?, Protocol::Http1).await
    }

    /// What a request with a key is answered.
    pub(super) async fn decides(&self, apikey: &str) -> Result<u16, Failure> {
        decides(&mut self.data().await?, apikey).await
    }
}

pub(super) async fn decides(data: &mut Connection, apikey: &str) -> Result<u16, Failure> {
    Ok(data.get("/soak", &[("x-api-key", apikey)]).await?.0)
}
