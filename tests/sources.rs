//! The files of this repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

pub(crate) fn read(below: &str) -> String {
    fs::read_to_string(path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
}

/// Every Rust file below a folder, with what it says.
pub(crate) fn rust_files(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![path(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let each = entry.unwrap().path();
            if each.is_dir() {
                folders.push(each);
            } else if each.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&each).unwrap();
                files.push((each, text));
            }
        }
    }
    files.sort();
    files
}

/// The part of a file that goes into the binary: what stands before its tests.
pub(crate) fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests").map_or(text, |tests| &text[..tests])
}
