//! `tollgate key watch`: the keys are asked for again and again, and what differs is told.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde_json::{Value as Json, json};

use super::kept::{find, text};
use super::list::Listing;
use crate::cli::WatchArguments;
use crate::client::{Client, Failure, clean};
use crate::output;

/// Keys by their ids.
type Seen = BTreeMap<String, Json>;

/// What has become of a key.
enum Change<'a> {
    Made(&'a Json),
    Changed(&'a Json, &'a Json),
    Gone(&'a Json),
}

pub(super) fn perform(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let listing = Listing::new(&client, &arguments.filters)?;
    let look = || {
        let mut seen = Seen::new();
        let mut see = |key: Json| {
            seen.insert(text(&key, &["id"]).to_owned(), key);
            Ok(())
        };
        if arguments.ids.is_empty() {
            listing.each(&client, None, &mut see)?;
        }
        for id in &arguments.ids {
            match find(&client, id) {
                Ok(found) => see(found.json)?,
                Err(Failure::Missing(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(seen)
    };
    let mut before = look()?;
    if before.len() < arguments.ids.len() {
        return Err(Failure::Missing("not every id is that of a key".to_owned()));
    }
    let mut reached = true;
    loop {
        std::thread::sleep(Duration::from_secs(arguments.interval.into()));
        match look() {
            Ok(now) => {
                reached = true;
                for (id, change) in changes(&before, &now) {
                    output::print(&told(arguments.asking.json, id, &change))?;
                }
                before = now;
            }
            // It may be starting anew. What happens meanwhile is told afterwards.
            Err(failure @ Failure::Failed(_)) => {
                if std::mem::take(&mut reached) {
                    failure.tell(None);
                }
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn changes<'a>(before: &'a Seen, now: &'a Seen) -> Vec<(&'a str, Change<'a>)> {
    let mut changes = Vec::new();
    for (id, key) in now {
        match before.get(id) {
            None => changes.push((id.as_str(), Change::Made(key))),
            Some(old) if old != key => changes.push((id, Change::Changed(old, key))),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(id, _)| !now.contains_key(*id));
    changes.extend(gone.map(|(id, key)| (id.as_str(), Change::Gone(key))));
    changes
}

/// A line about a change.
fn told(as_json: bool, id: &str, change: &Change<'_>) -> String {
    let now = Timestamp::now();
    let at = now.round(Unit::Second).unwrap_or(now);
    if as_json {
        let (what, key) = match change {
            Change::Made(key) => ("made", key),
            Change::Changed(_, key) => ("changed", key),
            Change::Gone(key) => ("gone", key),
        };
        return format!("{}\n", json!({ "at": at.to_string(), "change": what, "key": key }));
    }
    let status = |key: &Json| clean(text(key, &["status"]));
    let what = match change {
        Change::Made(key) => format!("made, {}", status(key)),
        Change::Gone(_) => "gone".to_owned(),
        Change::Changed(old, key) if status(old) != status(key) => {
            format!("{} -> {}", status(old), status(key))
        }
        Change::Changed(old, key) => format!("changed: {}", properties(old, key).join(", ")),
    };
    format!("{at}  {}  {what}\n", clean(id))
}

/// The properties that differ, but for the instant at which they did.
fn properties(old: &Json, new: &Json) -> Vec<String> {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Vec::new() };
    let differ = |name: &&String| *name != "updated" && old.get(*name) != new.get(*name);
    let mut names: Vec<_> = old.keys().chain(new.keys()).filter(differ).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| clean(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(keys: &[Json]) -> Seen {
        keys.iter().map(|key| (text(key, &["id"]).to_owned(), key.clone())).collect()
    }

    #[test]
    fn a_change_is_told_by_what_differs() {
        let before = seen(&[
            json!({ "id": "a", "status": "active", "expires": "2027-01-01", "updated": 1 }),
            json!({ "id": "b", "status": "active" }),
            json!({ "id": "c", "status": "waiting" }),
            json!({ "id": "d", "status": "waiting" }),
        ]);
        let now = seen(&[
            json!({ "id": "a", "status": "active", "updated": 2, "plan": { "id": "p" } }),
            json!({ "id": "b", "status": "disabled" }),
            json!({ "id": "d", "status": "waiting" }),
            json!({ "id": "e", "status": "waiting" }),
        ]);
        let told: Vec<_> =
            changes(&before, &now).iter().map(|(id, change)| told(false, id, change)).collect();
        let told: Vec<_> =
            told.iter().map(|line| line.trim_end().split_once("  ").unwrap().1).collect();
        let expected =
            ["a  changed: expires, plan", "b  active -> disabled", "e  made, waiting", "c  gone"];
        assert_eq!(told, expected);
    }
}
