//! `tollgate key watch`

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value as Json;

use super::{Desk, text};
use crate::support::PATIENCE;

struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(desk: &Desk, more: &[&str]) -> Self {
        let arguments = [&["key", "watch", "--json", "--interval", "1"], more].concat();
        let mut child = desk.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let output = child.stdout.take().unwrap();
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next change: what it is, and the key's id and status.
    fn next(&self) -> (String, String, String) {
        let line = self.lines.recv_timeout(PATIENCE).unwrap();
        let told: Json = serde_json::from_str(&line).unwrap();
        let key = &told["key"];
        assert!(text(&told, "at").ends_with('Z'), "{told}");
        (
            text(&told, "change").to_owned(),
            text(key, "id").to_owned(),
            text(key, "status").to_owned(),
        )
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn changes_of_keys_are_told_as_they_happen() {
    let desk = Desk::logged_in();
    let watched = desk.create(&["--status", "waiting"]);
    let id = text(&watched, "id").to_owned();
    let (all, one) = (Watch::start(&desk, &[]), Watch::start(&desk, &[&id]));
    let said = |change: &str, id: &str, status: &str| {
        (change.to_owned(), id.to_owned(), status.to_owned())
    };
    // Made when both have certainly looked: until then it is made again and again.
    let fresh = std::iter::repeat_with(|| desk.create(&["--status", "waiting"]));
    let mut seen = None;
    for key in fresh.take(20) {
        if let Ok(line) = all.lines.recv_timeout(std::time::Duration::from_millis(1_500)) {
            seen = Some((key, line));
            break;
        }
    }
    assert!(seen.is_some_and(|(_, line)| line.contains("\"made\"")));
    desk.run(&["key", "activate", &id]).done();
    assert_eq!(one.next(), said("changed", &id, "active"));
    desk.run(&["key", "revoke", "--yes", &id]).done();
    assert_eq!(one.next(), said("gone", &id, "active"));
    let until_gone = std::iter::repeat_with(|| all.next()).find(|(change, ..)| change == "gone");
    assert_eq!(until_gone.unwrap().1, id);
    let missing = desk.run(&["key", "watch", &id]);
    assert!(missing.failed(8).contains("not every id"), "{missing:?}");
}
