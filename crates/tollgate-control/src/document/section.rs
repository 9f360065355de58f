//! One table of a document, from which a reader takes typed fields.

mod lists;
mod tables;

use std::fmt;
use std::mem;
use std::path::Path;
use std::rc::Rc;

use super::hint::{nearest, one_of};
use super::kind::{Kind, found};
use super::report::Report;
use super::text::Text;
use super::value::{Spot, Table, Value};
use super::{Fallback, Knob, Place, Problem};

pub use self::lists::Item;

/// A table of the document. Fields are taken by name; each that does not fit is a problem, and so
/// is each that is left when the section is dropped.
///
/// A reader asks for every field it knows, whatever the others say, so that all mistakes are found
/// at once and a field that it knows is never called unknown.
pub struct Section {
    report: Rc<Report>,
    text: Rc<Text>,
    path: FieldPath,
    /// The byte at which the table's header starts.
    at: usize,
    /// What nobody has asked for yet.
    rest: Table,
    asked: Vec<Asked>,
    /// Added to the report of an unknown field.
    purpose: Option<&'static str>,
}

/// A path as it is shown, and with `*` for the names that the operator gives.
#[derive(Clone, Default)]
struct FieldPath {
    shown: String,
    pattern: String,
}

/// A field that was asked for.
struct Asked {
    name: &'static str,
    /// Where it stands, if it does.
    at: Option<usize>,
    misfit: bool,
}

/// A spot of the document that a problem can be pinned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    offset: usize,
    field: String,
}

impl Section {
    /// The root of the file at `path`; `None`, with the problems reported, when it is no TOML.
    pub(super) fn open(path: &Path, report: &Rc<Report>) -> Option<Self> {
        let text = match Text::open(path) {
            Ok(text) => text,
            Err(problem) => {
                report.problem(problem);
                return None;
            }
        };
        match text.parse() {
            Ok(rest) => Some(Self::root(report, text, rest)),
            Err(problems) => {
                problems.into_iter().for_each(|problem| report.problem(problem));
                None
            }
        }
    }

    /// The root of a document in which every table exists and no field is set.
    pub(super) fn probe(report: &Rc<Report>) -> Self {
        Self::root(report, Text::new(Path::new(""), String::new()), Table::default())
    }

    fn root(report: &Rc<Report>, text: Text, rest: Table) -> Self {
        Self {
            report: Rc::clone(report),
            text: Rc::new(text),
            path: FieldPath::default(),
            at: 0,
            rest,
            asked: Vec::new(),
            purpose: None,
        }
    }

    /// The root of another file, whose problems join those of this one. `None`, with the problems
    /// reported, when it is no TOML.
    pub fn open_beside(&self, path: &Path) -> Option<Self> {
        Self::open(path, &self.report)
    }

    /// The file that this section stands in.
    pub fn file(&self) -> &Path {
        self.text.path()
    }

    /// A path that the operator wrote in this section, taken relative to the section's file.
    pub fn resolve(&self, path: &str) -> std::path::PathBuf {
        self.file().parent().unwrap_or(Path::new("")).join(path)
    }

    /// Says what the section is for, in the report of an unknown field.
    pub fn set_purpose(&mut self, purpose: &'static str) {
        self.purpose = Some(purpose);
    }

    /// The field; a problem and `None` when it is absent or does not fit.
    pub fn required<K: Kind>(&mut self, name: &'static str, kind: K) -> Option<K::Value> {
        self.record(name, || Fallback::Required);
        match self.take(name) {
            Some(value) => self.fit(name, &kind, &value),
            None => {
                self.missing(name, &kind.expected());
                None
            }
        }
    }

    /// The field; `None` when it is absent, and with a problem when it does not fit.
    /// [`Section::has`] tells one from the other.
    pub fn optional<K: Kind>(&mut self, name: &'static str, kind: K) -> Option<K::Value> {
        self.record(name, || Fallback::Absent);
        let value = self.take(name)?;
        self.fit(name, &kind, &value)
    }

    /// The field; the default when it is absent, and with a problem when it does not fit.
    pub fn or<K: Kind>(&mut self, name: &'static str, kind: K, default: K::Value) -> K::Value {
        self.record(name, || Fallback::Value(kind.show(&default)));
        match self.take(name) {
            Some(value) => self.fit(name, &kind, &value).unwrap_or(default),
            None => default,
        }
    }

    /// Takes a field unread. For a reader that leaves it to another.
    pub fn ignore(&mut self, name: &'static str) {
        self.take(name);
    }

    /// Whether a field that was asked for stands in the document, whether or not it fits.
    pub fn has(&self, name: &str) -> bool {
        self.asked(name).is_some_and(|asked| asked.at.is_some())
    }

    /// Whether a field that was asked for stands in the document and does not fit.
    pub fn is_misfit(&self, name: &str) -> bool {
        self.asked(name).is_some_and(|asked| asked.misfit)
    }

    /// The fields asked for so far that stand in the document, out of `names`.
    pub fn given<'n>(&self, names: &'n [&'n str]) -> impl Iterator<Item = &'n str> {
        names.iter().copied().filter(|name| self.has(name))
    }

    /// The section's path, such as `services.orders`; empty for the root.
    pub fn path(&self) -> &str {
        &self.path.shown
    }

    /// The place of the section's header.
    pub fn place(&self) -> Place {
        self.text.place(self.at)
    }

    /// Where a field stands; the section's header if it does not.
    pub fn site(&self, name: &str) -> Site {
        let at = self.asked(name).and_then(|asked| asked.at).unwrap_or(self.at);
        Site { offset: at, field: self.below(name) }
    }

    /// The section itself.
    pub fn here(&self) -> Site {
        Site { offset: self.at, field: self.path.shown.clone() }
    }

    /// The place of a site of this section.
    pub fn place_of(&self, site: &Site) -> Place {
        self.text.place(site.offset)
    }

    /// Reports a problem with a field.
    pub fn problem(&self, name: &str, message: impl fmt::Display) {
        self.problem_at(self.site(name), message);
    }

    /// Reports a problem with a spot of this section.
    pub fn problem_at(&self, site: Site, message: impl fmt::Display) {
        self.report.problem(self.finding(site, &message));
    }

    /// Reports something odd about a field, with which the document can be used all the same.
    pub fn warning(&self, name: &str, message: impl fmt::Display) {
        self.warning_at(self.site(name), message);
    }

    /// Reports something odd about a spot of this section, with which the document can be used all
    /// the same.
    pub fn warning_at(&self, site: Site, message: impl fmt::Display) {
        self.report.warning(self.finding(site, &message));
    }

    /// Reports something odd about an object of any section, known by its place.
    pub fn warning_about(&self, place: &Place, field: String, message: impl fmt::Display) {
        self.report.warning(Problem { place: place.clone(), field, message: message.to_string() });
    }

    /// Reports that a field has to be given.
    pub fn missing(&self, name: &str, expected: &str) {
        let site = Site { offset: self.at, field: self.below(name) };
        self.problem_at(site, format_args!("required, expected {expected}"));
    }

    /// Reports the fields that nobody asked for.
    pub fn finish(self) {}

    /// Whether this reading is there for the names of its fields only.
    pub fn is_probe(&self) -> bool {
        self.report.is_probe()
    }

    fn finding(&self, Site { offset, field }: Site, message: &dyn fmt::Display) -> Problem {
        Problem { place: self.text.place(offset), field, message: message.to_string() }
    }

    fn take(&mut self, name: &'static str) -> Option<Spot> {
        let value = self.rest.take(name);
        let at = value.as_ref().map(|value| value.at);
        self.asked.push(Asked { name, at, misfit: false });
        value
    }

    fn asked(&self, name: &str) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.name == name)
    }

    /// Reads the field that was taken last.
    fn fit<K: Kind>(&mut self, name: &str, kind: &K, spot: &Spot) -> Option<K::Value> {
        let site = || Site { offset: spot.at, field: self.below(name) };
        let value = self.fit_at(site, kind, &spot.value);
        if value.is_none() {
            self.mark_misfit();
        }
        value
    }

    /// Notes that the field that was taken last does not fit.
    fn mark_misfit(&mut self) {
        if let Some(asked) = self.asked.last_mut() {
            asked.misfit = true;
        }
    }

    fn fit_at<K: Kind>(
        &self,
        site: impl Fn() -> Site,
        kind: &K,
        value: &Value,
    ) -> Option<K::Value> {
        match kind.read(value) {
            Ok(value) => Some(value),
            Err(misfit) => {
                let found = found(value, K::SECRET);
                let expected = kind.expected();
                let message = match misfit.reason() {
                    Some(reason) => format!("found {found}, {reason}; expected {expected}"),
                    None => format!("found {found}, expected {expected}"),
                };
                self.problem_at(site(), message);
                None
            }
        }
    }

    fn record(&self, name: &str, fallback: impl FnOnce() -> Fallback) {
        if self.is_probe() && !self.path.pattern.contains('[') {
            self.report.knob(Knob { path: join(&self.path.pattern, name), fallback: fallback() });
        }
    }

    fn below(&self, name: &str) -> String {
        join(&self.path.shown, name)
    }

    fn report_unknown(&self, name: &str, key: usize) {
        let known = || self.asked.iter().map(|asked| asked.name);
        let what = if self.path.shown.is_empty() { "section or field" } else { "field" };
        let hint = match (self.purpose, nearest(name, known())) {
            (Some(purpose), _) => purpose.to_owned(),
            (None, Some(near)) => format!("did you mean {near:?}?"),
            (None, None) => one_of(name, known()),
        };
        let site = Site { offset: key, field: self.below(name) };
        self.problem_at(site, format_args!("unknown {what} ({hint})"));
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        for field in mem::take(&mut self.rest) {
            self.report_unknown(&field.name, field.name_at);
        }
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section").field("path", &self.path.shown).finish_non_exhaustive()
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
