//! `tollgate key import`

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;
use std::time::Duration;

use hyper::http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value as Json;

use super::destination;
use super::kept::text;
use crate::cli::ImportArguments;
use crate::client::{Answer, Ask, Client, Failure, clean, encoded};
use crate::commands::say;
use crate::output;

/// So many places of a remark are told to people.
const PLACES: usize = 3;

pub(super) fn perform(arguments: &ImportArguments) -> Result<ExitCode, Failure> {
    let destination = destination::of(arguments)?;
    let client = Client::new(&arguments.asking.server)?;
    let (length, document) = open(arguments)?;
    // A map of names to texts always has a JSON form.
    let destination = serde_json::to_string(&destination).unwrap_or_default();
    let mut target = format!(
        "/api/keys/import?dryRun={}&destination={}",
        arguments.dry_run,
        encoded(&destination)
    );
    if let Some(format) = &arguments.format {
        target += &format!("&format={format}");
    }
    let bar = bar(length);
    let reader = Sent { document, bar: bar.clone() };
    let ask = Ask::new(Method::POST, &target).reader(length, Box::new(reader));
    let imported = client.ask(ask).and_then(Answer::json);
    bar.finish_and_clear();
    let imported = match imported {
        // Each row that cannot be imported, and then what came of it.
        Err(failure @ Failure::Refused(_)) if !arguments.dry_run => {
            failure.tell(None);
            say(format_args!("tollgate: nothing was imported"));
            return Ok(ExitCode::from(failure.code()));
        }
        imported => imported?,
    };
    output::print(&if arguments.asking.json { format!("{imported}\n") } else { told(&imported) })?;
    Ok(ExitCode::SUCCESS)
}

type Document = Box<dyn Read>;

fn open(arguments: &ImportArguments) -> Result<(Option<u64>, Document), Failure> {
    if arguments.file.as_os_str() == "-" {
        return Ok((None, Box::new(io::stdin())));
    }
    // Without the path: what names no file can be a key, written in its place.
    let unread = |error: io::Error| Failure::Wrong(format!("the document cannot be read: {error}"));
    let file = File::open(&arguments.file).map_err(unread)?;
    let metadata = file.metadata().map_err(unread)?;
    if metadata.is_dir() {
        return Err(Failure::Wrong("the document is a folder, expected a file".to_owned()));
    }
    Ok((metadata.is_file().then_some(metadata.len()), Box::new(file)))
}

/// What was done, for people.
fn told(imported: &Json) -> String {
    let count = |name: &str| imported.get(name).and_then(Json::as_u64).unwrap_or(0);
    let dry = imported.get("dryRun").and_then(Json::as_bool).unwrap_or(false);
    let verb = if dry { "would import" } else { "imported" };
    let mut told = format!(
        "{verb} {} ({}), with {} and {} that are new\n",
        counted(count("keys"), "key"),
        clean(text(imported, &["format"])),
        counted(count("members"), "member"),
        counted(count("applications"), "application"),
    );
    let remarks = imported.get("remarks").and_then(Json::as_array);
    for (at, remark) in remarks.into_iter().flatten().enumerate() {
        if at == 0 {
            told += "\nnot carried over, or not as it was:\n";
        }
        let places = remark.get("places").and_then(Json::as_array);
        let places: Vec<_> = places.into_iter().flatten().filter_map(Json::as_str).collect();
        let shown = places.iter().take(PLACES).copied().collect::<Vec<_>>().join(", ");
        let more = match places.len().saturating_sub(PLACES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (field, message) = (text(remark, &["field"]), text(remark, &["message"]));
        told += &clean(&format!("  {field}: {message} ({shown}{more})"));
        told.push('\n');
    }
    told
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A document on its way.
struct Sent {
    document: Document,
    bar: ProgressBar,
}

impl Read for Sent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.document.read(buffer)?;
        self.bar.inc(read as u64);
        if read == 0 {
            self.bar.set_style(spinner("{spinner} imported by the control plane for {elapsed}"));
        }
        Ok(read)
    }
}

fn bar(length: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = match length {
        Some(length) => {
            let sent = "{bar:40} {bytes}/{total_bytes} sent, {eta} left";
            ProgressBar::new(length).with_style(spinner(sent))
        }
        None => ProgressBar::new_spinner().with_style(spinner("{spinner} {bytes} sent")),
    };
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn spinner(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_carried_over_is_told_with_its_first_places() {
        let imported = json!({
            "format": "kong", "dryRun": true, "keys": 5, "members": 1, "applications": 0,
            "remarks": [
                { "field": "tags", "message": "dropped", "places": ["a[0]", "a[1]", "a[2]", "a[3]"] },
                { "field": "year", "message": "no such\nwindow", "places": ["a[0]"] },
            ],
        });
        assert_eq!(
            told(&imported),
            "would import 5 keys (kong), with 1 member and 0 applications that are new\n\n\
             not carried over, or not as it was:\n  \
             tags: dropped (a[0], a[1], a[2] and 1 more)\n  \
             year: no such?window (a[0])\n"
        );
    }
}
