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
    /// Say step by step what would become of a request, and why. Its key is read from standard
    /// input; no input is no key. Exit code 0 if it would be admitted, 4 if it would be refused
    Explain(ExplainArguments),
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

/// Which configuration.
#[derive(Args, Debug)]
pub struct FileArgument {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "config/tollgate.toml")]
    pub config: PathBuf,
}
