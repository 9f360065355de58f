//! Reports calls that would lead to two places, and such as would lead elsewhere from where paths
//! hold the keys of a service.

use std::fmt;

use http::Method as Verb;

use crate::document::{Place, Section, Site};
use crate::model::Segment;
use crate::routing::Claims;

pub(in crate::file) use crate::routing::Below;

/// What all endpoints and methods so far match.
#[derive(Default)]
pub(in crate::file) struct Routes(Claims<Claimant>);

/// What claims calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claimant {
    path: String,
    place: Place,
}

impl Routes {
    /// Begins with another endpoint.
    pub(in crate::file) fn begin_endpoint(&mut self) {
        self.0.begin_endpoint();
    }

    /// Notes that keys stand in the paths of the service that `section` is, and reports at `site`
    /// if another has an endpoint there already.
    pub(in crate::file) fn key(&mut self, section: &Section, site: &Site, below: &Below<'_>) {
        if let Some(other) = self.0.under(below) {
            section.problem_at(
                site.clone(),
                format_args!(
                    "makes everything below the service's path its own, but {other} lies there"
                ),
            );
        }
        let path = format!("services.{}", below.service);
        self.0.note_keyed(below, Claimant { path, place: section.place() });
    }

    /// Notes that the endpoint, or its method, that `section` is takes calls of `verb` to `path`,
    /// and reports at `site` if another takes them already.
    pub(in crate::file) fn claim(
        &mut self,
        section: &Section,
        site: Site,
        below: &Below<'_>,
        path: &[Segment],
        verb: Option<&Verb>,
    ) {
        if let Some(keyed) = self.0.above(below, path) {
            section.problem_at(
                site.clone(),
                format_args!(
                    "lies below the path of {keyed}, whose paths hold keys; all of it is its own"
                ),
            );
        }
        let taken = self.0.taken(below, path, verb);
        let (path_of_section, place) = (section.path().to_owned(), section.place_of(&site));
        self.0.note(below, path, verb, &Claimant { path: path_of_section, place });
        if let Some(other) = taken {
            let verb = verb.map_or(String::new(), |verb| format!("{verb} on "));
            section.problem_at(
                site,
                format_args!("{verb}this host and path is matched by {other} already"),
            );
        }
    }
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.path, self.place)
    }
}
