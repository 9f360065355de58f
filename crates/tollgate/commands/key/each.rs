//! Doing something with each of several keys: one that fails keeps nobody from the others.

use std::io::IsTerminal;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use crate::client::{Failure, looks_like_id};
use crate::output;

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Each {
    /// The exit code of the first that failed.
    failed: Option<u8>,
}

/// With fewer nobody waits.
const WORTH_A_BAR: usize = 20;

impl Each {
    /// The exit code: that of the first failure.
    pub(super) fn end(self) -> ExitCode {
        self.failed.map_or(ExitCode::SUCCESS, ExitCode::from)
    }
}

/// Does `what` with each id and prints what comes of it. Failures are told with the id.
pub(super) fn of_each(
    ids: &[String],
    mut what: impl FnMut(&str) -> Result<String, Failure>,
) -> Result<Each, Failure> {
    let bar = bar(ids.len());
    let mut each = Each::default();
    for (at, id) in ids.iter().enumerate() {
        match what(id) {
            Ok(text) => bar.suspend(|| output::print(&text))?,
            Err(failure) => {
                bar.suspend(|| failure.tell(Some(&told(ids, at, id))));
                each.failed.get_or_insert(failure.code());
                // Whoever cannot ask for one cannot ask for the next.
                if matches!(failure, Failure::NotLoggedIn(_) | Failure::Failed(_)) {
                    break;
                }
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(each)
}

fn bar(length: usize) -> ProgressBar {
    if length < WORTH_A_BAR || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} keys, {eta} left");
    let bar = ProgressBar::new(length as u64);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// How an id is told: by its place among them if it does not look like one, since it may be a key
/// that was given in its place.
fn told(ids: &[String], at: usize, id: &str) -> String {
    match (looks_like_id(id), ids.len()) {
        (true, _) => id.to_owned(),
        (false, 1) => "the key".to_owned(),
        (false, _) => format!("key {}", at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key_is_told_by_its_place() {
        let ids = ["0192f3a4-0000-7000-8000-0123456789ab".to_owned(), "secret".to_owned()];
        assert_eq!(told(&ids, 0, &ids[0]), ids[0]);
        assert_eq!(told(&ids, 1, &ids[1]), "key 2");
        assert_eq!(told(&ids[1..], 0, &ids[1]), "the key");
    }
}
