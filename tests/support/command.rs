//! Commands of the binary that end by themselves.

use std::{
    ffi::OsStr,
    io::Write,
    process::{Command, Output, Stdio},
};

#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `tollgate` with these arguments and this standard input to its end.
pub(crate) fn tollgate<A: AsRef<OsStr>>(arguments: &[A], input: &str) -> Finished {
    finish(Command::new(env!("CARGO_BIN_EXE_tollgate")).args(arguments), input)
}

/// Runs a command with this standard input to its end.
pub(crate) fn finish(command: &mut Command, input: &str) -> Finished {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended without reading.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap().into()
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
