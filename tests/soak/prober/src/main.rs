//! Changes keys under load, kills, fills disks, and sends the requests that each change decides.
//!
//! `soak-prober keys FILE` writes the keys to begin with; `soak-prober swap …` changes them once a
//! second; `revoke` takes keys away over the admin API. What must never reach the upstream is written
//! down by request id, for its log to judge. `kill` and `disk` start a gate of their own; `flood` sends what no
//! client should; `faults` is an upstream that fails, and the clients that must not be deceived.

mod admin;
mod connection;
mod disk;
mod faults;
mod fleet;
mod flood;
mod frames;
mod gate;
mod keys;
mod kill;
mod metrics;
mod origin;
mod probes;
mod process;
mod random;
mod revoke;
mod swap;
mod workers;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use process::Program;
use rustix::process::{Signal, set_parent_process_death_signal};

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    // However the script ends that has started it, it does not outlive that.
    let ends = set_parent_process_death_signal(Some(Signal::KILL));
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match ends.map_err(Failure::from).and_then(|()| run(&arguments)) {
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
            block_on(swap::run(settings))
        }
        ["kill", binary, folder, origin, kills, victim, spoil] => {
            block_on(kill::run(kill::Settings {
                program: Program::new(Path::new(binary), Path::new(folder)),
                origin: origin.to_owned(),
                kills: kills.parse()?,
                victim: match victim {
                    "gate" => kill::Victim::Gate,
                    command => kill::Victim::Server(command.to_owned()),
                },
                spoil: spoil.to_owned(),
            }))
        }
        ["revoke", data, admin, pid, first, probes, revocations, judged_from] => {
            block_on(revoke::run(revoke::Settings {
                data: data.parse()?,
                admin: admin.parse()?,
                pid: pid.parse()?,
                first_administrator: first.into(),
                probes: probes.into(),
                revocations: revocations.parse()?,
                judged_from: judged_from.parse()?,
            }))
        }
        ["disk", binary, folder, origin, close, open, times] => {
            block_on(disk::run(disk::Settings {
                program: Program::new(Path::new(binary), Path::new(folder)),
                origin: origin.to_owned(),
                close: close.to_owned(),
                open: open.to_owned(),
                times: times.parse()?,
            }))
        }
        ["flood", data, ops, seconds, p99, only] => block_on(flood::run(flood::Settings {
            data: data.parse()?,
            ops: ops.parse()?,
            seconds: seconds.parse()?,
            p99: std::time::Duration::from_millis(p99.parse()?),
            only: (*only).to_owned(),
        })),
        ["faults", data, ops, http1, http2, seconds, seed, spoil] => {
            block_on(faults::run(faults::Settings {
                data: data.parse()?,
                ops: ops.parse()?,
                upstreams: [http1.parse()?, http2.parse()?],
                seconds: seconds.parse()?,
                seed: if seed.is_empty() { random::Random::seed() } else { seed.parse()? },
                spoil: spoil.parse()?,
            }))
        }
        ["origin", address] => {
            origin::start(address)?;
            block_on(std::future::pending())
        }
        ["fleet", binary, folder, what, ref more @ ..] => {
            block_on(fleet::run(Path::new(binary), Path::new(folder), what, more))
        }
        _ => Err("expected what a script says".into()),
    }
}

fn block_on(soak: impl Future<Output = Result<bool, Failure>>) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, soak)
}
