//! Which calls lead where. No call may lead to two places, and where the paths of a service hold keys
//! none may lead to another.

use std::collections::HashMap;

use http::Method as Verb;

use super::keyed::Keyed;
use crate::document::{Place, Section, Site};
use crate::model::{HostPattern, Name, Segment};

/// What all endpoints and methods so far match.
#[derive(Default)]
pub(in crate::file) struct Routes {
    known: HashMap<Target, Vec<Claim>>,
    keyed: Vec<Keyed>,
    endpoints: usize,
}

/// Hosts and paths. Different ones may match the same call too, but then one is more specific.
#[derive(PartialEq, Eq, Hash)]
struct Target {
    /// `None` = every host.
    host: Option<HostPattern>,
    path: Vec<Segment>,
}

/// Who answers for a target.
struct Claim {
    /// `None` = every HTTP method, or those that no method of the endpoint names.
    verb: Option<Verb>,
    /// Claims of one endpoint give way to each other: its methods go before it.
    endpoint: usize,
    path: String,
    place: Place,
}

/// The hosts and the path below which an endpoint claims its calls.
pub(in crate::file) struct Below<'a> {
    pub(in crate::file) service: &'a Name,
    pub(in crate::file) hosts: &'a [HostPattern],
    pub(in crate::file) path: Vec<Segment>,
}

impl Routes {
    /// Begins with another endpoint.
    pub(in crate::file) fn begin_endpoint(&mut self) {
        self.endpoints += 1;
    }

    /// Notes that keys stand in the paths of the service that `section` is, and reports at `site`
    /// if another has an endpoint there already.
    pub(in crate::file) fn key(&mut self, section: &Section, site: &Site, below: &Below<'_>) {
        let keyed = Keyed::of(below, section.place());
        let there = self
            .known
            .iter()
            .filter(|(target, _)| keyed.has(std::slice::from_ref(&target.host), &target.path));
        let first = there.flat_map(|(_, claims)| claims).map(Claim::to_string).min();
        if let Some(other) = first {
            section.problem_at(
                site.clone(),
                format_args!(
                    "makes everything below the service's path its own, but {other} lies there"
                ),
            );
        }
        self.keyed.push(keyed);
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
        let full: Vec<_> = below.path.iter().chain(path).map(Segment::unnamed).collect();
        let hosts = below.hosts();
        let others = self.keyed.iter().filter(|keyed| keyed.service != *below.service);
        if let Some(keyed) = others.into_iter().find(|keyed| keyed.has(&hosts, &full)) {
            section.problem_at(
                site.clone(),
                format_args!(
                    "lies below the path of {keyed}, whose paths hold keys; all of it is its own"
                ),
            );
        }
        let mut taken = None;
        for host in hosts {
            let claims = self.known.entry(Target { host, path: full.clone() }).or_default();
            let other = claims.iter().find(|claim| claim.contests(self.endpoints, verb));
            taken = taken.or_else(|| other.map(|other| other.to_string()));
            claims.push(Claim {
                verb: verb.cloned(),
                endpoint: self.endpoints,
                path: section.path().to_owned(),
                place: section.place_of(&site),
            });
        }
        if let Some(other) = taken {
            let verb = verb.map_or(String::new(), |verb| format!("{verb} on "));
            section.problem_at(
                site,
                format_args!("{verb}this host and path is matched by {other} already"),
            );
        }
    }
}

impl Below<'_> {
    /// `None` = every host.
    pub(super) fn hosts(&self) -> Vec<Option<HostPattern>> {
        match self.hosts {
            [] => vec![None],
            hosts => hosts.iter().cloned().map(Some).collect(),
        }
    }
}

impl Claim {
    fn contests(&self, endpoint: usize, verb: Option<&Verb>) -> bool {
        match (&self.verb, verb) {
            (Some(mine), Some(other)) => mine == other,
            _ => self.endpoint != endpoint,
        }
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.path, self.place)
    }
}
