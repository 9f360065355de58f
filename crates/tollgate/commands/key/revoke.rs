//! `tollgate key revoke`

use std::process::ExitCode;

use hyper::http::Method;
use serde_json::json;

use super::each::{Each, of_each};
use super::kept::{Found, Kind, find, text};
use crate::cli::FinalArguments;
use crate::client::{Ask, Client, Failure, clean};
use crate::output;

pub(super) fn perform(arguments: &FinalArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.keys.asking.server)?;
    let ids = &arguments.keys.ids;
    output::confirm(&question(&client, ids)?, arguments.yes)?;
    let done = of_each(ids, |id| {
        let found = find(&client, id)?;
        let told = match found.kind {
            Kind::PackageKey => {
                client.ask(Ask::new(Method::DELETE, &found.target()))?;
                "revoked and deleted"
            }
            Kind::KeySet => {
                found.act(&client, "revoke", &json!({ "confirm": true }))?;
                "revoked"
            }
        };
        Ok(if arguments.keys.asking.json {
            format!("{}\n", json!({ "id": found.id, "revoked": true }))
        } else {
            format!("{}: {told}\n", found.id)
        })
    });
    Ok(Each::end(done?))
}

/// What somebody is asked before it happens.
fn question(client: &Client, ids: &[String]) -> Result<String, Failure> {
    let [id] = ids else {
        let keys = ids.len();
        return Ok(format!(
            "{keys} keys will be refused from now on; package keys among them are deleted."
        ));
    };
    let Found { kind, id, json } = find(client, id)?;
    let of = |path: &[&str]| clean(text(&json, path));
    let application = of(&["application", "name"]);
    Ok(match kind {
        Kind::PackageKey => format!(
            "The package key {id} of {application} ({}/{}) will be refused from now on, and \
             deleted.",
            of(&["package", "name"]),
            of(&["plan", "name"]),
        ),
        Kind::KeySet => format!(
            "The keys of the key set {id} ({}) of {application} will be refused from now on.",
            of(&["name"]),
        ),
    })
}
