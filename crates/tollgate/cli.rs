//! The command line.

mod feed;
mod key;
mod preview;
mod proxy;

use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use feed::*;
pub use key::*;
pub use preview::PreviewArguments;
pub use proxy::*;

/// Lets requests through to an API only if their package key allows them.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Reads the arguments of the process, or tells what is wrong with them and ends it. An argument
    /// that is out of place is not repeated: it can be a key, meant for `digest`.
    #[must_use]
    pub fn take() -> Self {
        Self::try_parse().unwrap_or_else(|mut error| {
            let given = match error.kind() {
                ErrorKind::UnknownArgument => ContextKind::InvalidArg,
                _ => ContextKind::InvalidSubcommand,
            };
            error.remove(given);
            error.remove(ContextKind::Suggested);
            error.exit()
        })
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve, until SIGTERM. Exit code 0 after a clean end, 1 if it could not start or serve, 2 for
    /// a configuration with problems, 3 if requests had to be cut when the drain timeout ended
    Run(RunArguments),
    /// Say what is wrong with a configuration, all of it, and where; exit code 2 if anything is
    Check(FileArgument),
    /// Make the digest of a key that is read from standard input
    Digest {
        /// Digest by the current scheme of this configuration; without it, by sha256
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Read the key's secret from a second line, and print what the key's section says of both
        #[arg(long)]
        with_secret: bool,
    },
    /// Manage the keys of a control plane, and make keys for files
    Key {
        /// What to do
        #[command(subcommand)]
        command: Box<KeyCommand>,
    },
    /// Manage the remote proxies of a control plane, and the access keys that they come by
    Proxy {
        /// What to do
        #[command(subcommand)]
        command: ProxyCommand,
    },
    /// Look at what a proxy keeps that a control plane feeds, and make up snapshots for tests
    Feed {
        /// What to do
        #[command(subcommand)]
        command: FeedCommand,
    },
    /// Say whom a change would refuse, before it is made: a call of either API, or several as one. It
    /// changes nothing. Exit code 4 if calls would be refused that are admitted now, else 0
    Preview(Box<PreviewArguments>),
    /// Say step by step what would become of a request, and why. Its key is read from standard
    /// input; no input is no key. Exit code 0 if it would be admitted, 4 if it would be refused
    Explain(ExplainArguments),
    /// Look at the audit log of a control plane, also while a process works on its store
    Audit {
        /// What to do
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Copy the store of a control plane into a new file, also while a process works on it. The copy
    /// is looked through before it gets its name
    Backup(BackupArguments),
    /// Put a backup in the place of a store that no process works on, in a new epoch. What was
    /// revoked since is revoked again. A PostgreSQL database is filled by pg_restore before, and
    /// --present names the one with the history since
    Restore(RestoreArguments),
    /// Say how far the rotation of the sealing key and that of the digest scheme have come, and so
    /// whether the previous ones are still needed
    Rotation(RotationArguments),
    /// Ask the running process of a configuration whether it is ready; exit code 1 if it is not
    Health(FileArgument),
    /// Log in at a control plane and keep the login in a file that only its owner can read. Who and
    /// by what password is asked for on the terminal
    Login(LoginArguments),
    /// End the login at a control plane, there and here
    Logout(ServerArguments),
    /// Print what makes a shell complete these commands
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Which control plane, and who asks it. Without any, it is that of TOLLGATE_SERVER, else that of
/// the last login; the token is that of TOLLGATE_TOKEN or TOLLGATE_TOKEN_FILE, else that of the login.
#[derive(Args, Clone, Debug, Default)]
pub struct ServerArguments {
    /// The control plane: https://HOST[:PORT], or http:// with a loopback address
    #[arg(long, value_name = "URL", help_heading = "Control plane")]
    pub server: Option<String>,
    /// The control plane of this configuration, on this machine
    #[arg(long, value_name = "FILE", conflicts_with = "server", help_heading = "Control plane")]
    pub config: Option<PathBuf>,
    /// Believe only certificates of these authorities (PEM), not those of the system
    #[arg(long, value_name = "FILE", help_heading = "Control plane")]
    pub ca_file: Option<PathBuf>,
    /// Read the token from this file, which only its owner may read
    #[arg(long, value_name = "FILE", help_heading = "Control plane")]
    pub token_file: Option<PathBuf>,
}

/// Where to log in, and as whom.
#[derive(Args, Debug)]
pub struct LoginArguments {
    /// Which control plane.
    #[command(flatten)]
    pub server: ServerArguments,
    /// Read user name, password, client and its secret from this file, which only its owner may
    /// read, such as that of the first administrator
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
}

/// What can be asked of an audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Follow the chain of hashes from the first entry to the last; exit code 5 if it is broken
    Verify(FileArgument),
    /// Print entries, the newest first
    List(AuditArguments),
}

/// Which entries.
#[derive(Args, Clone, Debug)]
pub struct AuditArguments {
    /// Which configuration.
    #[command(flatten)]
    pub file: FileArgument,
    /// By whom: a member's id, cli, scheduler, …
    #[arg(long, value_name = "ID")]
    pub actor: Option<String>,
    /// What was done, such as package_key.update
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// To which kind of object, such as package_key
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// To the object of this id
    #[arg(long, value_name = "ID")]
    pub object: Option<String>,
    /// What came of it: done, or the code of a refusal
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<String>,
    /// Not before this day or instant
    #[arg(long, value_name = "WHEN")]
    pub from: Option<String>,
    /// Through the end of this day, or before this instant
    #[arg(long, value_name = "WHEN")]
    pub to: Option<String>,
    /// So many at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub limit: u64,
    /// So many are left out in front
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub offset: u64,
    /// Print one array of JSON
    #[arg(long)]
    pub json: bool,
}

/// Of what, and how it is said.
#[derive(Args, Debug)]
pub struct RotationArguments {
    /// Which configuration.
    #[command(flatten)]
    pub file: FileArgument,
    /// Print one document of JSON
    #[arg(long)]
    pub json: bool,
}

/// What is copied, and where.
#[derive(Args, Debug)]
pub struct BackupArguments {
    /// Which configuration.
    #[command(flatten)]
    pub file: FileArgument,
    /// The backup; nothing may be there
    #[arg(value_name = "TO")]
    pub to: PathBuf,
}

/// What is restored, and how.
#[derive(Args, Debug)]
pub struct RestoreArguments {
    /// Which configuration.
    #[command(flatten)]
    pub file: FileArgument,
    /// Do not ask for a confirmation on standard input
    #[arg(long)]
    pub yes: bool,
    /// Let this object live again, though it was revoked, suspended, disabled or deleted since; may be
    /// given more than once
    #[arg(long, value_name = "ID")]
    pub leave_revived: Vec<String>,
    /// Do not ask the present store what was revoked since: it is lost, or another one
    #[arg(long, conflicts_with_all = ["leave_revived", "present"])]
    pub forget_present: bool,
    /// The database of the present store, where control.store names a PostgreSQL database that
    /// pg_restore has filled. Password, authorities and certificate are those of control.store
    #[arg(long, value_name = "URL")]
    pub present: Option<String>,
    /// The backup, where control.store names a file
    #[arg(value_name = "FROM", conflicts_with = "present")]
    pub from: Option<PathBuf>,
}

/// Which request, and who is asked.
#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// Which configuration.
    #[command(flatten)]
    pub file: FileArgument,
    /// Ask the running process of the configuration, at its explain_socket; without it, the file
    /// is read afresh
    #[arg(long)]
    pub running: bool,
    /// A header field of the request; {key} stands for the key
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// The address that the request comes from
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub from: String,
    /// Read the key from this file, which only its owner may read, and not from standard input
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Print one document of JSON
    #[arg(long)]
    pub json: bool,
    /// The HTTP method
    #[arg(value_name = "METHOD")]
    pub http_method: String,
    /// The URL, or only its path; {key} stands for the key
    pub url: String,
}

/// What is served, and whose place is taken.
#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// Which configuration.
    #[command(flatten)]
    pub file: FileArgument,
    /// Take over from the process that answers at process.takeover_socket: its listening sockets and
    /// its counters, without a failed request. If nobody answers there, start as without this
    #[arg(long)]
    pub takeover: bool,
}

/// Which configuration.
#[derive(Args, Clone, Debug)]
pub struct FileArgument {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "config/tollgate.toml")]
    pub config: PathBuf,
}
