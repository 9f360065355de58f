//! Ways to upstreams.

mod checks;
mod deadlines;
mod faults;
mod http2;
mod killed;
mod names;
mod nginx;
mod pending;
mod stale;
mod targets;
mod tls;
mod unix;

use tempfile::TempDir;

use crate::support::{Config, Origin, Tollgate};

/// A gate whose one upstream is `section`, with files that a test has put into `folder`.
fn gate_in(folder: TempDir, origin: &Origin, sections: &[(&str, &str)]) -> Tollgate {
    let config = sections
        .iter()
        .fold(Config::new(origin), |config, (header, body)| config.section(header, body));
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    Tollgate::start_in(folder, "tollgate.toml")
}

/// The same without files.
fn gate(origin: &Origin, upstream: &str) -> Tollgate {
    gate_in(TempDir::new().unwrap(), origin, &[("upstreams.demo", upstream)])
}
