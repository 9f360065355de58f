//! `tollgate audit`

use std::process::ExitCode;

use serde_json::json;
use tollgate_control::document::Value;
use tollgate_control::document::kind::{Day, Instant, Kind};
use tollgate_control::plane;
use tollgate_control::store::{
    self, AuditEntry, AuditSearch, Connection, Entry, StoreError, verify,
};

use super::{BROKEN, FAILED, WRONG, control, say};
use crate::cli::{AuditArguments, FileArgument};

/// `tollgate audit verify`
#[expect(clippy::print_stdout, reason = "the number of entries is the program's answer")]
pub(super) fn check(file: &FileArgument) -> ExitCode {
    match look(file, verify) {
        Ok(Ok(entries)) => {
            println!("the audit log is whole: {entries} entries");
            ExitCode::SUCCESS
        }
        Ok(Err(number)) => {
            say(format_args!(
                "tollgate: the audit log is broken: entry {number} is missing, or is not what was \
                 written"
            ));
            ExitCode::from(BROKEN)
        }
        Err(code) => code,
    }
}

/// `tollgate audit list`
#[expect(clippy::print_stdout, reason = "the entries are the program's answer")]
pub(super) fn list(arguments: &AuditArguments) -> ExitCode {
    let search = match search(arguments) {
        Ok(search) => search,
        Err(code) => return code,
    };
    let (offset, limit) = (arguments.offset, arguments.limit);
    let page = match look(&arguments.file, |connection| search.page(connection, offset, limit)) {
        Ok(page) => page,
        Err(code) => return code,
    };
    if arguments.json {
        let entries: Vec<_> = page.entries.iter().map(AuditEntry::of).collect();
        println!("{}", json!(entries));
        return ExitCode::SUCCESS;
    }
    page.entries.iter().for_each(|entry| println!("{}", line(entry)));
    let shown = page.entries.len();
    if page.total > shown as u64 {
        say(format_args!("{shown} of {} entries", page.total));
    }
    ExitCode::SUCCESS
}

fn line(entry: &Entry) -> String {
    let AuditEntry { number, at, actor, action, object, outcome, details, .. } =
        AuditEntry::of(entry);
    let object = if object.is_empty() { "-" } else { &object };
    format!("{number:>6}  {at}  {outcome:<10}  {actor}  {action}  {object}  {details}")
}

fn search(arguments: &AuditArguments) -> Result<AuditSearch, ExitCode> {
    let AuditArguments { actor, action, kind, object, outcome, .. } = arguments.clone();
    let from = arguments.from.as_deref().map(|text| instant("--from", text)).transpose()?;
    let until = arguments.to.as_deref().map(|text| instant("--to", text)).transpose()?;
    let (from, until) = (from.map(Instant::start), until.map(Instant::end));
    let [from, until] =
        [from, until].map(|second| second.map(|second| second.saturating_mul(1000)));
    let search = AuditSearch { actor, action, kind, object, outcome, ..AuditSearch::default() };
    Ok(AuditSearch { from, until, ..search })
}

fn instant(argument: &str, text: &str) -> Result<Instant, ExitCode> {
    Day.read(&Value::String(text.to_owned())).map_err(|_| {
        say(format_args!("tollgate: {argument}: expected {}", Day.expected()));
        ExitCode::from(WRONG)
    })
}

/// Looks at the store, beside the process that has it.
fn look<T>(
    file: &FileArgument,
    look: impl FnOnce(&mut dyn Connection) -> Result<T, StoreError>,
) -> Result<T, ExitCode> {
    let (_, settings) = control::read(&file.config)?;
    let looked = plane::beside(&settings.store)
        .map_err(|error| error.to_string())
        .and_then(|engine| store::look(&*engine, look).map_err(|error| error.to_string()));
    looked.map_err(|error| {
        say(format_args!("tollgate: {error}"));
        ExitCode::from(FAILED)
    })
}
