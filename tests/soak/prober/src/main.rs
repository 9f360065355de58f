//! Changes keys under load and sends the requests that each change decides.
//!
//! `soak-prober keys FILE` writes the keys to begin with; `soak-prober swap …` changes them once a
//! second. What must never reach the upstream is written down by request id, for its log to judge.

mod connection;
mod gate;
mod keys;
mod metrics;
mod probes;
mod swap;
mod workers;

use std::error::Error;
use std::process::ExitCode;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("soak-prober: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every bound held.
fn run(arguments: &[&str]) -> Result<bool, Failure> {
    match *arguments {
        ["keys", file] => {
            std::fs::write(file, keys::File::default().at(0))?;
            Ok(true)
        }
        ["swap", data, ops, pid, folder, probes, seconds, judged_from] => {
            let settings = swap::Settings {
                data: data.parse()?,
                ops: ops.parse()?,
                pid: pid.parse()?,
                folder: folder.into(),
                probes: probes.into(),
                seconds: seconds.parse()?,
                judged_from: judged_from.parse()?,
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let local = tokio::task::LocalSet::new();
            runtime.block_on(local.run_until(swap::run(settings)))
        }
        _ => {
            Err("expected keys FILE, or swap DATA OPS PID FOLDER PROBES SECONDS JUDGED_FROM".into())
        }
    }
}
