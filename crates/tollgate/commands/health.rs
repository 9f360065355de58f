//! `tollgate health`: what a container's health check runs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::{FAILED, load, reachable, refuse, say};
use crate::clock::SystemClock;

const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn perform(path: &Path) -> ExitCode {
    let ops = match load(path, &SystemClock::new()) {
        Ok((config, _)) => reachable(config.settings.ops.address),
        Err(problems) => return refuse(&problems),
    };
    match ready(ops) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            say(format_args!("tollgate: the process at {ops} is not ready"));
            ExitCode::from(FAILED)
        }
        Err(error) => {
            say(format_args!("tollgate: nothing answers at {ops}: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn ready(ops: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&ops, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nhost: {ops}\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status == *b"HTTP/1.1 200")
}
