//! The text of one file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::value::Table;
use super::{Place, Problem};

/// The text of a file under the name that the operator gave it.
pub(super) struct Text {
    name: Arc<str>,
    path: PathBuf,
    text: String,
    /// The byte at which each line starts; the first is 0.
    lines: Vec<usize>,
}

impl Text {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// A problem that names the file when it cannot be read or is not UTF-8.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| Problem {
            place: Place::start_of(&name),
            field: String::new(),
            message: format!("the file cannot be read: {error}"),
        })?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                // What stands before the bad byte is UTF-8, so the place is found in it as in any
                // text.
                let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
                Err(Problem {
                    place: Self::new(path, before).place(valid),
                    field: String::new(),
                    message: "the file is not UTF-8 from here on, expected TOML in UTF-8"
                        .to_owned(),
                })
            }
        }
    }

    pub(super) fn new(path: &Path, text: String) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = [0].into_iter().chain(newlines.map(|(at, _)| at + 1)).collect();
        Self { name: path.display().to_string().into(), path: path.to_owned(), text, lines }
    }

    /// Where the file lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The root table, or every syntax error.
    pub(super) fn parse(&self) -> Result<Table, Vec<Problem>> {
        let (root, errors) = DeTable::parse_recoverable(&self.text);
        if errors.is_empty() {
            return Ok(root.into_inner().into());
        }
        let problem = |error: &toml::de::Error| Problem {
            // Without a span the file ended too early.
            place: self.place(error.span().map_or(self.text.len(), |span| span.start)),
            field: String::new(),
            message: error.message().to_owned(),
        };
        Err(errors.iter().map(problem).collect())
    }

    /// The place of a byte.
    pub(super) fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        let column = before.chars().count() + 1;
        Place {
            file: Arc::clone(&self.name),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, offset: usize) -> (u32, u32) {
        let place = Text::new(Path::new("a.toml"), text.to_owned()).place(offset);
        (place.line, place.column)
    }

    #[test]
    fn columns_are_characters() {
        assert_eq!(place("", 0), (1, 1));
        assert_eq!(place("ab\ncd", 1), (1, 2));
        assert_eq!(place("ab\ncd", 2), (1, 3));
        assert_eq!(place("ab\ncd", 3), (2, 1));
        assert_eq!(place("ä = ß\nx", 5), (1, 5));
        assert_eq!(place("ab\n", 3), (2, 1));
        assert_eq!(place("ab", 99), (1, 3));
    }

    #[test]
    fn every_syntax_error_is_found() {
        let text = Text::new(Path::new("a.toml"), "a = \nb = 1\nb = 2\n[c\n".to_owned());
        let mut lines: Vec<_> = text.parse().unwrap_err().iter().map(|p| p.place.line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [1, 3, 4]);
    }
}
