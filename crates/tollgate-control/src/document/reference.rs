//! Holding the reference document against the fields that the code asks for.
//!
//! The reference shows every field on a line of its own, `name = value # what it does`. A field
//! whose default is nothing may stand as `#name = value # what it does`, and a table likewise as
//! `#[name]`; a comment of prose has a blank after its `#`.

use std::collections::BTreeSet;

use super::{Fallback, Knob};

/// A line of the reference that sets a field.
struct Shown<'t> {
    line: usize,
    path: Vec<&'t str>,
    value: &'t str,
    explained: bool,
    /// Whether it is only mentioned in a table that is set.
    mentioned: bool,
}

/// What is wrong with the reference: fields not shown, shown with another default, unknown or
/// without a word of what they do. Nothing when it is right. Fields of the top-level sections named
/// in `aside` are left out of it.
pub fn differences(reference: &str, knobs: &[Knob], aside: &[&str]) -> Vec<String> {
    let shown: Vec<_> = lines(reference)
        .into_iter()
        .filter(|shown| shown.path.first().is_none_or(|section| !aside.contains(section)))
        .collect();
    let mut differences = Vec::new();
    let mut known = BTreeSet::new();
    for knob in knobs {
        let path: Vec<_> = knob.path.split('.').collect();
        let mut places = shown.iter().filter(|shown| matches(&path, &shown.path)).peekable();
        if places.peek().is_none() {
            differences.push(format!("{} is not shown", knob.path));
        }
        for place in places {
            known.insert(place.line);
            differences.extend(disagreement(knob, place));
        }
    }
    for place in &shown {
        let (line, path) = (place.line, place.path.join("."));
        if !known.contains(&line) {
            differences.push(format!("line {line}: nothing asks for {path}"));
        }
        if !place.explained {
            differences.push(format!("line {line}: {path} is not explained"));
        }
    }
    differences
}

fn disagreement(knob: &Knob, place: &Shown<'_>) -> Option<String> {
    let Fallback::Value(default) = &knob.fallback else {
        return None;
    };
    let (line, path, value) = (place.line, &knob.path, place.value);
    if place.mentioned {
        return Some(format!(
            "line {line}: {path} has the default {default} and is only mentioned"
        ));
    }
    (value != default).then(|| format!("line {line}: {path} is {default} by default, not {value}"))
}

fn lines(reference: &str) -> Vec<Shown<'_>> {
    let mut section: Vec<&str> = Vec::new();
    let mut section_live = true;
    let mut shown = Vec::new();
    for (number, line) in reference.lines().enumerate() {
        let (text, live) = match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
                (rest, false)
            }
            Some(_) => continue,
            None => (line, true),
        };
        if let Some(header) = text.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = header.split('.').collect();
            section_live = live;
        } else if let Some((name, rest)) = text.split_once(" = ") {
            let (value, comment) = uncomment(rest);
            let mut path = section.clone();
            path.push(name.trim());
            let explained = comment.is_some_and(|comment| !comment.trim().is_empty());
            let mentioned = section_live && !live;
            shown.push(Shown { line: number + 1, path, value, explained, mentioned });
        }
    }
    shown
}

/// A value and the comment after it; a `#` within a string begins none.
fn uncomment(rest: &str) -> (&str, Option<&str>) {
    let mut quoted = false;
    for (at, c) in rest.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return (rest[..at].trim(), Some(&rest[at + 1..])),
            _ => {}
        }
    }
    (rest.trim(), None)
}

fn matches(pattern: &[&str], path: &[&str]) -> bool {
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(pattern, name)| *pattern == "*" || pattern == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knob(path: &str, fallback: Fallback) -> Knob {
        Knob { path: path.to_owned(), fallback }
    }

    #[test]
    fn a_right_reference_has_no_differences() {
        let knobs = [
            knob("environment", Fallback::Value("\"production\"".to_owned())),
            knob("keys_folder", Fallback::Absent),
            knob("services.*.upstream", Fallback::Required),
        ];
        let text = "# Prose.\nenvironment = \"production\" # what # it is\n\
                    #keys_folder = \"keys.d\" # where\n[services.a]\nupstream = \"b\" # to\n\
                    [ops]\naddress = 1\n";
        assert_eq!(differences(text, &knobs, &["ops"]), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_told() {
        let knobs = [
            knob("a", Fallback::Value("1".to_owned())),
            knob("b", Fallback::Value("1".to_owned())),
            knob("c", Fallback::Required),
        ];
        let text = "a = 2 # x\n#b = 1 # x\nd = 1 # x\n";
        assert_eq!(
            differences(text, &knobs, &[]),
            [
                "line 1: a is 1 by default, not 2",
                "line 2: b has the default 1 and is only mentioned",
                "c is not shown",
                "line 3: nothing asks for d",
            ]
        );
        assert_eq!(differences("a = 1", &knobs[..1], &[]), ["line 1: a is not explained"]);
    }
}
