//! The documents that come with the sources, as the binary reads them: those of tests/bad are
//! refused for what stands in their first lines, those of config/ are right.
//!
//! A line `# expect 3:12: text` tells the place of a problem and a part of what is said of it;
//! `# expect keys.d/b.toml:3:12: text` a place in another file of the same folder.

use std::fs;
use std::path::{Path, PathBuf};

use tollgate::config::Config;
use tollgate_control::document::{knobs, reference};

use crate::support::{Finished, tollgate};

fn path(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn check(document: &Path) -> Finished {
    tollgate(&["check", "--config", document.to_str().unwrap()], "")
}

/// A document of tests/bad.
struct Case {
    document: PathBuf,
    expected: Vec<String>,
}

impl Case {
    fn of(entry: PathBuf) -> Self {
        let document = if entry.is_dir() { entry.join("tollgate.toml") } else { entry };
        let text = fs::read_to_string(&document).unwrap();
        let expected = text.lines().map_while(|line| line.strip_prefix("# expect "));
        Self { expected: expected.map(str::to_owned).collect(), document }
    }

    /// Why it is not refused for exactly what it should be, if it is not.
    fn complaint(&self) -> Option<String> {
        let found = check(&self.document);
        let lines: Vec<_> = found.stderr.lines().collect();
        let right = found.code == Some(2)
            && found.stdout.is_empty()
            && lines.len() == self.expected.len()
            && lines.iter().zip(&self.expected).all(|(line, expected)| self.meets(line, expected));
        let (document, expected) = (self.document.display(), self.expected.join("\n"));
        (!right).then(|| format!("{document}\nexpected\n{expected}\nfound\n{found:?}\n"))
    }

    /// Whether a line of the binary tells of this place and says this.
    fn meets(&self, line: &str, expected: &str) -> bool {
        let (place, text) = expected.split_once(": ").unwrap();
        let place = match place.split_once(".toml:") {
            Some(_) => self.document.with_file_name(place).display().to_string(),
            None => format!("{}:{place}", self.document.display()),
        };
        line.strip_prefix(&format!("{place}: ")).is_some_and(|said| said.contains(text))
    }
}

#[test]
fn every_mistake_of_the_corpus_is_told_where_it_is() {
    let mut entries: Vec<_> =
        fs::read_dir(path("tests/bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    assert!(entries.len() > 100, "{}", entries.len());
    let complaints: Vec<_> =
        entries.into_iter().filter_map(|entry| Case::of(entry).complaint()).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_document_of_config_is_right() {
    let folder = tempfile::tempdir().unwrap();
    // An image has it, and keys are mounted there.
    fs::create_dir(folder.path().join("keys.d")).unwrap();
    for name in ["tollgate.toml", "reference.toml", "container.toml"] {
        let document = folder.path().join(name);
        fs::copy(path("config").join(name), &document).unwrap();
        let found = check(&document);
        assert_eq!((found.code, &*found.stderr), (Some(0), ""), "{name}");
        assert!(found.stdout.contains("no problems"), "{name}: {}", found.stdout);
    }
}

#[test]
fn the_reference_shows_every_setting_with_its_default() {
    let text = fs::read_to_string(path("config/reference.toml")).unwrap();
    let differences = reference::differences(&text, &knobs(|root| Config::read(root, 0)), &[]);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
