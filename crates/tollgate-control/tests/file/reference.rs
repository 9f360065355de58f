//! The reference document shows every setting, with the default that the code uses.

use std::path::{Path, PathBuf};

use tollgate_control::document::{self, reference};

use crate::{ASIDE, read, reader};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/reference.toml")
}

#[test]
fn the_reference_shows_every_setting_with_its_default() {
    let text = std::fs::read_to_string(path()).unwrap();
    let differences = reference::differences(&text, &document::knobs(reader), &ASIDE);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_reference_is_a_document_without_problems() {
    let (objects, warnings) = read(&path()).unwrap_or_else(|p| panic!("{p}"));
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(objects.services.len(), 1);
    assert_eq!(objects.keys.len(), 1);
}
