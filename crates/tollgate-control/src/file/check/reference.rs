//! Names of other objects.

use std::collections::BTreeMap;
use std::fmt;

use crate::document::{Section, Site, one_of};
use crate::model::Name;

/// What `field` of the section refers to; a problem and `None` when there is no such thing, which
/// `none` says, such as "no upstream".
pub(in crate::file) fn find<'k, T>(
    section: &Section,
    field: &str,
    none: impl fmt::Display,
    name: &Name,
    known: &'k BTreeMap<Name, T>,
) -> Option<&'k T> {
    find_at(section, || section.site(field), none, name, known)
}

/// What the section itself is named after; a problem and `None` when there is no such thing, which
/// `none` says.
pub(in crate::file) fn find_named<'k, T>(
    section: &Section,
    none: impl fmt::Display,
    name: &Name,
    known: &'k BTreeMap<Name, T>,
) -> Option<&'k T> {
    find_at(section, || section.here(), none, name, known)
}

/// What a spot of the section refers to; a problem and `None` when there is no such thing, which
/// `none` says.
pub(in crate::file) fn find_at<'k, T>(
    section: &Section,
    site: impl Fn() -> Site,
    none: impl fmt::Display,
    name: &Name,
    known: &'k BTreeMap<Name, T>,
) -> Option<&'k T> {
    let found = known.get(name);
    if found.is_none() {
        let exist = one_of(name, known.keys().map(Name::as_str));
        section.problem_at(site(), format_args!("{none} {name:?} ({exist})"));
    }
    found
}
