//! `tollgate key rotate`, `regenerate` and `end-overlap`

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use super::each::{Each, of_each};
use super::kept::{Found, Kind, find, text};
use crate::cli::{FinalArguments, IdsArguments};
use crate::client::{Client, Failure, clean};
use crate::output;

/// How keys are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The old one works on for so many seconds.
    Rotation(u32),
    /// The old one works on for so many seconds, or as the policy says.
    Regeneration(Option<u32>),
}

pub(super) fn perform(arguments: &FinalArguments, by: By) -> Result<ExitCode, Failure> {
    let FinalArguments { keys, yes } = arguments;
    let client = Client::new(&keys.asking.server)?;
    output::confirm(&question(keys.ids.len(), by), *yes)?;
    let (act, body) = match by {
        By::Rotation(overlap) => ("rotate", json!({ "overlapSeconds": overlap })),
        By::Regeneration(overlap) => ("regenerate", json!({ "overlapSeconds": overlap })),
    };
    let done = of_each(&keys.ids, |id| {
        let key_set = existing(&client, id)?;
        let done = key_set.act(&client, act, &body)?;
        Ok(if keys.asking.json { format!("{done}\n") } else { told(&key_set, &done) })
    });
    Ok(Each::end(done?))
}

pub(super) fn end_overlap(arguments: &IdsArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let done = of_each(&arguments.ids, |id| {
        let key_set = existing(&client, id)?;
        let done = key_set.act(&client, "end-overlap", &json!({}))?;
        Ok(if arguments.asking.json {
            format!("{done}\n")
        } else {
            format!("{}: its old key is refused\n", key_set.id)
        })
    });
    Ok(Each::end(done?))
}

fn existing(client: &Client, id: &str) -> Result<Found, Failure> {
    let found = find(client, id)?;
    if found.kind == Kind::KeySet {
        return Ok(found);
    }
    Err(Failure::Conflict(
        "a package key has no successors: make another beside it (`tollgate key create`), and \
         revoke this one when nobody uses it any more"
            .to_owned(),
    ))
}

fn question(keys: usize, by: By) -> String {
    let which = if keys == 1 { "The key".to_owned() } else { format!("The keys of {keys} sets") };
    let when = match by {
        By::Rotation(seconds) | By::Regeneration(Some(seconds)) if seconds > 0 => {
            format!("in {seconds} s")
        }
        By::Regeneration(None) => "when the overlap of the policy ends".to_owned(),
        By::Rotation(_) | By::Regeneration(_) => "from now on".to_owned(),
    };
    format!("{which} will be replaced, and refused {when}.")
}

/// What was made, where the roles permit to see it.
fn told(key_set: &Found, done: &Json) -> String {
    let mut told = format!("{}: its key is a new one\n", key_set.id);
    for (head, name) in [("key", "apikey"), ("secret", "secret")] {
        let value = clean(text(done, &["issued", name]));
        if !value.is_empty() {
            told += &format!("{head:<13}{value}\n");
        }
    }
    told
}
