//! `tollgate key revoke`

use std::process::ExitCode;

use hyper::http::Method;
use serde_json::json;

use super::applied::Applied;
use super::each::{Each, of_each};
use super::kept::{Found, Kind, find, text};
use crate::cli::RevokeArguments;
use crate::client::{Answer, Ask, Client, Failure, clean, encoded};
use crate::output;

pub(super) fn perform(arguments: &RevokeArguments) -> Result<ExitCode, Failure> {
    let RevokeArguments { keys: last, wait, timeout } = arguments;
    let client = Client::new(&last.keys.asking.server)?;
    let ids = &last.keys.ids;
    output::confirm(&question(&client, ids)?, last.yes)?;
    let waiting = wait.then(|| format!("wait=applied&timeout={}", encoded(timeout)));
    let mut everywhere = true;
    let done = of_each(ids, |id| {
        let found = find(&client, id)?;
        let (told, answer) = match found.kind {
            Kind::PackageKey => {
                let waiting = waiting.as_ref().map(|waiting| format!("&{waiting}"));
                let target = format!("{}{}", found.target(), waiting.unwrap_or_default());
                let answer = client.ask(Ask::new(Method::DELETE, &target));
                ("revoked and deleted", answer.and_then(Answer::json)?)
            }
            Kind::KeySet => {
                let waiting = waiting.as_ref().map(|waiting| format!("?{waiting}"));
                let act = format!("revoke{}", waiting.unwrap_or_default());
                ("revoked", found.act(&client, &act, &json!({ "confirm": true }))?)
            }
        };
        let applied = waiting.is_some().then(|| Applied::read(&answer));
        everywhere &= applied.as_ref().is_none_or(Applied::is_everywhere);
        Ok(if last.keys.asking.json {
            let mut said = json!({ "id": found.id, "revoked": true });
            if let Some(applied) = applied {
                said["applied"] = applied.json().clone();
            }
            format!("{said}\n")
        } else {
            let who = applied.map(|applied| applied.words()).unwrap_or_default();
            format!("{}: {told}{who}\n", found.id)
        })
    });
    let end = Each::end(done?);
    let late = !everywhere && end == ExitCode::SUCCESS;
    Ok(if late { ExitCode::from(NOT_EVERYWHERE) } else { end })
}

/// It is done, and not every proxy enforces it yet.
const NOT_EVERYWHERE: u8 = 11;

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
