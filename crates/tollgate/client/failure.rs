//! Why a command of the control plane's client did not do what it was asked for.

use std::fmt;
use std::process::ExitCode;

use super::refusal::{Kind, Refusal};

/// Why nothing was done, or not all of it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for makes no sense, or nobody could be asked to confirm it.
    Wrong(String),
    /// The machine or the network failed.
    Failed(String),
    /// Nobody is logged in, or not any more.
    NotLoggedIn(String),
    /// There is no such thing.
    Missing(String),
    /// It is in no state for this.
    Conflict(String),
    /// The control plane refused.
    Refused(Refusal),
    /// Somebody was asked and did not say yes.
    NotConfirmed,
    /// Nobody reads standard output any more.
    Closed,
}

/// Nobody is logged in, or the token is not good.
pub(crate) const NOT_LOGGED_IN: u8 = 6;
/// The roles of whoever is logged in do not permit it.
pub(crate) const NOT_PERMITTED: u8 = 7;
/// There is no such thing.
pub(crate) const MISSING: u8 = 8;
/// It is in no state for this, is owned by a file, or has changed meanwhile.
pub(crate) const CONFLICT: u8 = 9;
/// Somebody was asked and did not say yes.
pub(crate) const NOT_CONFIRMED: u8 = 10;

impl Failure {
    /// The exit code that tells it (docs/cli.md).
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Failed(_) => crate::commands::FAILED,
            Self::Wrong(_) => crate::commands::WRONG,
            Self::NotLoggedIn(_) => NOT_LOGGED_IN,
            Self::Missing(_) => MISSING,
            Self::Conflict(_) => CONFLICT,
            Self::NotConfirmed => NOT_CONFIRMED,
            Self::Refused(refusal) => match refusal.kind {
                Kind::BadToken => NOT_LOGGED_IN,
                Kind::NotPermitted => NOT_PERMITTED,
                Kind::Missing => MISSING,
                Kind::Conflict => CONFLICT,
                Kind::Invalid => crate::commands::WRONG,
                Kind::Failed => crate::commands::FAILED,
            },
        }
    }

    /// Tells it on standard error, each reason in a line.
    pub(crate) fn tell(&self, about: Option<&str>) {
        if matches!(self, Self::Closed) {
            return;
        }
        let about = about.map(|about| format!("{about}: ")).unwrap_or_default();
        for line in self.to_string().lines() {
            crate::commands::say(format_args!("tollgate: {about}{}", super::clean(line)));
        }
    }

    /// Tells it and ends the command.
    pub(crate) fn end(&self) -> ExitCode {
        self.tell(None);
        ExitCode::from(self.code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(what)
            | Self::Failed(what)
            | Self::NotLoggedIn(what)
            | Self::Missing(what)
            | Self::Conflict(what) => f.write_str(what),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::NotConfirmed => f.write_str("not confirmed: nothing was done"),
            Self::Closed => f.write_str("standard output is closed"),
        }
    }
}

impl From<tollgate_control::secret::SecretFileError> for Failure {
    fn from(error: tollgate_control::secret::SecretFileError) -> Self {
        Self::Wrong(error.to_string())
    }
}
