//! Asking a running process.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tollgate_proxy::explain::Explanation;

use crate::boot::Failure;
use crate::config::Ops;
use crate::explain::{LONGEST_QUESTION, Question, Reply};

/// How long the process may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer, in bytes.
const LONGEST_ANSWER: u64 = 1 << 20;

/// What the process of a configuration says.
pub(super) fn running(ops: &Ops, question: &Question) -> Result<Explanation, Failure> {
    let path = ops
        .explain_socket
        .as_ref()
        .ok_or("the configuration names no socket to ask at, expected explain_socket in [ops]")?;
    let place = path.display();
    let unreachable = |error| format!("nothing answers at {place}: {error}");
    // A socket that others can reach is not the one that a process makes.
    let mode = fs::symlink_metadata(path).map_err(unreachable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("{place} is open to others, expected mode 0600").into());
    }
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    if line.len() as u64 > LONGEST_QUESTION {
        return Err(format!("the request is longer than {LONGEST_QUESTION} bytes").into());
    }
    let mut stream = UnixStream::connect(path).map_err(unreachable)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&line).map_err(unreachable)?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).map_err(unreachable)?;
    match serde_json::from_slice(&answer) {
        Ok(Reply::Explanation(explanation)) => Ok(*explanation),
        Ok(Reply::Error(error)) => Err(error.into()),
        Err(_) => Err(format!(
            "what answers at {place} does not explain, expected a process of this version"
        )
        .into()),
    }
}
