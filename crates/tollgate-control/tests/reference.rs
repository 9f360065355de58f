//! The reference document shows every setting, with the default that the code uses.

use std::path::{Path, PathBuf};

use tollgate_control::document::{self, Section, reference};
use tollgate_control::file::read_objects;
use tollgate_control::model::Objects;

/// Sections that another crate reads.
const ASIDE: [&str; 4] = ["log", "process", "ops", "listeners"];

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/reference.toml")
}

fn read(root: &mut Section) -> Objects {
    for section in ASIDE {
        root.ignore(section);
    }
    read_objects(root, 0)
}

#[test]
fn the_reference_shows_every_setting_with_its_default() {
    let text = std::fs::read_to_string(path()).unwrap();
    let differences = reference::differences(&text, &document::knobs(read), &ASIDE);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_reference_is_a_document_without_problems() {
    let (objects, warnings) = document::read(&path(), read).unwrap_or_else(|p| panic!("{p}"));
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(objects.services.len(), 1);
    assert_eq!(objects.keys.len(), 1);
}
