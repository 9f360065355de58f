//! What only a terminal gets: prompts, colours, tables that fit. It is the one of `script`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::json;

use super::{Desk, text};
use crate::support::{Finished, finish, first_administrator};

/// Runs a line of the shell on a terminal of this many columns, with what is typed.
fn on_terminal(desk: &Desk, columns: u16, line: &str, typed: &str) -> Finished {
    let binary = env!("CARGO_BIN_EXE_tollgate");
    let line = line.replace("tollgate", binary);
    let mut script = Command::new("script");
    let line = format!("stty cols {columns} rows 24; {line}");
    script.args(["--quiet", "--return", "--echo", "never", "--command", &line, "/dev/null"]);
    finish(desk.surround(script.env_remove("NO_COLOR").env("TERM", "xterm")), typed)
}

#[test]
fn a_login_asks_and_shows_no_password() {
    let desk = Desk::start();
    let first = first_administrator(&desk.gate);
    let field = |name: &str| first[name].as_str().unwrap().to_owned();
    let binary = env!("CARGO_BIN_EXE_tollgate");
    let line = format!("{binary} login --server {}", desk.server());
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let mut child =
        desk.surround(&mut script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    let mut read = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    for (prompt, answer) in [
        ("User name", field("username")),
        ("Password", field("password")),
        ("Client [tollgate]", String::new()),
        ("Secret of the client", field("client_secret")),
    ] {
        let mut before = Vec::new();
        while !String::from_utf8_lossy(&before).contains(prompt) || !before.ends_with(b": ") {
            assert_ne!(read.read_until(b' ', &mut before).unwrap(), 0, "{seen}");
        }
        seen += &String::from_utf8(before).unwrap();
        // The terminal takes echo away right after the prompt.
        std::thread::sleep(std::time::Duration::from_millis(100));
        writeln!(typed, "{answer}").unwrap();
    }
    std::io::Read::read_to_string(&mut read, &mut seen).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{seen}");
    assert!(seen.contains("logged in at"), "{seen}");
    for secret in ["password", "client_secret"] {
        assert!(!seen.contains(&field(secret)), "{seen}");
    }
    desk.run(&["key", "list"]).done();
}

#[test]
fn a_table_fits_the_terminal_and_has_colours_there_unless_nobody_wants_them() {
    let desk = Desk::logged_in();
    let kim = desk.admin.make("/members", &json!({ "username": "kim", "email": "" }));
    let applications = format!("/members/{}/applications", text(&kim, "id"));
    let name = "an application with a long name";
    desk.admin.make(&applications, &json!({ "name": name }));
    let create = ["key", "create", "--application", name, "--package", "basic", "--plan", "free"];
    desk.run(&create).done();
    let listed = on_terminal(&desk, 100, "tollgate key list", "");
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(listed.stdout.contains("\u{1b}[32mactive\u{1b}[0m"), "{listed:?}");
    let plain = on_terminal(&desk, 100, "NO_COLOR=1 tollgate key list", "");
    assert!(!plain.stdout.contains('\u{1b}'), "{plain:?}");
    let widest = plain.stdout.lines().map(|line| line.chars().count()).max();
    assert_eq!(widest, Some(100), "{plain:?}");
    assert!(plain.stdout.contains("an application with a …"), "{plain:?}");
}

#[test]
fn what_cannot_be_undone_is_asked_about() {
    let desk = Desk::logged_in();
    let made = desk.create(&[]);
    let id = text(&made, "id");
    let line = format!("tollgate key revoke {id}");
    for answer in ["no\n", "y\n", "\n"] {
        let refused = on_terminal(&desk, 200, &line, answer);
        assert_eq!(refused.code, Some(10), "{refused:?}");
        assert!(refused.stdout.contains("will be refused from now on"), "{refused:?}");
        assert!(refused.stdout.contains("nothing was done"), "{refused:?}");
    }
    desk.run(&["key", "show", id]).done();
    let done = on_terminal(&desk, 200, &line, "yes\n");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(desk.run(&["key", "show", id]).failed(8).contains("no such key"));
}

#[test]
fn whoever_stops_reading_stops_the_command_without_a_word() {
    let desk = Desk::logged_in();
    for arguments in [&["key", "list"][..], &["key", "list", "--json"], &["completions", "bash"]] {
        let mut child = desk
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended: Finished = child.wait_with_output().unwrap().into();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = desk.command(&["key", "list"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
