//! `tollgate feed …`

mod live;
mod text;

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use tollgate_core::Revision;
use tollgate_feed::file::SnapshotFile;
use tollgate_feed::folder::{Next, TailFile};
use tollgate_feed::synthetic::Synthetic;
use tollgate_feed::wire::Numbering;

use super::{FAILED, WRONG, load, say, unix};
use crate::cli::{FeedCommand, FileArgument, MakeArguments, TailArguments};
use crate::client::Failure;
use crate::clock::SystemClock;
use crate::feed::ACCEPT;
use crate::output::print;

pub(super) fn perform(command: &FeedCommand) -> ExitCode {
    let performed = match command {
        FeedCommand::Tail(tail) => show(tail),
        FeedCommand::Make(make) => self::make(make),
        FeedCommand::Accept(file) => return accept(file),
    };
    performed.map_or_else(|failure| failure.end(), |()| ExitCode::SUCCESS)
}

fn show(arguments: &TailArguments) -> Result<(), Failure> {
    let TailArguments { files, brief, .. } = arguments;
    if let Some(url) = live::url(files) {
        return live::follow(url, arguments);
    }
    for path in files {
        let failed =
            |why: &dyn std::fmt::Display| Failure::Failed(format!("{}: {why}", path.display()));
        match TailFile::open(path) {
            Ok(tail) => batches(tail, path).map_err(|error| error.or(&failed))?,
            Err(_) => snapshot(path, *brief).map_err(|error| error.or(&failed))?,
        }
    }
    Ok(())
}

/// Why something was not shown to its end.
enum Unshown {
    File(tollgate_feed::file::FileError),
    Output(Failure),
}

impl Unshown {
    fn or(self, failed: &dyn Fn(&dyn std::fmt::Display) -> Failure) -> Failure {
        match self {
            Self::File(error) => failed(&error),
            Self::Output(failure) => failure,
        }
    }
}

fn snapshot(path: &Path, brief: bool) -> Result<(), Unshown> {
    let file = std::fs::File::open(path).map_err(|error| Unshown::File(error.into()))?;
    pieces(std::io::BufReader::new(file), brief)
}

fn pieces(from: impl std::io::Read, brief: bool) -> Result<(), Unshown> {
    let mut file = SnapshotFile::open(from).map_err(Unshown::File)?;
    print(&text::header(file.header())).map_err(Unshown::Output)?;
    while let Some(piece) = file.next_piece().map_err(Unshown::File)? {
        print(&text::piece(&piece, brief)).map_err(Unshown::Output)?;
    }
    if let Some(signature) = file.signature() {
        print(&format!("signed by {}\n", signature.key())).map_err(Unshown::Output)?;
    }
    print("it is whole\n").map_err(Unshown::Output)
}

fn batches(mut tail: TailFile, path: &Path) -> Result<(), Unshown> {
    print(&text::tail(tail.header())).map_err(Unshown::Output)?;
    loop {
        match tail.next_batch().map_err(Unshown::File)? {
            Next::Batch(next) => print(&text::batch(&next.1)).map_err(Unshown::Output)?,
            Next::End(_) => return Ok(()),
            Next::Torn(at) => {
                say(format_args!(
                    "{}: from byte {at} on something was being written",
                    path.display()
                ));
                return Ok(());
            }
        }
    }
}

fn make(arguments: &MakeArguments) -> Result<(), Failure> {
    let MakeArguments { keys, seed, environment, upstream, output } = arguments;
    let made = Synthetic {
        seed: *seed,
        keys: *keys,
        numbering: Numbering(*seed),
        environment: environment.clone(),
        upstream: upstream.clone(),
        revision: Revision { epoch: 1, number: 1 },
        published: u64::try_from(unix(&SystemClock::new())).unwrap_or(0) * 1000,
    };
    let failed = |error: std::io::Error| Failure::Failed(format!("{}: {error}", output.display()));
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(output);
    let mut to = BufWriter::new(file.map_err(failed)?);
    made.write(&made.root(), env!("CARGO_PKG_VERSION"), &mut to).map_err(failed)?;
    to.flush().map_err(failed)?;
    let last = keys.saturating_sub(1);
    print(&format!("{}: {keys} keys, {} to {}\n", output.display(), made.key(0), made.key(last)))
}

fn accept(file: &FileArgument) -> ExitCode {
    let path = &file.config;
    let config = match load(path, &SystemClock::new()) {
        Ok((config, _)) => config,
        Err(problems) => return super::refuse(&problems),
    };
    let Some(feed) = config.settings.feed else {
        say(format_args!("tollgate: {}: has no [feed], expected one", path.display()));
        return ExitCode::from(WRONG);
    };
    let word = feed.folder().join(ACCEPT);
    let mut options = OpenOptions::new();
    match options.create(true).truncate(true).write(true).mode(0o600).open(&word) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("tollgate: {}: {error}", word.display()));
            ExitCode::from(FAILED)
        }
    }
}
