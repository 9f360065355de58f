//! `tollgate proxy …`

mod key;
mod roll;

use std::process::ExitCode;

use crate::cli::{AccessKeyCommand, ProxyCommand};
use crate::client::Failure;

pub(super) fn perform(command: &ProxyCommand) -> ExitCode {
    let done = match command {
        ProxyCommand::List(asking) => roll::list(asking),
        ProxyCommand::Status(arguments) => roll::status(arguments),
        ProxyCommand::Forget(arguments) => roll::forget(arguments),
        ProxyCommand::Key { command } => match command {
            AccessKeyCommand::Create(arguments) => key::create(arguments),
            AccessKeyCommand::List(asking) => key::list(asking),
            AccessKeyCommand::Revoke(arguments) => key::revoke(arguments),
            AccessKeyCommand::Delete(arguments) => key::delete(arguments),
        },
    };
    done.unwrap_or_else(|failure: Failure| failure.end())
}
