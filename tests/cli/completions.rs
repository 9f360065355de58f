//! Completions of shells.

use std::process::Command;

use crate::support::{finish, tollgate};

#[test]
fn every_shell_learns_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = tollgate(&["completions", shell], "");
        assert_eq!(printed.code, Some(0), "{printed:?}");
        for word in ["login", "suspend", "revoke", "preview", "--application", "--changes"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(printed.stdout.contains(word), "{shell}: {word}");
        }
        if shell == "bash" {
            let read = finish(Command::new("bash").arg("-n"), &printed.stdout);
            assert_eq!(read.code, Some(0), "{read:?}");
        }
    }
}
