//! Each document of tests/bad has the mistakes that its first lines tell, and no other.
//!
//! A line `# expect 3:12: text` tells the place and a part of what is said of it;
//! `# expect keys.d/b.toml:3:12: text` a place in another file of the same folder. Documents whose
//! names begin with `glue-` have mistakes that another crate finds, and none here.

use std::fs;
use std::path::{Path, PathBuf};

use tollgate_control::document::{Problem, Problems};

use crate::read;

struct Case {
    /// The path of the document's folder, with a slash.
    folder: String,
    path: PathBuf,
    expected: Vec<String>,
}

impl Case {
    fn of(entry: &Path) -> Self {
        let path = if entry.is_dir() { entry.join("tollgate.toml") } else { entry.to_owned() };
        let text = fs::read_to_string(&path).unwrap();
        let expected = text.lines().map_while(|line| line.strip_prefix("# expect "));
        let folder = format!("{}/", path.parent().unwrap().display());
        Self { folder, expected: expected.map(str::to_owned).collect(), path }
    }

    fn is_glue(&self) -> bool {
        self.path.file_name().unwrap().to_string_lossy().starts_with("glue-")
    }

    /// Why what was found is not what was expected, if it is not.
    fn complaint(&self, found: &Problems) -> Option<String> {
        let right = found.len() == self.expected.len()
            && found
                .iter()
                .zip(&self.expected)
                .all(|(found, expected)| self.meets(found, expected));
        let (path, expected) = (self.path.display(), self.expected.join("\n"));
        (!right).then(|| format!("{path}\nexpected\n{expected}\nfound\n{found}\n"))
    }

    fn meets(&self, found: &Problem, expected: &str) -> bool {
        let found = found.to_string();
        let Some(found) = found.strip_prefix(&self.folder) else { return false };
        let Some((place, text)) = expected.split_once(": ") else { return false };
        let own = self.path.file_name().unwrap().to_string_lossy();
        let place =
            if place.contains(".toml:") { place.to_owned() } else { format!("{own}:{place}") };
        found.strip_prefix(&format!("{place}: ")).is_some_and(|found| found.contains(text))
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bad");
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().map(|entry| Case::of(entry)).collect()
}

fn problems(case: &Case) -> Problems {
    read(&case.path).err().unwrap_or_default()
}

#[test]
fn each_mistake_is_found_where_it_is() {
    let cases: Vec<_> = cases().into_iter().filter(|case| !case.is_glue()).collect();
    assert!(cases.len() > 64, "{}", cases.len());
    let complaints: Vec<_> =
        cases.iter().filter_map(|case| case.complaint(&problems(case))).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn ten_mistakes_are_ten_problems() {
    let ten = cases().into_iter().find(|case| case.path.ends_with("ten.toml")).unwrap();
    assert_eq!(ten.expected.len(), 10);
    assert_eq!(problems(&ten).len(), 10);
}

#[test]
fn what_is_for_another_crate_to_find_is_right_here() {
    for case in cases().iter().filter(|case| case.is_glue()) {
        let found = problems(case);
        assert!(found.is_empty(), "{}\n{found}", case.path.display());
    }
}
