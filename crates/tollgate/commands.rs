//! What each command does, and how it ends.

mod audit;
mod backup;
mod control;
mod digest;
mod explain;
mod health;
mod key;
mod restore;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tollgate_control::document::{Problems, Warnings};
use tollgate_core::Clock;

use crate::boot;
use crate::cli::{Arguments, AuditCommand, Command, KeyCommand};
use crate::clock::SystemClock;
use crate::config::Config;

/// The process could not start or serve.
pub(crate) const FAILED: u8 = 1;
/// The arguments or the configuration are wrong.
pub(crate) const WRONG: u8 = 2;
/// Requests were cut when the drain timeout had passed.
pub(crate) const CUT: u8 = 3;
/// The request that was asked about would be refused.
pub(crate) const REFUSED: u8 = 4;
/// The audit log is not what was written.
pub(crate) const BROKEN: u8 = 5;

/// Does what the arguments say.
#[must_use]
pub fn perform(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Run(file) => run(&file.config),
        Command::Check(file) => check(&file.config),
        Command::Digest { config, with_secret } => digest::perform(config.as_deref(), with_secret),
        Command::Key { command: KeyCommand::Generate(file) } => key::generate(&file.config),
        Command::Explain(explain) => explain::perform(&explain),
        Command::Audit { command: AuditCommand::Verify(file) } => audit::check(&file),
        Command::Audit { command: AuditCommand::List(list) } => audit::list(&list),
        Command::Backup(backup) => backup::perform(&backup),
        Command::Restore(restore) => restore::perform(&restore),
        Command::Health(file) => health::perform(&file.config),
    }
}

fn run(path: &Path) -> ExitCode {
    let clock = Arc::new(SystemClock::new());
    match load_to_serve(path, &*clock) {
        Ok((config, warnings)) => {
            boot::run(path, config, &warnings, clock).unwrap_or_else(|error| {
                say(format_args!("tollgate: {error}"));
                ExitCode::from(FAILED)
            })
        }
        Err(problems) => refuse(&problems),
    }
}

#[expect(clippy::print_stdout, reason = "the summary is the program's answer to `check`")]
fn check(path: &Path) -> ExitCode {
    match load_to_serve(path, &SystemClock::new()) {
        Ok((config, warnings)) => {
            warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
            let objects = &config.objects.objects;
            println!(
                "{}: no problems; {} services, {} packages, {} applications, {} keys",
                path.display(),
                objects.services.len(),
                objects.packages.len(),
                objects.applications.len(),
                objects.keys.len(),
            );
            ExitCode::SUCCESS
        }
        Err(problems) => refuse(&problems),
    }
}

/// Reads a configuration as far as it is needed to do something with its objects.
fn load(path: &Path, clock: &dyn Clock) -> Result<(Config, Warnings), Problems> {
    Config::load(path, unix(clock))
}

/// Reads a configuration as if to serve what it says.
fn load_to_serve(path: &Path, clock: &dyn Clock) -> Result<(Config, Warnings), Problems> {
    Config::load_to_serve(path, unix(clock))
}

fn unix(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.now().unix()).unwrap_or(i64::MAX)
}

fn refuse(problems: &Problems) -> ExitCode {
    problems.iter().for_each(|problem| say(format_args!("{problem}")));
    ExitCode::from(WRONG)
}

#[expect(clippy::print_stderr, reason = "commands tell people what is wrong on standard error")]
fn say(what: std::fmt::Arguments<'_>) {
    eprintln!("{what}");
}
