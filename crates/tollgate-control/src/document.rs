//! Reading TOML in such a way that every mistake in it is found at once, each with its place.
//!
//! [`read`] opens a file and hands its root [`Section`] to a reader. The reader asks the section
//! for fields by name and [`Kind`]; a section records what does not fit and goes on, and reports
//! the fields that nobody asked for when it is dropped. A document is all or nothing: with a single
//! problem in it, what was read is thrown away.
//!
//! The same reader given to [`knobs`] tells which fields it asks for and with which defaults, so
//! that a test can hold the reference document against it ([`reference`](mod@reference)).

mod hint;
mod knob;
mod place;
mod problem;
mod report;
mod section;
mod text;
mod value;

pub mod kind;
pub mod reference;

use std::path::Path;
use std::rc::Rc;

pub use self::hint::one_of;
pub use self::kind::{Kind, Misfit};
pub use self::knob::{Fallback, Knob};
pub use self::place::Place;
pub use self::problem::{Problem, Problems, Warnings};
pub use self::section::{Item, Section, Site};
pub use self::value::Value;

use self::report::Report;

/// Reads the TOML file at `path` with `reader`.
///
/// The reader takes what it wants from the root section; whatever it leaves behind is reported as
/// unknown. It returns a value in any case, with stand-ins where something did not fit: such a
/// value never leaves this function.
///
/// # Errors
///
/// Every problem of the document, in the order of their places. A file with syntax errors is
/// reported for these alone, as what it would say without them is guesswork.
pub fn read<T>(
    path: &Path,
    reader: impl FnOnce(&mut Section) -> T,
) -> Result<(T, Warnings), Problems> {
    let report = Rc::new(Report::of_problems());
    let value = Section::open(path, &report).map(|mut root| reader(&mut root));
    let (problems, warnings) = report.take();
    match value {
        Some(value) if problems.is_empty() => Ok((value, warnings)),
        _ => Err(problems),
    }
}

/// Every field that `reader` asks a root section for, in the order of asking.
///
/// It meets a document in which each table exists, each table of named tables holds one called `*`,
/// and no field is set.
pub fn knobs<T>(reader: impl FnOnce(&mut Section) -> T) -> Vec<Knob> {
    let report = Rc::new(Report::of_knobs());
    drop(reader(&mut Section::probe(&report)));
    report.take_knobs()
}
