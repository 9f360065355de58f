//! From a requirement to its proof and back.

use std::{collections::BTreeSet, fmt};

use crate::sources;

/// `S3-8` is (3, 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number(u32, u32);

type Proof = (Number, String);

/// How many requirements each document has.
const REQUIREMENTS: [u32; 5] = [7, 9, 10, 25, 26];

impl Number {
    fn exists(self) -> bool {
        let last = REQUIREMENTS.get(self.0 as usize).copied().unwrap_or(0);
        (1..=last).contains(&self.1)
    }

    /// Of `S3-8`.
    fn listed(text: &str) -> Option<Self> {
        let (document, requirement) = text.strip_prefix('S')?.split_once('-')?;
        Some(Self(document.parse().ok()?, requirement.parse().ok()?))
    }

    /// Of `s3_8_a_quota_counts_calls`.
    fn of_test(name: &str) -> Option<Self> {
        let mut words = name.strip_prefix('s')?.splitn(3, '_');
        let number = Self(words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().map(|_| number)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "S{}-{}", self.0, self.1)
    }
}

#[test]
fn every_proof_is_listed_and_every_listed_one_exists() {
    let (listed, written) = (listed(), written());
    let listed: BTreeSet<_> = listed.into_iter().collect();
    let unlisted: Vec<_> = written.difference(&listed).map(line).collect();
    let unwritten: Vec<_> = listed.difference(&written).map(line).collect();
    assert!(unlisted.is_empty(), "not in tests/requirements:\n{}", unlisted.join("\n"));
    assert!(unwritten.is_empty(), "listed, but no such test:\n{}", unwritten.join("\n"));
}

#[test]
fn the_list_is_sorted_and_says_nothing_twice() {
    let listed = listed();
    assert!(listed.is_sorted_by(|one, next| one < next), "{listed:?}");
}

#[test]
fn every_number_is_a_requirement() {
    for (number, name) in listed() {
        assert!(number.exists(), "{number} {name}");
        assert_eq!(Number::of_test(&name), Some(number), "{name} names another number");
    }
}

fn line((number, name): &Proof) -> String {
    format!("{number} {name}")
}

fn listed() -> Vec<Proof> {
    let text = sources::read("tests/requirements");
    let proof = |line: &str| {
        let (number, name) = line.split_once(' ')?;
        Some((Number::listed(number)?, name.to_owned()))
    };
    text.lines().map(|line| proof(line).unwrap_or_else(|| panic!("not a proof: {line}"))).collect()
}

/// Functions with a number in front that are tests.
fn written() -> BTreeSet<Proof> {
    let mut written = BTreeSet::new();
    for (file, text) in ["tests", "crates"].into_iter().flat_map(sources::rust_files) {
        let mut attributes = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[") {
                attributes.push(line);
                continue;
            }
            let name = line.trim_start_matches("async ").strip_prefix("fn ");
            let name = name.and_then(|rest| rest.split(['(', '<']).next()).unwrap_or("");
            if let Some(number) = Number::of_test(name) {
                let place = file.display();
                assert!(attributes.iter().any(|each| each.contains("test")), "{place}: {name}");
                let new = written.insert((number, name.to_owned()));
                assert!(new, "{place}: {name} stands twice");
            }
            attributes.clear();
        }
    }
    written
}
