//! What commands print.

mod table;

use std::io::{self, IsTerminal, Write};

use console::Term;

use crate::client::Failure;

pub(crate) use table::{Column, Table, status};

/// Writes to standard output. Whoever has closed it does not read on, which is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| unwritten(&error))
}

/// A failed write to standard output.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Failed(format!("standard output cannot be written: {error}")),
    }
}

/// The columns of the terminal that standard output goes to, if it goes to one.
pub(crate) fn width() -> Option<usize> {
    let terminal = Term::stdout();
    let size = terminal.is_term().then(|| terminal.size_checked()).flatten();
    size.map(|(_, columns)| usize::from(columns))
}

/// Asks somebody on the terminal whether that is meant which cannot be undone.
pub(crate) fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let terminal = Term::stderr();
    if !terminal.is_term() || !io::stdin().is_terminal() {
        return Err(Failure::Wrong(
            "this cannot be undone, and there is no terminal to ask on: expected --yes".to_owned(),
        ));
    }
    let asked = terminal.write_str(&format!("{what} This cannot be undone. Type yes: "));
    let answer = asked.and_then(|()| terminal.read_line());
    match answer {
        Ok(answer) if answer.trim() == "yes" => Ok(()),
        _ => Err(Failure::NotConfirmed),
    }
}
