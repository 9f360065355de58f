//! `tollgate key export`

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use zeroize::Zeroizing;

use crate::cli::ExportArguments;
use crate::client::{Ask, Client, Failure};
use crate::commands::say;
use crate::output;

/// Bytes that are handed on at once.
const PIECE: usize = 64 << 10;

pub(super) fn perform(arguments: &ExportArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.server)?;
    let Some(path) = &arguments.output else {
        if io::stdout().is_terminal() {
            return Err(Failure::Wrong(
                "an export holds keys in the clear: expected --output FILE, or standard output \
                 that is no terminal"
                    .to_owned(),
            ));
        }
        let mut output = io::stdout().lock();
        copy(&client, &mut output, output::unwritten)?;
        return Ok(ExitCode::SUCCESS);
    };
    let unwritten = |error: &io::Error| Failure::Failed(format!("{}: {error}", path.display()));
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::Wrong(format!("{}: is there already, expected a new file", path.display()))
        }
        _ => unwritten(&error),
    })?;
    let copied = copy(&client, &mut file, unwritten)
        .and_then(|keys| file.sync_all().map(|()| keys).map_err(|error| unwritten(&error)));
    match copied {
        Ok(keys) => {
            let plural = if keys == 1 { "" } else { "s" };
            say(format_args!(
                "{keys} key{plural} in {}: it holds them in the clear",
                path.display()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            // A part of an export would be taken for all of it.
            let _ = fs::remove_file(path);
            Err(failure)
        }
    }
}

/// Hands on what the control plane sends, and counts the keys: the lines behind the first.
fn copy(
    client: &Client,
    to: &mut dyn Write,
    unwritten: impl Fn(&io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut from = client.ask(Ask::get("/api/keys/export"))?.reader();
    let bar = bar();
    let mut piece = Zeroizing::new(vec![0; PIECE]);
    let mut lines = 0_u64;
    loop {
        let read = from
            .read(&mut piece)
            .map_err(|_| Failure::Failed("the export broke off: it is not whole".to_owned()))?;
        let Some(got) = piece.get(..read).filter(|got| !got.is_empty()) else { break };
        to.write_all(got).map_err(|error| unwritten(&error))?;
        lines += got.iter().filter(|byte| **byte == b'\n').count() as u64;
        bar.set_position(lines.saturating_sub(1));
    }
    to.flush().map_err(|error| unwritten(&error))?;
    bar.finish_and_clear();
    Ok(lines.saturating_sub(1))
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos} keys");
    let bar = ProgressBar::new_spinner();
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
