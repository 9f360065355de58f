//! The command line.

use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};

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
    Run(FileArgument),
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
    /// Make keys
    Key {
        /// What to do
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Ask the running process of a configuration whether it is ready; exit code 1 if it is not
    Health(FileArgument),
}

/// What can be done about keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Print a fresh key of the configuration's brand and environment, and in a second line its
    /// digest. The key is kept nowhere
    Generate(FileArgument),
}

/// Which configuration.
#[derive(Args, Debug)]
pub struct FileArgument {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "config/tollgate.toml")]
    pub config: PathBuf,
}
