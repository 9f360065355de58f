//! What each command does, and how it ends.

mod audit;
mod backup;
mod control;
mod digest;
mod explain;
mod feed;
mod health;
mod key;
mod login;
mod preview;
mod proxy;
mod restore;
mod rotation;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory;
use tollgate_control::document::{Problems, Warnings};
use tollgate_core::Clock;
use tollgate_proxy::Resolver;

use crate::boot;
use crate::cli::{Arguments, AuditCommand, Command};
use crate::client::{Failure, Server};
use crate::clock::SystemClock;
use crate::config::Config;

/// The process could not start or serve.
pub(crate) const FAILED: u8 = 1;
/// The arguments or the configuration are wrong.
pub(crate) const WRONG: u8 = 2;
/// Requests were cut when the drain timeout had passed.
pub(crate) const CUT: u8 = 3;
/// The request that was asked about would be refused, or some would be after the change that was.
pub(crate) const REFUSED: u8 = 4;
/// The audit log is not what was written.
pub(crate) const BROKEN: u8 = 5;

/// Does what the arguments say.
#[must_use]
pub fn perform(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Run(run) => serve_by(&run.file.config, run.takeover, Around::system()),
        Command::Check(file) => check(&file.config),
        Command::Digest { config, with_secret } => digest::perform(config.as_deref(), with_secret),
        Command::Key { command } => key::perform(&command),
        Command::Proxy { command } => proxy::perform(&command),
        Command::Feed { command } => feed::perform(&command),
        Command::Preview(preview) => preview::perform(&preview),
        Command::Explain(explain) => explain::perform(&explain),
        Command::Audit { command: AuditCommand::Verify(file) } => audit::check(&file),
        Command::Audit { command: AuditCommand::List(list) } => audit::list(&list),
        Command::Backup(backup) => backup::perform(&backup),
        Command::Restore(restore) => restore::perform(&restore),
        Command::Rotation(rotation) => rotation::perform(&rotation),
        Command::Health(file) => health::perform(&file.config),
        Command::Login(login) => login::log_in(&login),
        Command::Logout(server) => login::log_out(&server),
        Command::Completions { shell } => completions(shell),
    }
}

/// What a process finds around it.
pub struct Around {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Who says where names lead.
    pub resolver: Resolver,
}

impl Around {
    /// The system.
    fn system() -> Self {
        Self { clock: Arc::new(SystemClock::new()), resolver: Resolver::system() }
    }
}

/// Serves what a file says until it is told to end.
#[must_use]
pub fn serve(path: &Path, around: Around) -> ExitCode {
    serve_by(path, false, around)
}

fn serve_by(path: &Path, takeover: bool, around: Around) -> ExitCode {
    // Nor is the configuration read with them, which says whether they are wanted. Where that fails it fails again
    // when there is a log.
    let _ = boot::allow_huge_pages(false);
    match load_to_serve(path, &*around.clock) {
        Ok((config, _)) if takeover && config.settings.process.takeover_socket.is_none() => {
            say(format_args!(
                "tollgate: --takeover wants process.takeover_socket, which {} does not have",
                path.display()
            ));
            ExitCode::from(WRONG)
        }
        Ok((config, warnings)) => boot::run(path, config, &warnings, around, takeover)
            .unwrap_or_else(|error| {
                say(format_args!("tollgate: {error}"));
                ExitCode::from(FAILED)
            }),
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

fn completions(shell: clap_complete::Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tollgate", &mut script);
    let printed = crate::output::print(&String::from_utf8_lossy(&script));
    printed.map_or_else(|failure| failure.end(), |()| ExitCode::SUCCESS)
}

/// Where the control plane of a configuration can be reached from its own machine.
pub(crate) fn admin_address(path: &Path) -> Result<Server, Failure> {
    let (config, _) = load(path, &SystemClock::new()).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        Failure::Wrong(problems.join("\n"))
    })?;
    let control = config.settings.control.ok_or_else(|| {
        Failure::Wrong(format!("{}: has no [control], expected one", path.display()))
    })?;
    if control.address.port() == 0 {
        return Err(Failure::Wrong(format!(
            "{}: control.address: has port 0, so nobody knows which it is: expected --server URL",
            path.display()
        )));
    }
    Ok(Server::local(control.address, control.tls.is_some()))
}

/// Where a process that listens on every address can be reached from its own machine.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

/// Reads a configuration as far as it is needed to do something with its objects.
fn load(path: &Path, clock: &dyn Clock) -> Result<(Config, Warnings), Problems> {
    Config::load(path, unix(clock))
}

/// Reads a configuration as if to serve what it says.
fn load_to_serve(path: &Path, clock: &dyn Clock) -> Result<(Config, Warnings), Problems> {
    // What a long file leaves behind in memory goes back to the system with the thread that read it.
    let read = || Config::load_to_serve(path, unix(clock));
    let read = std::thread::scope(|scope| scope.spawn(read).join());
    read.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
}

/// Refuses to digest under a pepper that is yet to be made.
fn with_pepper(config: &Config) -> Result<(), ExitCode> {
    if config.objects.fresh_pepper.is_none() {
        return Ok(());
    }
    say(format_args!(
        "tollgate: control.pepper_file is not there yet; the first `tollgate run` makes it"
    ));
    Err(ExitCode::from(WRONG))
}

fn unix(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.now().unix()).unwrap_or(i64::MAX)
}

fn refuse(problems: &Problems) -> ExitCode {
    problems.iter().for_each(|problem| say(format_args!("{problem}")));
    ExitCode::from(WRONG)
}

#[expect(clippy::print_stderr, reason = "commands tell people what is wrong on standard error")]
pub(crate) fn say(what: std::fmt::Arguments<'_>) {
    eprintln!("{what}");
}
