//! The key that is asked about.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use tollgate_control::secret::refuse_open;
use zeroize::Zeroizing;

use super::super::say;
use crate::boot::Failure;

/// The longest key (domain.md §1.2), a line break, and one byte to tell that there is more.
const LONGEST: usize = 255 + 2 + 1;

/// Reads the key from a file that only its owner can read, or else from standard input; nothing
/// where there is none.
pub(super) fn read(file: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let Some(path) = file else {
        let standard_input = io::stdin();
        if standard_input.is_terminal() {
            say(format_args!("the key, or nothing, and Ctrl-D:"));
        }
        return line(standard_input.lock()).map_err(|error| {
            format!("the key cannot be read from standard input: {error}").into()
        });
    };
    let failed = |error| format!("the key cannot be read from --key-file: {error}");
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    // A pipe of a shell is nobody else's.
    if metadata.is_file() {
        refuse_open(path, &metadata)?;
    }
    Ok(line(file).map_err(failed)?)
}

/// Reads to the end, or so much of it that it is known to be too long for a key. A line break at
/// the end is left out.
fn line(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // With room for all of it, so that growing leaves no copy of a part behind.
    let mut key = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    from.take(LONGEST as u64).read_to_end(&mut key)?;
    if key.ends_with(b"\n") {
        key.pop();
    }
    if key.ends_with(b"\r") {
        key.pop();
    }
    Ok(key)
}
