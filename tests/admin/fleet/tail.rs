//! `tollgate feed tail` of a control plane.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::json;

use super::super::House;
use super::super::access_keys::revoke;
use super::super::native::id;
use super::super::proxies::disable;
use crate::support::wait_for;

/// Somebody who looks on.
struct Tail {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Tail {
    /// What comes, up to a line that has these words.
    fn up_to(&mut self, words: &str) -> String {
        let mut text = String::new();
        loop {
            let before = text.len();
            assert!(self.lines.read_line(&mut text).unwrap() > 0, "no {words:?} in {text}");
            if text[before..].contains(words) {
                return text;
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn what_a_control_plane_tells_is_printed_as_it_does_and_nobody_waits_for_who_looks_on() {
    let house = House::on_sqlite("region = \"eu-1\"");
    let access_key = house.feeder("edge");
    // Where no port was chosen, the one that was bound is told.
    let url = access_key["connectUrl"].as_str().unwrap();
    assert_eq!(url, format!("http://{}/feed/v1/edge", house.gate.admin()));
    let folder = house.folder_of(&access_key);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["feed", "tail", url, "--access-key-file"])
        .arg(folder.path().join("access.key"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut tail = Tail { child, lines };
    let snapshot = tail.up_to("it is whole");
    for expected in ["production, by tollgate", "key acme-1", "service orders, upstream demo"] {
        assert!(snapshot.contains(expected), "no {expected:?} in {snapshot}");
    }
    let key = house.change();
    let made = tail.up_to("  put ");
    assert!(made.contains("revision ") && made.contains(", active, "), "{made}");
    let answer = disable(&house, &key, "20s");
    assert_eq!((answer.status, &answer.json()["proxies"]), (200, &json!([])));
    let disabled = tail.up_to("  put ");
    assert!(disabled.contains("suspended") || disabled.contains("waiting"), "{disabled}");
    assert!(!made.contains(key["apikey"].as_str().unwrap()), "{made}");
    assert_eq!(house.admin.look("/proxies"), json!([]));
    assert_eq!(revoke(&house.admin, &[id(&access_key)])[0]["outcome"], "done");
    let status = wait_for("its end", || tail.child.try_wait().unwrap());
    assert!(!status.success());
    let mut said = String::new();
    tail.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("the access key was revoked"), "{said}");
}
