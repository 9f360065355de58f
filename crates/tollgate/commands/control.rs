//! The control plane of a configuration, for commands that work on its store.

use std::path::Path;
use std::process::ExitCode;

use tollgate_control::plane::ControlSettings;

use super::{WRONG, load, refuse, say};
use crate::clock::SystemClock;
use crate::config::Config;

/// Reads a configuration that has a control plane, or says what is wrong with it.
pub(super) fn read(path: &Path) -> Result<(Config, ControlSettings), ExitCode> {
    let config = match load(path, &SystemClock::new()) {
        Ok((config, _)) => config,
        Err(problems) => return Err(refuse(&problems)),
    };
    let Some(control) = &config.settings.control else {
        say(format_args!("{}: control: missing, so there is no store", path.display()));
        return Err(ExitCode::from(WRONG));
    };
    let settings = control.settings.clone();
    Ok((config, settings))
}
