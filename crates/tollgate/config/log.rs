//! `[log]`

use tollgate_control::document::Section;
use tollgate_control::document::kind::Choice;
use tracing::Level;

const LEVEL: Choice<Level> = Choice::of(&[
    ("error", Level::ERROR),
    ("warn", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
]);
const FORMAT: Choice<Format> = Choice::of(&[("text", Format::Text), ("json", Format::Json)]);

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Events below it are left out.
    pub level: Level,
    /// How an event is written.
    pub format: Format,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for people.
    Text,
    /// A line of JSON.
    Json,
}

pub(super) fn read(section: &mut Section) -> Log {
    Log {
        level: section.or("level", LEVEL, Level::INFO),
        format: section.or("format", FORMAT, Format::Text),
    }
}
