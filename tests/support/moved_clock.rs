//! A gate by a clock that a test moves: the program itself in a process of its own, with another
//! hand on the clock, and on where names lead. Its program is a test of this very binary that nobody else runs.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use ::tollgate::commands::Around;
use tollgate_core::{Clock, Now};

use super::moved_names;

/// Names the configuration to the program.
const CONFIG: &str = "TOLLGATE_BY_MOVED_CLOCK";

/// The system's clock, and what a file says it is wrong by.
struct Moved {
    start: Instant,
    file: PathBuf,
}

impl Clock for Moved {
    fn now(&self) -> Now {
        let moved = Duration::from_secs(moved(&self.file).unsigned_abs());
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + moved;
        let monotonic = u64::try_from(self.start.elapsed().as_nanos()).unwrap();
        Now { monotonic, unix_ms: u64::try_from(unix.as_millis()).unwrap() }
    }
}

/// What runs a gate with this configuration.
pub(super) fn program(config: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "support::moved_clock::the_program", "--ignored", "--nocapture"])
        .args(["--test-threads", "2"])
        .env(CONFIG, config);
    command
}

/// Moves the clock of a gate on.
pub(super) fn advance(config: &Path, seconds: i64) {
    let (file, new) = (beside(config), config.with_extension("new-clock"));
    fs::write(&new, (moved(&file) + seconds).to_string()).unwrap();
    fs::rename(new, file).unwrap();
}

#[test]
#[ignore = "it is the program of gates whose clock is moved"]
fn the_program() {
    let Ok(config) = env::var(CONFIG) else { return };
    let config = Path::new(&config);
    let clock = Moved { start: Instant::now(), file: beside(config) };
    let around = Around { clock: Arc::new(clock), resolver: moved_names::resolver(config) };
    assert_eq!(::tollgate::commands::serve(config, around), ExitCode::SUCCESS);
}

fn beside(config: &Path) -> PathBuf {
    config.with_extension("clock")
}

fn moved(file: &Path) -> i64 {
    fs::read_to_string(file).map_or(0, |text| text.parse().unwrap())
}
