//! `tollgate key suspend` and `activate`

use std::process::ExitCode;

use hyper::http::Method;
use serde_json::{Value as Json, json};

use super::each::{Each, of_each};
use super::kept::{Found, Kind, find, text};
use crate::cli::IdsArguments;
use crate::client::{Answer, Ask, Client, Failure};

/// What keys are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Suspended,
    Active,
}

pub(super) fn perform(arguments: &IdsArguments, to: To) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let done = of_each(&arguments.ids, |id| {
        let before = find(&client, id)?;
        let key = match before.kind {
            Kind::PackageKey => package_key(&client, &before, to)?,
            Kind::KeySet => key_set(&client, &before, to)?,
        };
        if arguments.asking.json {
            return Ok(format!("{key}\n"));
        }
        let (was, is) = (before.status(), text(&key, &["status"]));
        let was = if was == is { "already".to_owned() } else { format!("was {was}") };
        Ok(format!("{}: {is} ({was})\n", before.id))
    });
    Ok(Each::end(done?))
}

fn package_key(client: &Client, key: &Found, to: To) -> Result<Json, Failure> {
    let status = match to {
        To::Suspended => "disabled",
        To::Active => "active",
    };
    let target = key.target();
    let ask = Ask::new(Method::PUT, &target).json(&json!({ "status": status }));
    client.ask(ask).and_then(Answer::json).map_err(|failure| match failure {
        // The v3 API calls it a wrong value of `status`.
        Failure::Refused(refusal) if refusal.is_of_state() => {
            Failure::Conflict(refusal.to_string())
        }
        failure => failure,
    })
}

fn key_set(client: &Client, key_set: &Found, to: To) -> Result<Json, Failure> {
    let act = match (to, key_set.status()) {
        (To::Suspended, _) => "suspend",
        (To::Active, "pending") => "activate",
        (To::Active, _) => "reactivate",
    };
    key_set.act(client, act, &json!({}))
}
