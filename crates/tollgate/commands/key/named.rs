//! Finding out the ids of what people call by its name.

use serde_json::Value as Json;

use super::kept::text;
use crate::client::{Client, Failure, encoded};

/// The id of what is called so: by its id or, where there is none of that id, its only name.
/// `list` is the path of all of its kind, `property` what they are named by.
pub(super) fn id(
    client: &Client,
    noun: &str,
    list: &str,
    property: &str,
    called: &str,
) -> Result<String, Failure> {
    if let Some(found) = client.find(list, called, "id")? {
        return Ok(text(&found, &["id"]).to_owned());
    }
    let mut ids = Vec::new();
    let target = format!("{list}?fields=id&filter={property}:{}", encoded(called));
    client.list(&target, Some(10), |found: Json| {
        ids.push(text(&found, &["id"]).to_owned());
        Ok(())
    })?;
    match ids.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(Failure::Missing(format!("there is no {noun} of this id or name"))),
        several => Err(Failure::Wrong(format!(
            "several {noun}s have this name, expected an id: {}",
            several.join(", ")
        ))),
    }
}

/// The id of an application.
pub(super) fn application(client: &Client, called: &str) -> Result<String, Failure> {
    id(client, "application", "/v3/rest/applications", "name", called)
}

/// The id of a package.
pub(super) fn package(client: &Client, called: &str) -> Result<String, Failure> {
    id(client, "package", "/v3/rest/packages", "name", called)
}

/// The id of a plan of a package.
pub(super) fn plan(client: &Client, package: &str, called: &str) -> Result<String, Failure> {
    id(client, "plan", &format!("/v3/rest/packages/{}/plans", encoded(package)), "name", called)
}

/// The id of a member.
pub(super) fn member(client: &Client, called: &str) -> Result<String, Failure> {
    id(client, "member", "/v3/rest/members", "username", called)
}

/// The id of an organization.
pub(super) fn organization(client: &Client, called: &str) -> Result<String, Failure> {
    id(client, "organization", "/api/organizations", "name", called)
}

/// The id of a group of an organization.
pub(super) fn group(client: &Client, organization: &str, called: &str) -> Result<String, Failure> {
    let list = format!("/api/organizations/{}/groups", encoded(organization));
    id(client, "group", &list, "name", called)
}

/// The id of a service.
pub(super) fn service(client: &Client, called: &str) -> Result<String, Failure> {
    id(client, "service", "/v3/rest/services", "name", called)
}
