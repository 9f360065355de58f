//! `tollgate feed …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::FileArgument;

/// What can be done about the key feed.
#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Print what files of a feed's folder hold, snapshots and the batches after them. Neither keys
    /// nor secrets stand in them
    Tail(TailArguments),
    /// Make up a snapshot, always the same for the same numbers
    Make(MakeArguments),
    /// Accept that keys are gone which the running process of a configuration withholds, because they
    /// are so many
    Accept(FileArgument),
}

/// What is printed.
#[derive(Args, Debug)]
pub struct TailArguments {
    /// The files, such as feed/snapshot-7 and feed/tail-7
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
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
