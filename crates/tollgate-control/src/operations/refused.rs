//! Why an operation was refused.

use std::fmt;

use crate::document::Place;
use crate::life_cycle;
use crate::seal::SealError;
use crate::store::{NotChanged, Reason};

/// What is wrong with one property of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The property, as the API calls it.
    pub property: String,
    /// What is wrong and what was expected. Never a secret.
    pub message: String,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The request breaks rules, all that were found.
    Invalid(Vec<Violation>),
    /// There is no object of this kind with this id.
    NotFound(&'static str),
    /// The object is the file's.
    OwnedByFile(Place),
    /// The life of the key does not allow it.
    Life(life_cycle::Refused),
    /// The subscription does not hold any more.
    Cancelled,
    /// The key set is in this state, and nothing more happens to it.
    Over(life_cycle::State),
    /// Somebody else has changed it since it was read.
    Outdated,
    /// Secrets cannot be sealed or opened.
    Sealing(SealError),
}

impl Refused {
    /// One property that is wrong.
    pub(crate) fn invalid(property: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { property: property.to_owned(), message: message.into() }])
    }
}

impl Reason for Refused {
    fn code(&self) -> &str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::NotFound(_) => "not_found",
            Self::OwnedByFile(_) => "owned_by_file",
            Self::Life(_) => "not_in_this_state",
            Self::Cancelled => "cancelled",
            Self::Over(_) => "not_in_this_state",
            Self::Outdated => "outdated",
            Self::Sealing(_) => "sealing_failed",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(violations) => {
                let mut between = "";
                for Violation { property, message } in violations {
                    write!(f, "{between}{property}: {message}")?;
                    between = "; ";
                }
                Ok(())
            }
            Self::NotFound(kind) => write!(f, "there is no such {kind}"),
            Self::OwnedByFile(place) => {
                write!(f, "it stands in {place} and is changed there, not over the API")
            }
            Self::Life(refused) => refused.fmt(f),
            Self::Cancelled => f.write_str("the subscription was cancelled before"),
            Self::Over(state) => write!(f, "the key set is {state}"),
            Self::Outdated => f.write_str("it was changed by somebody else in the meantime"),
            Self::Sealing(error) => write!(f, "its secret cannot be handled: {error}"),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for NotChanged<Refused> {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<life_cycle::Refused> for Refused {
    fn from(refused: life_cycle::Refused) -> Self {
        Self::Life(refused)
    }
}

impl From<life_cycle::Refused> for NotChanged<Refused> {
    fn from(refused: life_cycle::Refused) -> Self {
        Self::Refused(refused.into())
    }
}

impl From<SealError> for NotChanged<Refused> {
    fn from(error: SealError) -> Self {
        Self::Refused(Refused::Sealing(error))
    }
}
