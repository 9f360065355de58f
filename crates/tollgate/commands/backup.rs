//! `tollgate backup`

use std::process::ExitCode;

use tollgate_control::plane::StorePlace;
use tollgate_control::store::{Inspected, back_up};

use super::{FAILED, WRONG, control, say};
use crate::cli::BackupArguments;

#[expect(clippy::print_stdout, reason = "what the backup holds is the program's answer")]
pub(super) fn perform(BackupArguments { file, to }: &BackupArguments) -> ExitCode {
    let store = match control::read(&file.config) {
        Ok((_, settings)) => settings.store,
        Err(code) => return code,
    };
    let StorePlace::File(store) = store else {
        say(format_args!(
            "tollgate: the store is a PostgreSQL database: pg_dump makes backups of it"
        ));
        return ExitCode::from(WRONG);
    };
    match back_up(&store, to) {
        Ok(inspected) => {
            println!("{}: {}", to.display(), shown(inspected));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(format_args!("tollgate: no backup was made: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

/// What a database holds, in words.
pub(super) fn shown(Inspected { newest, entries, keys }: Inspected) -> String {
    let (epoch, number) = (newest.epoch, newest.number);
    format!("revision {number} of epoch {epoch}, {keys} keys, {entries} audit entries; it is whole")
}
