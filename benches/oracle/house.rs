//! A configuration with many keys of every state that callers cannot tell apart.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Keys of each state.
pub(crate) const KEYS: usize = 2000;

/// Keys beside them, so that a table is as full as usual.
const OTHERS: usize = 20_000;

/// The states, the first of which is held against the others; the second is the first once more, to
/// show what the measurement itself makes of no difference.
pub(crate) const STATES: [&str; 8] = [
    "unknown",
    "unknown-too",
    "suspended",
    "revoked",
    "pending",
    "expired",
    "owner-inactive",
    "plan-inactive",
];

/// The key of this number and state: all are equally long.
pub(crate) fn key(state: usize, number: usize) -> String {
    format!("bench-key-{state}-{number:06}")
}

/// Writes a configuration. With `two_schemes` all keys are of the current one, and another is tried
/// for those that it does not find.
pub(crate) fn write(folder: &Path, two_schemes: bool, log: bool) -> PathBuf {
    let mut text = String::from(
        "log.level = \"error\"\nprocess.workers = 1\nstrangers.throttle = false\n\
         ops.address = \"127.0.0.1:0\"\nlisteners.bench.address = \"127.0.0.1:0\"\n\
         upstreams.mock.response = {}\nservices.bench = { upstream = \"mock\", endpoints.all = {} }\n\
         members.bench = {}\napplications.awake = { owner = \"bench\" }\n\
         applications.asleep = { owner = \"bench\", status = \"suspended\" }\n",
    );
    if two_schemes {
        let pepper = folder.join("pepper");
        std::fs::write(&pepper, "a-pepper-for-a-bench").expect("a pepper");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&pepper, mode).expect("a mode");
        text += "digest.previous = { scheme = \"hmac-sha256\", pepper_file = \"pepper\" }\n";
    }
    if log {
        text += "access_log.path = \"access.log\"\n";
    }
    for (plan, status) in [("open", "active"), ("closed", "inactive")] {
        write!(
            text,
            "[packages.bench.plans.{plan}]\nstatus = \"{status}\"\nqps_limit_exempt = true\n\
             rate_limit_exempt = true\nservices.bench = {{}}\n"
        )
        .expect("a string");
    }
    for number in 0..OTHERS {
        add(&mut text, STATES.len(), number, "active");
    }
    for (state, name) in STATES.iter().enumerate().skip(2) {
        for number in 0..KEYS {
            add(&mut text, state, number, name);
        }
    }
    let path = folder.join("tollgate.toml");
    std::fs::write(&path, text).expect("a configuration");
    path
}

fn add(text: &mut String, state: usize, number: usize, name: &str) {
    let digest = Sha256::digest(key(state, number));
    let digest = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let application = if name == "owner-inactive" { "asleep" } else { "awake" };
    let plan = if name == "plan-inactive" { "closed" } else { "open" };
    let more = match name {
        "suspended" => "status = \"suspended\"",
        "revoked" => "status = \"revoked\"",
        "pending" => "status = \"waiting\"",
        "expired" => "expires = 2020-01-01",
        _ => "",
    };
    writeln!(
        text,
        "[keys.k-{state}-{number}]\ndigest = \"sha256:{digest}\"\napplication = \"{application}\"\n\
         package = \"bench\"\nplan = \"{plan}\"\n{more}"
    )
    .expect("a string");
}
