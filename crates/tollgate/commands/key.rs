//! `tollgate key …`

mod applied;
mod create;
mod destination;
mod each;
mod export;
mod generate;
mod import;
mod kept;
mod key_set;
mod list;
mod named;
mod replace;
mod revoke;
mod show;
mod state;
mod watch;

use std::process::ExitCode;

use crate::cli::KeyCommand;
use crate::client::Failure;

pub(super) use kept::{instant, text};

pub(super) fn perform(command: &KeyCommand) -> ExitCode {
    let done = match command {
        KeyCommand::Generate(file) => return generate::perform(&file.config),
        KeyCommand::List(arguments) => list::perform(arguments),
        KeyCommand::Show(arguments) => show::perform(arguments),
        KeyCommand::Create(arguments) => create::perform(arguments),
        KeyCommand::Suspend(arguments) => state::perform(arguments, state::To::Suspended),
        KeyCommand::Activate(arguments) => state::perform(arguments, state::To::Active),
        KeyCommand::Rotate(arguments) => {
            replace::perform(&arguments.keys, replace::By::Rotation(arguments.overlap))
        }
        KeyCommand::Regenerate(arguments) => {
            replace::perform(&arguments.keys, replace::By::Regeneration(arguments.overlap))
        }
        KeyCommand::EndOverlap(arguments) => replace::end_overlap(arguments),
        KeyCommand::Revoke(arguments) => revoke::perform(arguments),
        KeyCommand::Watch(arguments) => watch::perform(arguments),
        KeyCommand::Import(arguments) => import::perform(arguments),
        KeyCommand::Export(arguments) => export::perform(arguments),
    };
    done.unwrap_or_else(|failure: Failure| failure.end())
}
