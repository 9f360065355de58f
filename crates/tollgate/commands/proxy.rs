//! `tollgate proxy …`

mod key;

use std::process::ExitCode;

use crate::cli::{AccessKeyCommand, ProxyCommand};
use crate::client::Failure;

pub(super) fn perform(command: &ProxyCommand) -> ExitCode {
    let done = match command {
        ProxyCommand::Key { command } => match command {
            AccessKeyCommand::Create(arguments) => key::create(arguments),
            AccessKeyCommand::List(asking) => key::list(asking),
            AccessKeyCommand::Revoke(arguments) => key::revoke(arguments),
            AccessKeyCommand::Delete(arguments) => key::delete(arguments),
        },
    };
    done.unwrap_or_else(|failure: Failure| failure.end())
}
