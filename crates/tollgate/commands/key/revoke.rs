//! `tollgate key revoke`

use std::process::ExitCode;

use hyper::http::Method;
use serde_json::json;

use super::each::{Each, of_each};
use super::kept::{PACKAGE_KEYS, find, text};
use crate::cli::FinalArguments;
use crate::client::{Ask, Client, Failure, clean, encoded};
use crate::output;

pub(super) fn perform(arguments: &FinalArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.keys.asking.server)?;
    let ids = &arguments.keys.ids;
    output::confirm(&question(&client, ids)?, arguments.yes)?;
    let done = of_each(ids, |id| {
        let found = find(&client, id)?;
        let id = text(&found, &["id"]);
        let target = format!("{PACKAGE_KEYS}/{}", encoded(id));
        client.ask(Ask::new(Method::DELETE, &target))?;
        Ok(if arguments.keys.asking.json {
            format!("{}\n", json!({ "id": id, "revoked": true }))
        } else {
            format!("{id}: revoked and deleted\n")
        })
    });
    Ok(Each::end(done?))
}

/// What somebody is asked before it happens.
fn question(client: &Client, ids: &[String]) -> Result<String, Failure> {
    Ok(match ids {
        [id] => {
            let key = find(client, id)?;
            let of = |path: &[&str]| clean(text(&key, path));
            format!(
                "The package key {} of {} ({}/{}) will be refused from now on, and deleted.",
                of(&["id"]),
                of(&["application", "name"]),
                of(&["package", "name"]),
                of(&["plan", "name"]),
            )
        }
        several => {
            format!("{} keys will be refused from now on, and deleted.", several.len())
        }
    })
}
