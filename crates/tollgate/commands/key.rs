//! `tollgate key …`

mod create;
mod each;
mod generate;
mod kept;
mod list;
mod named;
mod revoke;
mod show;
mod state;
mod watch;

use std::process::ExitCode;

use crate::cli::KeyCommand;
use crate::client::Failure;

pub(super) fn perform(command: &KeyCommand) -> ExitCode {
    let done = match command {
        KeyCommand::Generate(file) => return generate::perform(&file.config),
        KeyCommand::List(arguments) => list::perform(arguments),
        KeyCommand::Show(arguments) => show::perform(arguments),
        KeyCommand::Create(arguments) => create::perform(arguments),
        KeyCommand::Suspend(arguments) => state::perform(arguments, state::To::Suspended),
        KeyCommand::Activate(arguments) => state::perform(arguments, state::To::Active),
        KeyCommand::Revoke(arguments) => revoke::perform(arguments),
        KeyCommand::Watch(arguments) => watch::perform(arguments),
    };
    done.unwrap_or_else(|failure: Failure| failure.end())
}
