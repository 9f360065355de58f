//! `tollgate key suspend` and `activate`

use std::process::ExitCode;

use hyper::http::Method;
use serde_json::json;

use super::each::{Each, of_each};
use super::kept::{find, target, text};
use crate::cli::IdsArguments;
use crate::client::{Ask, Client, Failure};

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
        let status = match to {
            To::Suspended => "disabled",
            To::Active => "active",
        };
        let target = target(text(&before, &["id"]));
        let ask = Ask::new(Method::PUT, &target).json(&json!({ "status": status }));
        let key = client.ask(ask).and_then(crate::client::Answer::json).map_err(of_state)?;
        if arguments.asking.json {
            return Ok(format!("{key}\n"));
        }
        let (id, was) = (text(&key, &["id"]), text(&before, &["status"]));
        let is = text(&key, &["status"]);
        let was = if was == is { "already".to_owned() } else { format!("was {was}") };
        Ok(format!("{id}: {is} ({was})\n"))
    });
    Ok(Each::end(done?))
}

/// The v3 API calls it a wrong value of `status`.
fn of_state(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) if refusal.is_of_state() => {
            Failure::Conflict(refusal.to_string())
        }
        failure => failure,
    }
}
