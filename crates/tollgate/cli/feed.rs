//! `tollgate feed …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::FileArgument;

/// What can be done about the key feed.
#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Print what files of a feed's folder hold, snapshots and the batches after them, or what a control
    /// plane tells proxies, as it does. Neither keys nor secrets stand in that
    Tail(TailArguments),
    /// Make up a snapshot, always the same for the same numbers
    Make(MakeArguments),
    /// Accept that keys are gone which the running process of a configuration withholds, because they
    /// are so many
    Accept(FileArgument),
}

/// What is printed.
#[derive(Args, Clone, Debug)]
pub struct TailArguments {
    /// The files, such as feed/snapshot-7 and feed/tail-7, or one connect URL of a proxy access key, such
    /// as https://gate.example.com:8082/feed/v1/edge-1. Whoever looks on there is no proxy: nobody waits for
    /// them
    #[arg(required = true, value_name = "FILE|URL")]
    pub files: Vec<PathBuf>,
    /// The file with the secret of the access key
    #[arg(long, value_name = "FILE")]
    pub access_key_file: Option<PathBuf>,
    /// The only authorities that the control plane's certificate may be of, PEM; without this, the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to the control plane, PEM
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub certificate_file: Option<PathBuf>,
    /// Its private key, PEM, mode 0600
    #[arg(long, value_name = "FILE", requires = "certificate_file")]
    pub key_file: Option<PathBuf>,
    /// Leave out what a snapshot holds, and say how much it is
    #[arg(long)]
    pub brief: bool,
}

/// What is made up.
#[derive(Args, Debug)]
pub struct MakeArguments {
    /// How many keys
    #[arg(long)]
    pub keys: u32,
    /// Tells snapshots of one size apart
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The environment
    #[arg(long, default_value = "production")]
    pub environment: String,
    /// The upstream of its one service, which is called with X-Api-Key on every host and path
    #[arg(long, default_value = "origin")]
    pub upstream: String,
    /// The file; it is written anew, with mode 0600
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}
