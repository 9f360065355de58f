//! Keys of other gateways, read out of what those write: bytes in, rows and remarks out.
//!
//! A reader carries over what means the same here. Whatever else stands in a document is a remark:
//! where, which field, why. A key that cannot be carried over is a problem of its row, and an
//! import of a document with one changes nothing.

mod apisix;
mod aws;
mod detect;
mod fields;
mod kong;
mod row;
mod tollgate;
mod tree;
mod tyk;
mod v3;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use row::{Limit, PlanName, Problem, Reading, Remark, Row, RowPlace, Window};
pub use tollgate::{write_head, write_row};

/// Whose document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DocumentFormat)]
pub enum Format {
    /// Kong's declarative configuration, YAML or JSON.
    Kong,
    /// What APISIX's admin API lists, or a standalone file of it.
    Apisix,
    /// AWS API Gateway's CSV of API keys.
    Aws,
    /// Sessions of Tyk's gateway API, by their keys.
    Tyk,
    /// A list of package keys of the v3 API.
    V3,
    /// Tollgate's own lines.
    Tollgate,
}

/// Why nothing of a document could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1; 0 for the document as a whole.
    pub line: usize,
    /// The column, from 1; 0 for the line as a whole.
    pub column: usize,
    /// What was expected. It repeats nothing of the document.
    pub message: String,
}

/// The longest document, in bytes.
pub const LONGEST: usize = 1 << 30;

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Kong, Self::Apisix, Self::Aws, Self::Tyk, Self::V3, Self::Tollgate];

    /// Its name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kong => "kong",
            Self::Apisix => "apisix",
            Self::Aws => "aws",
            Self::Tyk => "tyk",
            Self::V3 => "v3",
            Self::Tollgate => "tollgate",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The format of a document, by what only one gateway writes; `None` if it cannot be told.
    #[must_use]
    pub fn detect(document: &[u8]) -> Option<Self> {
        detect::detect(document)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// [`Malformed`] for one that is not of this format at all. What is wrong with single rows is
    /// among the [`Reading`]'s problems.
    pub fn read(self, document: &[u8]) -> Result<Reading, Malformed> {
        if document.len() > LONGEST {
            return Err(Malformed::whole(format!("expected {LONGEST} bytes at most")));
        }
        match self {
            Self::Kong => kong::read(document),
            Self::Apisix => apisix::read(document),
            Self::Aws => aws::read(document),
            Self::Tyk => tyk::read(document),
            Self::V3 => v3::read(document),
            Self::Tollgate => tollgate::read(document),
        }
    }
}

/// The place of an item of a list.
fn within(above: &str, list: &str, index: usize) -> RowPlace {
    let between = if above.is_empty() || list.is_empty() { "" } else { "." };
    RowPlace::Path(format!("{above}{between}{list}[{index}]").into())
}

impl Malformed {
    fn whole(message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, message: message.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.message),
            (line, 0) => write!(f, "line {line}: {}", self.message),
            (line, column) => write!(f, "line {line}, column {column}: {}", self.message),
        }
    }
}

impl std::error::Error for Malformed {}
